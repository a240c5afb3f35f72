import type { LlmMessage, LlmProvider } from '../../providers/llm.ts';
import type { Clock } from '../../shared/clock.ts';
import type { AgentConfig } from '../agent-config.ts';
import type { CallerInput, Dialogue, DialogueReply, ReplyPart } from '../dialogue.ts';
import { PlannedReply } from '../planned-reply.ts';
import type { CallTool } from '../tools/call-tool.ts';
import type { CallVariables } from '../tools/call-variables.ts';
import { ToolRunner, type ToolRun } from '../tools/tool-runner.ts';
import { renderVariables } from '../variables.ts';
import { LlmHistory, type Exchange } from './llm-history.ts';
import { LlmReply } from './llm-reply.ts';
import { splitSentences } from './sentence-chunker.ts';
import { systemPrompt } from './voice-rules.ts';

export interface LlmDialogueOptions {
  config: AgentConfig;
  variables: CallVariables;
  llm: LlmProvider;
  /** What the model can do. */
  tools: readonly CallTool[];
  clock: Clock;
  /** Told of every run of a tool, when it begins and when it ends. */
  onToolRun: (run: ToolRun) => void;
}

const OPENING_CUE = '[The call has just been answered. Say your first words.]';
const WAITING_CUE = '[The caller is silent and waits. Go on with what the tool has told you.]';
const INTERRUPTED_MARK = ' [interrupted by the caller]';
const NOBODY_THERE = 'I cannot hear you. I will end the call now. Goodbye.';
const MAX_FAILURES = 2;
const MAX_SILENCES = 3;
const UNCLEAR_CONFIDENCE = 0.35;
const MAX_HEARD_CHARS = 4_000;
const MAX_DTMF_DIGITS = 20;

/** Questions whose answer is a row of digits. */
const ASKS_FOR_DIGITS =
  /\b((phone|account|card|order|reference|policy|member|membership|confirmation|customer) number|digits|zip code|postal code|pin|pin code|passcode|(verification|security) code)\b[^.?!]*\?\s*$/i;

/** A conversation led by a language model. */
export class LlmDialogue implements Dialogue {
  readonly #config: AgentConfig;
  readonly #variables: CallVariables;
  readonly #llm: LlmProvider;
  readonly #tools: ToolRunner;
  readonly #system: LlmMessage;
  readonly #history = new LlmHistory();
  readonly #exchanges = new WeakMap<DialogueReply, Exchange>();
  readonly #usage = { inputTokens: 0, outputTokens: 0 };
  readonly #toolsRun: string[] = [];
  #failures = 0;
  /** A tool has run for an answer that was interrupted: nobody was told what came of it. */
  #hasUntold = false;
  #endReason: string | null = null;

  constructor(options: LlmDialogueOptions) {
    this.#config = options.config;
    this.#variables = options.variables;
    this.#llm = options.llm;
    this.#tools = new ToolRunner({
      tools: options.tools,
      clock: options.clock,
      onRun: options.onToolRun,
    });
    this.#system = {
      role: 'system',
      content: systemPrompt(options.config, options.variables.all),
    };
  }

  get expects(): { digits: boolean; dtmfMaxDigits: number } {
    return {
      digits: ASKS_FOR_DIGITS.test(this.#history.lastHeard),
      dtmfMaxDigits: MAX_DTMF_DIGITS,
    };
  }

  /** The greeting; an empty one is made up by the model, null leaves the first word to the caller. */
  opening(): DialogueReply | null {
    const { greeting } = this.#config;
    if (greeting === null) return null;
    const text = renderVariables(greeting, this.#variables.all).text.trim();
    const reply = text === '' ? this.#ask(OPENING_CUE, null) : this.#plan(sentences(text), null);
    reply.commit();
    return reply;
  }

  reply(input: CallerInput): DialogueReply {
    const said = describe(input);
    return this.#ask(said, said);
  }

  silence(count: number): DialogueReply | null {
    if (count < 1) return null;
    // Who interrupted the agent and then said nothing waits for what the agent went to do.
    if (this.#tools.isBusy || this.#hasUntold) return this.#ask(WAITING_CUE, null);
    if (count >= MAX_SILENCES) {
      const end: ReplyPart = { type: 'end-call', reason: 'no-input' };
      return this.#plan([...sentences(NOBODY_THERE), end], 'no-input');
    }
    const text = renderVariables(this.#config.silence.prompt_text, this.#variables.all).text.trim();
    return text === '' ? null : this.#plan(sentences(text), null);
  }

  heard(reply: DialogueReply, text: string, interrupted: boolean): void {
    const exchange = this.#exchanges.get(reply);
    if (exchange === undefined) return;
    const said = text.trim();
    exchange.heard = interrupted && said !== '' ? said + INTERRUPTED_MARK : said;
    if (!interrupted) return;
    // The goodbye was cut: the call goes on, so the model must not believe that it hung up.
    exchange.tools = exchange.tools.filter((tool) => !tool.final);
    this.#endReason = null;
  }

  outcome(): Record<string, unknown> {
    return {
      outcome: this.#endReason === null ? 'unfinished' : 'ended-by-agent',
      ...(this.#endReason === null ? {} : { end_reason: this.#endReason }),
      tools: [...this.#toolsRun],
      ...(Object.keys(this.#variables.learned).length > 0 && {
        variables: this.#variables.learned,
      }),
      usage: {
        input_tokens: this.#usage.inputTokens,
        output_tokens: this.#usage.outputTokens,
      },
    };
  }

  close(transferred: boolean): void {
    this.#tools.close(transferred);
  }

  #plan(parts: readonly ReplyPart[], endReason: string | null): DialogueReply {
    const reply: PlannedReply = new PlannedReply(parts, () => {
      this.#exchanges.set(reply, this.#history.add(null));
      this.#endReason = endReason;
    });
    return reply;
  }

  /**
   * @param cue what the model answers to.
   * @param remembered the part of it that stays in the history; null: nothing.
   */
  #ask(cue: string, remembered: string | null): LlmReply {
    let exchange: Exchange | null = null;
    let succeeded = false;
    let failed = false;
    const reply: LlmReply = new LlmReply({
      provider: this.#llm,
      messages: () => this.#messages(exchange, cue),
      tools: this.#tools,
      temperature: this.#config.llm.temperature,
      maxTokens: this.#config.llm.max_tokens,
      goodbye: this.#goodbye(),
      observer: {
        onCommit: () => {
          exchange = this.#history.add(remembered);
          this.#exchanges.set(reply, exchange);
          this.#endReason = null;
          if (succeeded) this.#hasUntold = false;
          if (failed) this.#failures++;
          else if (succeeded) this.#failures = 0;
        },
        onUsage: (usage) => {
          this.#usage.inputTokens += usage.inputTokens;
          this.#usage.outputTokens += usage.outputTokens;
        },
        onTool: (tool, dropped) => {
          this.#hasUntold ||= dropped;
          exchange?.tools.push(tool);
          if (this.#toolsRun.length < 100) this.#toolsRun.push(tool.call.name);
        },
        onEnd: (reason) => {
          this.#endReason = reason;
        },
        onSucceeded: () => {
          succeeded = true;
          if (exchange === null) return;
          this.#failures = 0;
          this.#hasUntold = false;
        },
        onFailed: () => {
          failed = true;
          // A speculative failure counts when the turn does.
          const failures = this.#failures + 1;
          if (exchange !== null) this.#failures = failures;
          return failures >= MAX_FAILURES;
        },
      },
    });
    return reply;
  }

  /** Everything up to this turn, and the turn itself exactly once, committed or not. */
  #messages(exchange: Exchange | null, cue: string): LlmMessage[] {
    const before = this.#history.messages(exchange);
    return [this.#system, ...before, { role: 'user', content: cue }];
  }

  #goodbye(): string | null {
    const { goodbye } = this.#config;
    return goodbye === null ? null : renderVariables(goodbye, this.#variables.all).text.trim();
  }
}

function sentences(text: string): ReplyPart[] {
  return splitSentences(text).map((sentence) => ({ type: 'say', text: sentence }));
}

function describe(input: CallerInput): string {
  if (input.type === 'dtmf') {
    return `[The caller pressed ${Array.from(input.digits.slice(0, 100)).join(' ')} on the keypad.]`;
  }
  const text = input.text.trim().slice(0, MAX_HEARD_CHARS);
  if (text === '') return '[The caller said something that could not be understood.]';
  return input.confidence < UNCLEAR_CONFIDENCE ? `${text} [heard unclearly]` : text;
}
