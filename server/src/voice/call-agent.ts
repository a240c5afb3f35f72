import type { AgentConfig } from '../agents/agent-config.ts';
import { createDialogue } from '../agents/create-dialogue.ts';
import type { Dialogue } from '../agents/dialogue.ts';
import type { ProviderSet } from '../providers/provider-set.ts';
import type { Clock } from '../shared/clock.ts';
import type { SafeFetch } from '../egress/safe-fetch.ts';
import { answeringPlan } from './answered/answering-plan.ts';
import type { AskHost } from './agent-request.ts';
import { AgentSession } from './agent-session.ts';
import { meteredLlm, type LlmUsageCount } from './metered-llm.ts';
import { ToolDigits } from './tool-digits.ts';
import { createToolHost } from './tool-host.ts';
import { toolEvent } from './tool-event.ts';
import type { CallReport, VoiceCallEvent } from './worker-protocol.ts';

export interface CallAgentOptions {
  config: AgentConfig;
  variables: Record<string, string>;
  providers: ProviderSet;
  clock: Clock;
  emit: (event: VoiceCallEvent) => void;
  /** Keys that the agent presses. */
  sendDtmf: (digits: string) => void;
  /** Somebody is called: who answers is found out. Default false. */
  isCalling?: boolean;
  /** What its tools reach out with. Default: they cannot. */
  tools?: AgentTools | undefined;
  /** Its own, in clear, for its tools. Default: none. */
  toolSecrets?: Record<string, string> | undefined;
}

/** What the tools of agents reach out with. */
export interface AgentTools {
  fetch: SafeFetch;
  ask: AskHost;
}

/** What an agent leaves of the call that it spoke in. */
export type AgentReport = Pick<CallReport, 'turns' | 'outcome' | 'usage' | 'firstAgentAudioAtMs'>;

/** An agent with its dialogue, and what both have used. */
export class CallAgent {
  readonly session: AgentSession;
  readonly #dialogue: Dialogue;
  readonly #llmUsage: LlmUsageCount = { inputTokens: 0, outputTokens: 0 };

  constructor(options: CallAgentOptions) {
    const { config, variables, providers, clock, emit, sendDtmf, tools } = options;
    const toolDigits = new ToolDigits(clock);
    const llm = providers.llm === null ? null : meteredLlm(providers.llm, this.#llmUsage);
    this.#dialogue = createDialogue({
      config,
      variables,
      llm,
      clock,
      toolHost: tools && createToolHost({ fetch: tools.fetch, ask: tools.ask, digits: toolDigits }),
      toolSecrets: options.toolSecrets,
      onToolRun: (run) => emit(toolEvent(run, (atMs) => this.session.sinceAnswer(atMs))),
    });
    this.session = new AgentSession({
      config,
      dialogue: this.#dialogue,
      providers,
      clock,
      emit,
      sendDtmf,
      toolDigits,
      answering: options.isCalling === true ? answeringPlan(config, variables, llm) : null,
    });
  }

  report(): AgentReport {
    const { session } = this;
    return {
      turns: [...session.turns],
      outcome: this.#dialogue.outcome(),
      firstAgentAudioAtMs: session.firstAgentAudioAtMs,
      usage: {
        sttMs: Math.round(session.usage.sttMs),
        ttsCharacters: session.usage.ttsCharacters,
        llmInputTokens: this.#llmUsage.inputTokens,
        llmOutputTokens: this.#llmUsage.outputTokens,
      },
    };
  }
}
