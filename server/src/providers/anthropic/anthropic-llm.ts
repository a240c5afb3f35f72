import type { LlmEvent, LlmProvider, LlmRequest } from '../llm.ts';
import { endpointUrl } from '../net/endpoint-url.ts';
import { httpStream, type HttpAccess } from '../net/http-request.ts';
import { streamWithRetry } from '../net/retry-once.ts';
import { jsonOf, sseEvents } from '../net/sse-events.ts';
import { AnthropicReader } from './anthropic-reader.ts';
import { toAnthropicMessages } from './anthropic-messages.ts';
import { ThinkingMemory } from './thinking-memory.ts';

export const ANTHROPIC_BASE_URL = 'https://api.anthropic.com';
const NAME = 'anthropic';
/** The first version since 2023-06-01; it has no temperature. */
const API_VERSION = '2026-10-21';

export interface AnthropicLlmOptions extends HttpAccess {
  /** Default: Anthropic's own. */
  baseUrl?: string | undefined;
  model: string;
  /** Another model can be asked instead. Default false. */
  hasNext?: boolean | undefined;
}

/** Tokens that thoughts may take besides the answer. */
const THINKING_TOKENS = 2_000;
/** Models that can be told not to think, which is what a caller who waits needs. */
const MAY_BE_THOUGHTLESS = /^claude-(haiku-|[23]|opus-4|opus-5(?!-5)|sonnet-4|sonnet-5(?!-5))/;

/** Anthropic's Messages API, streamed, with tools. One of these holds one talk. */
export function createAnthropicLlm(options: AnthropicLlmOptions): LlmProvider {
  const memory = new ThinkingMemory();
  return {
    name: NAME,
    stream: (request) =>
      streamWithRetry(() => attempt(options, request, memory), {
        clock: options.clock,
        signal: request.signal,
        hasNext: options.hasNext,
      }),
  };
}

async function* attempt(
  options: AnthropicLlmOptions,
  request: LlmRequest,
  memory: ThinkingMemory,
): AsyncGenerator<LlmEvent, void, void> {
  const { apiKey, baseUrl = ANTHROPIC_BASE_URL } = options;
  const bytes = httpStream(
    NAME,
    options,
    {
      url: endpointUrl(baseUrl, '/v1/messages'),
      headers: {
        'x-api-key': apiKey,
        'anthropic-version': API_VERSION,
        'content-type': 'application/json',
      },
      body: JSON.stringify(toBody(options.model, request, memory)),
    },
    { signal: request.signal, mediaType: /event-stream/i },
  );
  const reader = new AnthropicReader(NAME, apiKey, memory);
  for await (const event of sseEvents(NAME, bytes)) yield* reader.read(jsonOf(NAME, event));
  yield* reader.end();
}

function toBody(
  model: string,
  request: LlmRequest,
  memory: ThinkingMemory,
): Record<string, unknown> {
  const { system, messages } = toAnthropicMessages(request.messages, memory);
  return {
    model,
    stream: true,
    ...effortOf(model, request.maxTokens),
    ...(system !== '' && { system }),
    messages,
    ...(request.tools.length > 0 && {
      tools: request.tools.map(({ name, description, parameters }) => ({
        name,
        description,
        input_schema: parameters,
      })),
    }),
  };
}

/** As little thinking as a model can do with; what each accepts is in Anthropic's migration guides. */
function effortOf(model: string, maxTokens: number): Record<string, unknown> {
  if (MAY_BE_THOUGHTLESS.test(model)) {
    return { max_tokens: maxTokens, thinking: { type: 'disabled' } };
  }
  const withThoughts = {
    max_tokens: maxTokens + THINKING_TOKENS,
    output_config: { effort: 'low' },
  };
  return model.startsWith('claude-sonnet-5-5')
    ? { ...withThoughts, thinking: { type: 'between_tools' } }
    : withThoughts;
}
