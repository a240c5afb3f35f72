import { randomText } from '../../shared/ids.ts';
import type { LlmEvent, LlmProvider, LlmRequest, LlmUsage } from '../llm.ts';
import { endpointUrl } from '../net/endpoint-url.ts';
import { errorOfStatus } from '../net/error-of-status.ts';
import { httpStream, malformed, type HttpAccess } from '../net/http-request.ts';
import { asNumber, asRecord, asRecords, asText } from '../net/json-fields.ts';
import { streamWithRetry } from '../net/retry-once.ts';
import { jsonOf, sseEvents } from '../net/sse-events.ts';
import { toGeminiContents } from './gemini-contents.ts';
import { ThoughtSignatures } from './thought-signatures.ts';

export const GOOGLE_BASE_URL = 'https://generativelanguage.googleapis.com';
const NAME = 'google';
const MAX_ANSWER_CHARS = 200_000;
const MAX_TOOL_CALLS = 64;

export interface GoogleLlmOptions extends HttpAccess {
  /** Default: the Gemini API's own. */
  baseUrl?: string | undefined;
  model: string;
  /** Another model can be asked instead. Default false. */
  hasNext?: boolean | undefined;
}

/** Gemini's `streamGenerateContent`, with tools. One of these holds one talk. */
export function createGoogleLlm(options: GoogleLlmOptions): LlmProvider {
  const signatures = new ThoughtSignatures();
  return {
    name: NAME,
    stream: (request) =>
      streamWithRetry(() => attempt(options, request, signatures), {
        clock: options.clock,
        signal: request.signal,
        hasNext: options.hasNext,
      }),
  };
}

async function* attempt(
  options: GoogleLlmOptions,
  request: LlmRequest,
  signatures: ThoughtSignatures,
): AsyncGenerator<LlmEvent, void, void> {
  const { apiKey, baseUrl = GOOGLE_BASE_URL, model } = options;
  const path = `/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`;
  const bytes = httpStream(
    NAME,
    options,
    {
      url: endpointUrl(baseUrl, path),
      headers: { 'x-goog-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(toBody(request, signatures)),
    },
    { signal: request.signal, mediaType: /event-stream/i },
  );
  const answer = new GeminiAnswer(apiKey, signatures);
  for await (const event of sseEvents(NAME, bytes)) yield* answer.read(jsonOf(NAME, event));
  yield* answer.end();
}

function toBody(request: LlmRequest, signatures: ThoughtSignatures): Record<string, unknown> {
  const { system, contents } = toGeminiContents(request.messages, signatures);
  return {
    contents,
    ...(system !== '' && { systemInstruction: { parts: [{ text: system }] } }),
    generationConfig: { temperature: request.temperature, maxOutputTokens: request.maxTokens },
    ...(request.tools.length > 0 && {
      tools: [
        {
          functionDeclarations: request.tools.map(({ name, description, parameters }) => ({
            name,
            description,
            parametersJsonSchema: parameters,
          })),
        },
      ],
    }),
  };
}

/** Puts an answer together. Fields are checked: the sender is a stranger. */
class GeminiAnswer {
  readonly #apiKey: string;
  readonly #signatures: ThoughtSignatures;
  readonly #calls: Extract<LlmEvent, { type: 'tool-call' }>[] = [];
  #usage: LlmUsage | null = null;
  #isFinished = false;
  #charCount = 0;

  constructor(apiKey: string, signatures: ThoughtSignatures) {
    this.#apiKey = apiKey;
    this.#signatures = signatures;
  }

  *read(chunk: Record<string, unknown>): Generator<LlmEvent, void, void> {
    const error = asRecord(chunk['error']);
    if (error) {
      const status = asNumber(error['code']) ?? 500;
      throw errorOfStatus(NAME, status, JSON.stringify(error), this.#apiKey);
    }
    this.#usage = usageOf(asRecord(chunk['usageMetadata'])) ?? this.#usage;
    // A prompt that was blocked has no candidates, and nothing more will come.
    if (asText(asRecord(chunk['promptFeedback'])?.['blockReason'])) this.#isFinished = true;
    const candidate = asRecords(chunk['candidates'])[0];
    if (!candidate) return;
    for (const part of asRecords(asRecord(candidate['content'])?.['parts'])) {
      const text = asText(part['text']);
      if (text && part['thought'] !== true) {
        this.#charCount += text.length;
        if (this.#charCount > MAX_ANSWER_CHARS) throw malformed(NAME, 'an answer without end');
        yield { type: 'text', delta: text };
      }
      const call = asRecord(part['functionCall']);
      if (call) this.#addCall(call, asText(part['thoughtSignature']));
    }
    if (typeof candidate['finishReason'] === 'string') this.#isFinished = true;
  }

  *end(): Generator<LlmEvent, void, void> {
    if (!this.#isFinished) throw malformed(NAME, 'the stream ended before the answer did');
    yield* this.#calls;
    yield { type: 'done', usage: this.#usage };
  }

  #addCall(call: Record<string, unknown>, signature: string | undefined): void {
    const name = asText(call['name']);
    if (!name) throw malformed(NAME, 'a tool call without a name');
    if (this.#calls.length >= MAX_TOOL_CALLS) throw malformed(NAME, 'too many tool calls');
    const id = asText(call['id']) ?? `call_${randomText(16)}`;
    this.#signatures.remember(id, signature ?? null);
    const argumentsJson = JSON.stringify(asRecord(call['args']) ?? {});
    this.#calls.push({ type: 'tool-call', call: { id, name, argumentsJson } });
  }
}

/** Thoughts are paid for as output. */
function usageOf(usage: Record<string, unknown> | undefined): LlmUsage | null {
  const inputTokens = asNumber(usage?.['promptTokenCount']);
  if (inputTokens === undefined) return null;
  const said = asNumber(usage?.['candidatesTokenCount']) ?? 0;
  return { inputTokens, outputTokens: said + (asNumber(usage?.['thoughtsTokenCount']) ?? 0) };
}
