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
import { isWorthRetry } from '../net/retry-once.ts';
import { TimeLimit } from '../net/time-limit.ts';

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
  /** Whose endpoint it is, for errors. Default `openai`. */
  name?: string | undefined;
  /** Besides the key, which is sent as a Bearer token. Default none. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Whether it knows `max_completion_tokens`. Default: OpenAI's own does. */
  hasNewNames?: boolean | undefined;
  /** Another model can be asked instead: silence is not waited for twice. Default false. */
  hasNext?: boolean | undefined;
}

const DEFAULT_NAME = 'openai';
const RETRY_PAUSE_MS = 250;

/**
 * Streaming chat completions. A request that failed before anything was streamed is made once
 * more when the failure may pass.
 */
export function createOpenAiLlm(options: OpenAiLlmOptions): LlmProvider {
  const { name = DEFAULT_NAME } = options;
  const client = new OpenAI({
    baseURL: options.baseUrl,
    apiKey: options.apiKey,
    ...(options.fetch && { fetch: options.fetch }),
    ...(options.headers && { defaultHeaders: options.headers }),
    // Retried here, where it is known whether the caller has heard something.
    maxRetries: 0,
    // It would print parts of malformed streams.
    logLevel: 'off',
  });
  return {
    name,
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
          const failure = toProviderError(name, error, options.apiKey);
          if (hasStreamed || isRetry || !isWorthRetry(failure, options)) throw failure;
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
  const { name = DEFAULT_NAME, timeoutMs } = options;
  const limit = new TimeLimit(name, options.clock);
  try {
    const chunks = await limit.watch(
      client.chat.completions.create(toParams(options, request), {
        signal: AbortSignal.any([request.signal, limit.signal]),
      }),
      timeoutMs,
    );
    const reader = new AnswerReader(name);
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      const next: IteratorResult<ChatCompletionChunk> = await limit.watch(
        iterator.next(),
        timeoutMs,
      );
      // The client ends an aborted stream as if it were complete.
      request.signal.throwIfAborted();
      limit.signal.throwIfAborted();
      if (next.done === true) break;
      yield* reader.read(next.value);
    }
    yield* reader.end();
  } catch (error) {
    limit.signal.throwIfAborted();
    throw error;
  } finally {
    // A reader that stops in the middle stops the request as well.
    limit.end();
  }
}

function toParams(
  { model, baseUrl, hasNewNames }: OpenAiLlmOptions,
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
    ...((hasNewNames ?? isOpenAi)
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
