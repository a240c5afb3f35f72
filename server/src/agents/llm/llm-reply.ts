import type { LlmMessage, LlmProvider, LlmToolCall, LlmUsage } from '../../providers/llm.ts';
import type { DialogueReply, ReplyPart } from '../dialogue.ts';
import type { ToolRunner } from '../tools/tool-runner.ts';
import { toolMessages, type RanTool } from './llm-history.ts';
import { SentenceChunker, splitSentences } from './sentence-chunker.ts';

/** How a reply went, told to the dialogue that remembers. */
export interface ReplyObserver {
  onCommit(): void;
  onUsage(usage: LlmUsage): void;
  /** A tool has run. `dropped`: the answer that asked for it is not spoken any more. */
  onTool(tool: RanTool, dropped: boolean): void;
  /** The agent is hanging up. */
  onEnd(reason: string): void;
  onSucceeded(): void;
  /** @returns whether the call has to end, this having been one failure too many. */
  onFailed(error: unknown): boolean;
}

export interface LlmReplyOptions {
  provider: LlmProvider;
  /** Asked for when the reply is first read, so that it knows what was heard until then. */
  messages(): LlmMessage[];
  tools: ToolRunner;
  temperature: number;
  maxTokens: number;
  /** Said when a tool ends the call and the model said nothing; null: nothing. */
  goodbye: string | null;
  observer: ReplyObserver;
}

const EMPTY_REPLY = 'Sorry, could you say that again?';
const APOLOGY = 'I am sorry, I have a problem. Could you say that again?';
const LAST_APOLOGY = 'I am sorry, I have a technical problem and cannot go on. Goodbye.';
/** A model that calls tools for ever would hold the caller in silence. */
const MAX_ROUNDS = 4;
const MAX_TOOL_CALLS = 8;

/** A reply that streams from a language model. */
export class LlmReply implements DialogueReply {
  readonly parts: AsyncIterable<ReplyPart>;
  readonly #options: LlmReplyOptions;
  readonly #controller = new AbortController();
  readonly #decided: Promise<boolean>;
  #decide: (committed: boolean) => void = () => undefined;
  #state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(options: LlmReplyOptions) {
    this.#options = options;
    this.#decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.parts = this.#stream();
  }

  commit(): void {
    if (this.#state !== 'open') return;
    this.#state = 'committed';
    this.#options.observer.onCommit();
    this.#decide(true);
  }

  abort(): void {
    if (this.#state === 'open') this.#state = 'aborted';
    this.#controller.abort(new Error('the reply was dropped'));
    this.#decide(false);
  }

  async *#stream(): AsyncGenerator<ReplyPart, void, void> {
    try {
      yield* this.#rounds();
    } finally {
      // The reader may leave early: the connection to the model must not outlive it.
      this.#controller.abort(new Error('the reply is no longer read'));
    }
  }

  async *#rounds(): AsyncGenerator<ReplyPart, void, void> {
    const { signal } = this.#controller;
    // The answer before was interrupted while a tool ran: this one is to know what came of it.
    if (this.#options.tools.isBusy) {
      await Promise.race([this.#options.tools.idle(), this.#aborted()]);
      if (signal.aborted) return;
    }
    const messages = this.#options.messages();
    let said = false;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const calls: LlmToolCall[] = [];
      let saidNow = false;
      let failure: { error: unknown } | null = null;
      const speech = this.#speech(messages, calls);
      try {
        for await (const text of speech) {
          if (signal.aborted) return;
          said = true;
          saidNow = true;
          yield { type: 'say', text };
          // Dropped while the sentence was out: the model is not asked for another word.
          if (signal.aborted) return;
        }
      } catch (error) {
        failure = { error };
      }
      if (signal.aborted) return;
      if (failure !== null) {
        yield* this.#fail(failure.error);
        return;
      }
      if (calls.length === 0) {
        if (!said) yield { type: 'say', text: EMPTY_REPLY };
        this.#options.observer.onSucceeded();
        return;
      }
      if (!(await this.#decided) || signal.aborted) return;
      const filler = saidNow ? null : this.#fillerOf(calls);
      if (filler !== null) {
        said = true;
        yield { type: 'say', text: filler };
        if (signal.aborted) return;
      }
      const outcome = yield* this.#runTools(calls, said);
      this.#options.observer.onSucceeded();
      if (outcome === null || signal.aborted) return;
      messages.push(...toolMessages(outcome));
    }
    if (!said) yield { type: 'say', text: EMPTY_REPLY };
  }

  /** The sentences of one answer; tool calls are collected into `calls`. */
  async *#speech(
    messages: readonly LlmMessage[],
    calls: LlmToolCall[],
  ): AsyncGenerator<string, void, void> {
    const { provider, tools, temperature, maxTokens, observer } = this.#options;
    const chunker = new SentenceChunker();
    const events = provider.stream({
      messages: [...messages],
      tools: tools.offered(),
      temperature,
      maxTokens,
      signal: this.#controller.signal,
    });
    for await (const event of events) {
      switch (event.type) {
        case 'text':
          yield* chunker.push(event.delta);
          break;
        case 'tool-call':
          if (calls.length < MAX_TOOL_CALLS) calls.push(event.call);
          break;
        case 'done':
          if (event.usage !== null) observer.onUsage(event.usage);
          break;
      }
    }
    yield* chunker.flush();
  }

  /** What is said while the tools run; null: nothing. */
  #fillerOf(calls: readonly LlmToolCall[]): string | null {
    for (const { name } of calls) {
      const filler = this.#options.tools.fillerOf(name);
      if (filler !== null && filler !== '') return filler;
    }
    return null;
  }

  #aborted(): Promise<void> {
    const { signal } = this.#controller;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** @returns what the model is told when it goes on; null: it does not. */
  async *#runTools(
    calls: readonly LlmToolCall[],
    said: boolean,
  ): AsyncGenerator<ReplyPart, RanTool[] | null, void> {
    const { tools, observer, goodbye } = this.#options;
    const ran: RanTool[] = [];
    let goOn = false;
    const last: ReplyPart[] = [];
    for (const call of calls) {
      const run = await tools.run(call, this.#controller.signal);
      const final = run.parts.some(({ type }) => type === 'end-call');
      const entry = { call, content: run.content, final };
      // Interrupted meanwhile: what was done is remembered, and what follows from it is not.
      const isDropped = this.#controller.signal.aborted;
      if (!isDropped || !final) observer.onTool(entry, isDropped);
      if (isDropped) return null;
      ran.push(entry);
      goOn ||= run.goOn;
      last.push(...run.parts);
    }
    const ends = last.some(({ type }) => type === 'end-call');
    if (ends && !said && goodbye !== null) {
      for (const text of splitSentences(goodbye)) yield { type: 'say', text };
    }
    for (const part of last) {
      if (part.type === 'end-call') observer.onEnd(part.reason);
      yield part;
    }
    return goOn && !ends ? ran : null;
  }

  async *#fail(error: unknown): AsyncGenerator<ReplyPart, void, void> {
    const { observer, provider } = this.#options;
    const mustEnd = observer.onFailed(error);
    yield { type: 'say', text: mustEnd ? LAST_APOLOGY : APOLOGY };
    if (!(await this.#decided) || this.#controller.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    yield { type: 'note', name: 'provider-error', data: { provider: provider.name, message } };
    if (!mustEnd) return;
    observer.onEnd('provider-error');
    yield { type: 'end-call', reason: 'provider-error' };
  }
}
