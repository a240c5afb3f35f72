import { IntentMatcher } from '../providers/intent/intent-matcher.ts';
import type { LlmProvider } from '../providers/llm.ts';
import type { Clock } from '../shared/clock.ts';
import type { AgentConfig } from './agent-config.ts';
import type { Dialogue } from './dialogue.ts';
import { LlmDialogue } from './llm/llm-dialogue.ts';
import { ScriptedDialogue } from './scripted/scripted-dialogue.ts';

export interface CreateDialogueOptions {
  config: AgentConfig;
  /** The call's own; they go before the agent's. `timezone` is the zone that dates are meant in. */
  variables: Readonly<Record<string, string>>;
  /** Needed by agents of type `llm`; null: none is configured. */
  llm: LlmProvider | null;
  clock: Clock;
}

/** The conversation of one call. Throws an Error of one sentence when the agent cannot have one. */
export function createDialogue(options: CreateDialogueOptions): Dialogue {
  const { config, llm, clock } = options;
  const variables = { ...config.variables, ...options.variables };
  if (config.type === 'scripted') {
    if (config.script === null) {
      throw new Error(`agent '${config.name}' is scripted but has no script`);
    }
    return new ScriptedDialogue({
      script: config.script,
      variables,
      greeting: config.greeting,
      silencePrompt: config.silence.prompt_text,
      clock,
      timeZone: timeZoneOf(variables),
      createRanker: (intents) => new IntentMatcher(intents),
    });
  }
  if (llm === null) {
    throw new Error(
      `agent '${config.name}' needs a language model, but none is configured for '${config.llm.provider}'`,
    );
  }
  return new LlmDialogue({ config, variables, llm });
}

function timeZoneOf(variables: Readonly<Record<string, string>>): string {
  const local = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const wanted = variables['timezone'];
  if (wanted === undefined || wanted === '') return local;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: wanted }).resolvedOptions().timeZone;
  } catch {
    // A misspelt zone is no reason to drop a call that may never speak of a date.
    return local;
  }
}
