import { APIConnectionError, APIError } from 'openai';
import { ProviderError } from '../provider-error.ts';
import { redactCause, redactKeys } from '../redact-keys.ts';

const MAX_DETAIL_CHARS = 200;

/** What went wrong, as the rest of the program knows it. Never carries `apiKey`, nor what looks like a key. */
export function toProviderError(provider: string, error: unknown, apiKey: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const cause = redactCause(error, apiKey);
  if (error instanceof APIConnectionError) {
    return new ProviderError(provider, 'no connection to the endpoint', {
      retryable: true,
      cause,
    });
  }
  if (error instanceof APIError) {
    const statusCode = typeof error.status === 'number' ? error.status : 0;
    return new ProviderError(provider, describe(statusCode, redactKeys(error.message, apiKey)), {
      statusCode,
      // Without a status it is an error that the endpoint sent in the middle of its stream.
      retryable: statusCode === 0 || isRetryable(statusCode),
    });
  }
  if (error instanceof SyntaxError) {
    return new ProviderError(provider, 'the endpoint sent a malformed stream', {
      retryable: true,
      cause,
    });
  }
  return new ProviderError(provider, 'the connection broke off', { retryable: true, cause });
}

function isRetryable(statusCode: number): boolean {
  return statusCode === 408 || statusCode === 429 || statusCode >= 500;
}

function describe(statusCode: number, message: string): string {
  // The endpoint's text about a refused key quotes the key.
  if (statusCode === 401 || statusCode === 403) return `the key was refused (${statusCode})`;
  const detail = message.replace(/^\d{3}\s+/, '').slice(0, MAX_DETAIL_CHARS);
  if (statusCode === 404) return `no such model or endpoint (404): ${detail}`;
  if (statusCode === 429) return `too many requests, or no credit left (429): ${detail}`;
  return statusCode === 0
    ? `the endpoint reported an error: ${detail}`
    : `the endpoint answered ${statusCode}: ${detail}`;
}
