import { OpenAI } from 'openai';
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import type { Clock } from '../../shared/clock.ts';
import { AnswerReader } from './answer-reader.ts';
import { toProviderError } from './openai-errors.ts';
import type { LlmEvent, LlmMessage, LlmProvider, LlmRequest } from '../llm.ts';
import { ProviderError } from '../provider-error.ts';

export const DEFAULT_OPENAI_BASE_URL = 'https://api.openai.com/v1';

export interface OpenAiLlmOptions {
  /** Any OpenAI-compatible endpoint, such as `http://127.0.0.1:11434/v1`. */
  baseUrl: string;
  apiKey: string;
  model: string;
  clock: Clock;
  /** How long the endpoint may keep silent, before the first token and between two. */
  timeoutMs: number;
  /** How the endpoint is asked. Default: by the runtime's own. */
  fetch?: typeof fetch | undefined;
}

const NAME = 'openai';
const RETRY_PAUSE_MS = 250;

/**
 * Streaming chat completions. A request that failed before anything was streamed is made once
 * more when the failure may pass.
 */
export function createOpenAiLlm(options: OpenAiLlmOptions): LlmProvider {
  const client = new OpenAI({
    baseURL: options.baseUrl,
    apiKey: options.apiKey,
    ...(options.fetch && { fetch: options.fetch }),
    // Retried here, where it is known whether the caller has heard something.
    maxRetries: 0,
    // It would print parts of malformed streams.
    logLevel: 'off',
  });
  return {
    name: NAME,
    async *stream(request) {
      for (let isRetry = false; ; isRetry = true) {
        let hasStreamed = false;
        try {
          for await (const event of attempt(client, options, request)) {
            hasStreamed = true;
            yield event;
          }
          return;
        } catch (error) {
          request.signal.throwIfAborted();
          const failure = toProviderError(NAME, error, options.apiKey);
          if (hasStreamed || isRetry || !failure.retryable) throw failure;
        }
        await options.clock.sleep(RETRY_PAUSE_MS, request.signal);
      }
    },
  };
}

async function* attempt(
  client: OpenAI,
  options: OpenAiLlmOptions,
  request: LlmRequest,
): AsyncGenerator<LlmEvent, void, void> {
  request.signal.throwIfAborted();
  const silence = new SilenceGuard(options.clock, options.timeoutMs);
  try {
    const chunks = await silence.watch(
      client.chat.completions.create(toParams(options, request), {
        signal: AbortSignal.any([request.signal, silence.signal]),
      }),
    );
    const reader = new AnswerReader(NAME);
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      const next: IteratorResult<ChatCompletionChunk> = await silence.watch(iterator.next());
      // The client ends an aborted stream as if it were complete.
      request.signal.throwIfAborted();
      silence.signal.throwIfAborted();
      if (next.done === true) break;
      yield* reader.read(next.value);
    }
    yield* reader.end();
  } catch (error) {
    silence.signal.throwIfAborted();
    throw error;
  } finally {
    // A reader that stops in the middle stops the request as well.
    silence.end();
  }
}

/** Aborts a request whose endpoint keeps silent for too long. */
class SilenceGuard {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async watch<T>(step: PromiseLike<T>): Promise<T> {
    const timer = this.#clock.setTimer(this.#timeoutMs, () =>
      this.#controller.abort(
        new ProviderError(NAME, `the endpoint kept silent for ${this.#timeoutMs} ms`, {
          retryable: true,
        }),
      ),
    );
    try {
      return await step;
    } finally {
      timer.cancel();
    }
  }

  end(): void {
    this.#controller.abort(
      new ProviderError(NAME, 'the request was given up', { retryable: false }),
    );
  }
}

function toParams(
  { model, baseUrl }: OpenAiLlmOptions,
  request: LlmRequest,
): ChatCompletionCreateParamsStreaming {
  const isOpenAi = URL.parse(baseUrl)?.hostname === new URL(DEFAULT_OPENAI_BASE_URL).hostname;
  return {
    model,
    messages: request.messages.map(toMessage),
    stream: true,
    stream_options: { include_usage: true },
    temperature: request.temperature,
    // OpenAI's newer models refuse the old name; others know the old name only.
    ...(isOpenAi
      ? { max_completion_tokens: request.maxTokens }
      : { max_tokens: request.maxTokens }),
    ...(request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map(({ name, description, parameters }) => ({
            type: 'function' as const,
            function: { name, description, parameters },
          })),
        }),
  };
}

function toMessage(message: LlmMessage): ChatCompletionMessageParam {
  const { content } = message;
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content };
  if (message.role !== 'assistant') return { role: message.role, content };
  const { toolCalls = [] } = message;
  if (toolCalls.length === 0) return { role: 'assistant', content };
  return {
    role: 'assistant',
    content,
    tool_calls: toolCalls.map(({ id, name, argumentsJson }) => ({
      id,
      type: 'function',
      function: { name, arguments: argumentsJson },
    })),
  };
}
