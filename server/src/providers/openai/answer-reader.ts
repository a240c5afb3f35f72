import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { randomText } from '../../shared/ids.ts';
import type { LlmEvent, LlmUsage } from '../llm.ts';
import { ProviderError } from '../provider-error.ts';

/** Nobody says as much in one turn: an endpoint that goes on has lost its way. */
const MAX_ANSWER_CHARS = 200_000;
const MAX_TOOL_CALLS = 64;

interface ToolCallInTheMaking {
  id: string;
  name: string;
  argumentsJson: string;
}

/** Puts an answer together from the chunks of a stream. Fields are checked: the sender is a stranger. */
export class AnswerReader {
  readonly #provider: string;
  readonly #calls = new Map<number, ToolCallInTheMaking>();
  #usage: LlmUsage | null = null;
  #isFinished = false;
  #charCount = 0;

  constructor(provider: string) {
    this.#provider = provider;
  }

  /** Text is passed on at once; tool calls are kept until the answer is complete. */
  *read(chunk: ChatCompletionChunk): Generator<LlmEvent, void, void> {
    this.#usage = readUsage(chunk.usage) ?? this.#usage;
    if (!Array.isArray(chunk.choices)) throw this.#malformed('a chunk without choices');
    const choice = chunk.choices[0];
    if (choice === undefined) return;
    // Local servers leave `delta` out of the last chunk.
    const delta = choice.delta as Partial<ChatCompletionChunk.Choice.Delta> | undefined;
    for (const text of [delta?.content, delta?.refusal]) {
      if (typeof text !== 'string' || text === '') continue;
      this.#count(text);
      yield { type: 'text', delta: text };
    }
    for (const [n, call] of (delta?.tool_calls ?? []).entries()) this.#addToolCall(call, n);
    if (typeof choice.finish_reason === 'string') this.#isFinished = true;
  }

  /** The stream has ended. */
  *end(): Generator<LlmEvent, void, void> {
    if (!this.#isFinished) throw this.#malformed('the stream ended before the answer did');
    for (const { id, name, argumentsJson } of this.#calls.values()) {
      if (name === '') throw this.#malformed('a tool call without a name');
      yield {
        type: 'tool-call',
        call: { id, name, argumentsJson: argumentsJson === '' ? '{}' : argumentsJson },
      };
    }
    yield { type: 'done', usage: this.#usage };
  }

  #addToolCall(part: ChatCompletionChunk.Choice.Delta.ToolCall, position: number): void {
    const index = typeof part.index === 'number' ? part.index : position;
    const call = this.#calls.get(index) ?? { id: '', name: '', argumentsJson: '' };
    // Some local servers give no id, but the answer to the call needs one.
    if (call.id === '') call.id = part.id ?? `call_${randomText(16)}`;
    call.name += part.function?.name ?? '';
    call.argumentsJson += part.function?.arguments ?? '';
    this.#count(part.function?.arguments ?? '');
    this.#calls.set(index, call);
    if (this.#calls.size > MAX_TOOL_CALLS) throw this.#malformed('too many tool calls');
  }

  #count(text: string): void {
    this.#charCount += text.length;
    if (this.#charCount > MAX_ANSWER_CHARS) throw this.#malformed('an answer without end');
  }

  #malformed(what: string): ProviderError {
    return new ProviderError(this.#provider, `malformed stream: ${what}`, { retryable: true });
  }
}

function readUsage(usage: ChatCompletionChunk['usage']): LlmUsage | null {
  if (usage === null || usage === undefined) return null;
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage;
  if (!Number.isFinite(inputTokens) || !Number.isFinite(outputTokens)) return null;
  return { inputTokens, outputTokens };
}
