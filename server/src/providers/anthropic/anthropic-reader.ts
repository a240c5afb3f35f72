import type { LlmEvent, LlmToolCall, LlmUsage } from '../llm.ts';
import { errorOfStatus } from '../net/error-of-status.ts';
import { malformed } from '../net/http-request.ts';
import { asNumber, asRecord, asText } from '../net/json-fields.ts';
import type { ThinkingMemory } from './thinking-memory.ts';

/** Nobody says as much in one turn: a model that goes on has lost its way. */
const MAX_ANSWER_CHARS = 200_000;
const MAX_TOOL_CALLS = 64;
/** Errors within a stream have a name and no status; these are those of the same errors before one. */
const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Puts an answer together from the events of a stream. Fields are checked: the sender is a stranger. */
export class AnthropicReader {
  readonly #provider: string;
  readonly #apiKey: string;
  readonly #memory: ThinkingMemory;
  readonly #calls = new Map<number, LlmToolCall>();
  readonly #thoughts = new Map<number, Record<string, unknown>>();
  #usage: LlmUsage = { inputTokens: 0, outputTokens: 0 };
  #isFinished = false;
  #charCount = 0;

  constructor(provider: string, apiKey: string, memory: ThinkingMemory) {
    this.#provider = provider;
    this.#memory = memory;
    this.#apiKey = apiKey;
  }

  /** Text is passed on at once; tool calls are kept until the answer is complete. */
  *read(event: Record<string, unknown>): Generator<LlmEvent, void, void> {
    switch (event['type']) {
      case 'message_start':
        this.#count(asRecord(asRecord(event['message'])?.['usage']));
        return;
      case 'content_block_start':
        this.#startBlock(event);
        return;
      case 'content_block_delta':
        yield* this.#readDelta(event);
        return;
      case 'message_delta':
        this.#count(asRecord(event['usage']));
        return;
      case 'message_stop':
        this.#isFinished = true;
        return;
      case 'error':
        throw this.#errorOf(asRecord(event['error']));
      default:
        // "New event types may be added": pings among them.
        return;
    }
  }

  /** The stream has ended. */
  *end(): Generator<LlmEvent, void, void> {
    if (!this.#isFinished) {
      throw malformed(this.#provider, 'the stream ended before the answer did');
    }
    const [first] = this.#calls.values();
    if (first) this.#memory.remember(first.id, [...this.#thoughts.values()]);
    for (const call of this.#calls.values()) {
      const { argumentsJson } = call;
      yield {
        type: 'tool-call',
        call: { ...call, argumentsJson: argumentsJson === '' ? '{}' : argumentsJson },
      };
    }
    yield { type: 'done', usage: this.#usage };
  }

  #startBlock(event: Record<string, unknown>): void {
    const block = asRecord(event['content_block']);
    if (block?.['type'] !== 'tool_use') return;
    const [id, name, index] = [
      asText(block['id']),
      asText(block['name']),
      asNumber(event['index']),
    ];
    if (!id || !name || index === undefined) {
      throw malformed(this.#provider, 'a tool call without id or name');
    }
    this.#calls.set(index, { id, name, argumentsJson: '' });
    if (this.#calls.size > MAX_TOOL_CALLS) throw malformed(this.#provider, 'too many tool calls');
  }

  *#readDelta(event: Record<string, unknown>): Generator<LlmEvent, void, void> {
    const delta = asRecord(event['delta']);
    const text = asText(delta?.['text']);
    if (delta?.['type'] === 'text_delta' && text) {
      this.#bound(text);
      yield { type: 'text', delta: text };
    }
    const index = asNumber(event['index']) ?? -1;
    this.#think(this.#thoughts.get(index), delta);
    const part = asText(delta?.['partial_json']);
    const call = this.#calls.get(index);
    if (delta?.['type'] === 'input_json_delta' && part !== undefined && call) {
      this.#bound(part);
      call.argumentsJson += part;
    }
  }

  #think(
    block: Record<string, unknown> | undefined,
    delta: Record<string, unknown> | undefined,
  ): void {
    for (const field of ['thinking', 'signature']) {
      const part = asText(delta?.[field]);
      if (!block || part === undefined) continue;
      this.#bound(part);
      block[field] = (asText(block[field]) ?? '') + part;
    }
  }

  /** Counts are cumulative; what came from a cache was read all the same. */
  #count(usage: Record<string, unknown> | undefined): void {
    const read = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'].map(
      (name) => asNumber(usage?.[name]),
    );
    if (read[0] !== undefined) {
      this.#usage.inputTokens = read.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    }
    this.#usage.outputTokens = asNumber(usage?.['output_tokens']) ?? this.#usage.outputTokens;
  }

  #bound(text: string): void {
    this.#charCount += text.length;
    if (this.#charCount > MAX_ANSWER_CHARS)
      throw malformed(this.#provider, 'an answer without end');
  }

  #errorOf(error: Record<string, unknown> | undefined): Error {
    const status = STATUS_OF_ERROR[asText(error?.['type']) ?? ''] ?? 500;
    const told = JSON.stringify({ message: asText(error?.['message']) ?? '' });
    return errorOfStatus(this.#provider, status, told, this.#apiKey);
  }
}
