import { IntentMatcher } from '../providers/intent/intent-matcher.ts';
import type { LlmProvider } from '../providers/llm.ts';
import type { Clock } from '../shared/clock.ts';
import type { AgentConfig } from './agent-config.ts';
import type { Dialogue } from './dialogue.ts';
import { LlmDialogue } from './llm/llm-dialogue.ts';
import { ScriptedDialogue } from './scripted/scripted-dialogue.ts';
import { CallVariables } from './tools/call-variables.ts';
import { createTools } from './tools/create-tools.ts';
import type { ToolHost } from './tools/tool-host.ts';
import { ToolRunner, type ToolRun } from './tools/tool-runner.ts';
import { TransferringDialogue } from './scripted/transferring-dialogue.ts';

export interface CreateDialogueOptions {
  config: AgentConfig;
  /** The call's own; they go before the agent's. `timezone` is the zone that dates are meant in. */
  variables: Readonly<Record<string, string>>;
  /** Needed by agents of type `llm`; null: none is configured. */
  llm: LlmProvider | null;
  clock: Clock;
  /** What tools need of the call. Default: nothing, and they say so. */
  toolHost?: ToolHost | undefined;
  /** The agent's own secrets, in clear, for `{{secrets.NAME}}` in its tools. Default: none. */
  toolSecrets?: Readonly<Record<string, string>> | undefined;
  /** Told of every run of a tool, when it begins and when it ends. */
  onToolRun?: ((run: ToolRun) => void) | undefined;
}

/** The conversation of one call. Throws an Error of one sentence when the agent cannot have one. */
export function createDialogue(options: CreateDialogueOptions): Dialogue {
  const { config, llm, clock } = options;
  const variables = { ...config.variables, ...options.variables };
  const known = new CallVariables(variables);
  const tools = createTools({
    tools: config.tools,
    variables: known,
    host: options.toolHost ?? null,
    secrets: options.toolSecrets ?? {},
    clock,
  });
  const onRun = options.onToolRun ?? (() => undefined);
  if (config.type === 'scripted') {
    if (config.script === null) {
      throw new Error(`agent '${config.name}' is scripted but has no script`);
    }
    const scripted = new ScriptedDialogue({
      script: config.script,
      variables,
      greeting: config.greeting,
      silencePrompt: config.silence.prompt_text,
      clock,
      timeZone: timeZoneOf(variables),
      createRanker: (intents) => new IntentMatcher(intents),
    });
    const transfer = config.tools.find((tool) => tool.type === 'transfer_call');
    if (!transfer) return scripted;
    const runner = new ToolRunner({ tools, clock, onRun });
    const [target] = transfer.targets;
    return new TransferringDialogue({
      dialogue: scripted,
      tools: runner,
      toolName: transfer.name,
      target: target?.name ?? '',
    });
  }
  if (llm === null) {
    throw new Error(
      `agent '${config.name}' needs a language model, but none is configured for '${config.llm.provider}'`,
    );
  }
  return new LlmDialogue({
    config,
    variables: known,
    llm,
    tools,
    clock,
    onToolRun: onRun,
  });
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
