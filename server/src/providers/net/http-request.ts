import type { Clock } from '../../shared/clock.ts';
import { ProviderError } from '../provider-error.ts';
import { redactCause } from '../redact-keys.ts';
import { errorOfStatus } from './error-of-status.ts';
import { TimeLimit } from './time-limit.ts';

/** What every adapter over HTTP is made with. */
export interface HttpAccess {
  apiKey: string;
  clock: Clock;
  /** Until the first byte of an answer, the connection included, and between two. */
  timeoutMs: number;
  /** How the endpoint is asked. Default: by the runtime's own. */
  fetch?: typeof fetch | undefined;
}

/** A POST to a provider. */
export interface HttpRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Whole: of a stream, an abort would leave an error that nobody catches. */
  body: string | Uint8Array<ArrayBuffer>;
}

const MAX_ERROR_BYTES = 4_096;
const MAX_JSON_BYTES = 4_000_000;

/**
 * The answer's bytes as they come. An error status, a broken connection and silence are thrown as
 * ProviderError; an abort as the signal's reason. A reader that stops ends the request.
 * @param mediaType what the answer must be; another one is an error in the clothes of a success.
 */
export async function* httpStream(
  provider: string,
  access: HttpAccess,
  request: HttpRequest,
  options: { signal: AbortSignal; mediaType: RegExp },
): AsyncGenerator<Uint8Array, void, void> {
  const { signal, mediaType } = options;
  signal.throwIfAborted();
  const limit = new TimeLimit(provider, access.clock);
  try {
    const response = await limit.watch(
      (access.fetch ?? fetch)(request.url, {
        method: 'POST',
        headers: request.headers,
        body: request.body,
        // A key must not follow where somebody else points.
        redirect: 'error',
        signal: AbortSignal.any([signal, limit.signal]),
      }),
      access.timeoutMs,
    );
    const reader = response.body?.getReader();
    if (!response.ok) {
      const body = reader ? await readText(reader, limit, access.timeoutMs, MAX_ERROR_BYTES) : '';
      throw errorOfStatus(provider, response.status, body, access.apiKey);
    }
    const type = response.headers.get('content-type') ?? '';
    if (type !== '' && !mediaType.test(type)) {
      throw new ProviderError(provider, `the endpoint answered with ${type.slice(0, 60)}`, {
        retryable: false,
        kind: 'server',
      });
    }
    if (!reader) return;
    for (;;) {
      const next = await limit.watch(reader.read(), access.timeoutMs);
      signal.throwIfAborted();
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw toNetworkError(provider, error, access.apiKey);
  } finally {
    limit.end();
  }
}

/** The answer's JSON document. Throws as `httpStream` does. */
export async function httpJson(
  provider: string,
  access: HttpAccess,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of httpStream(provider, access, request, { signal, mediaType: /json/i })) {
    size += part.length;
    if (size > MAX_JSON_BYTES) throw malformed(provider, 'an answer without end');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch {
    // The parser's message quotes the answer, which may hold what a caller said.
    throw malformed(provider, 'an answer that is no JSON');
  }
}

/** The provider sent what cannot be read. */
export function malformed(provider: string, what: string): ProviderError {
  return new ProviderError(provider, `malformed answer: ${what}`, {
    retryable: true,
    kind: 'server',
  });
}

/** A failure of the connection, without keys; a ProviderError stays what it is. */
export function toNetworkError(provider: string, error: unknown, apiKey: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const cause = redactCause(error, apiKey);
  return new ProviderError(provider, 'no connection to the endpoint, or it broke off', {
    retryable: true,
    kind: 'network',
    cause,
  });
}

async function readText(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: TimeLimit,
  timeoutMs: number,
  maxBytes: number,
): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < maxBytes) {
    const next = await limit.watch(reader.read(), timeoutMs);
    if (next.done) break;
    parts.push(next.value);
    size += next.value.length;
  }
  return Buffer.concat(parts).subarray(0, maxBytes).toString('utf8');
}
