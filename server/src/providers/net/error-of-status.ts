import { ProviderError } from '../provider-error.ts';
import { redactKeys } from '../redact-keys.ts';

const MAX_DETAIL_CHARS = 200;
/** Vendors put their sentence under one of these. */
const MESSAGE_FIELDS = [
  'message',
  'detail',
  'error',
  'err_msg',
  'reason',
  'title',
  'error_message',
];

/**
 * What a provider meant that answered with an error status.
 * @param body the answer as text; its sentence is told, without `apiKey` and what looks like a key.
 */
export function errorOfStatus(
  provider: string,
  statusCode: number,
  body: string,
  apiKey: string,
): ProviderError {
  return new ProviderError(provider, describe(statusCode, detailOf(body, apiKey)), {
    statusCode,
    retryable: isRetryableStatus(statusCode),
  });
}

export function isRetryableStatus(statusCode: number): boolean {
  return statusCode === 408 || statusCode === 429 || statusCode >= 500;
}

function describe(statusCode: number, detail: string): string {
  // The endpoint's text about a refused key quotes the key.
  if (statusCode === 401 || statusCode === 403) return `the key was refused (${statusCode})`;
  const told = detail === '' ? '' : `: ${detail}`;
  if (statusCode === 404) return `no such model, voice or endpoint (404)${told}`;
  if (statusCode === 402) return `no credit left (402)${told}`;
  if (statusCode === 429) return `too many requests, or no credit left (429)${told}`;
  return `the endpoint answered ${statusCode}${told}`;
}

/** The sentence in an error document, or its beginning where it is no JSON. */
function detailOf(body: string, apiKey: string): string {
  const found = sentenceIn(parsed(body), 0) ?? (/^\s*[<{[]/.test(body) ? '' : body);
  return redactKeys(found.replace(/\s+/g, ' ').trim(), apiKey).slice(0, MAX_DETAIL_CHARS);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not every proxy in between speaks JSON.
    return undefined;
  }
}

function sentenceIn(value: unknown, depth: number): string | null {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || depth > 3) return null;
  if (Array.isArray(value)) return sentenceIn(value[0], depth + 1);
  for (const name of MESSAGE_FIELDS) {
    const found = sentenceIn((value as Record<string, unknown>)[name], depth + 1);
    if (found !== null && found !== '') return found;
  }
  return null;
}
