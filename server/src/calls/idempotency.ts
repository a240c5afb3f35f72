import { createHash } from 'node:crypto';
import type { CallRequest } from './admission.ts';

/** The key as stored: one door's keys are not another's. */
export function storedKey({ door = 'v1', idempotencyKey }: CallRequest): string | null {
  if (idempotencyKey === undefined) return null;
  return door === 'v1' ? idempotencyKey : `${door}:${idempotencyKey}`;
}

/** Tells the whole of a request from another one; the order of fields does not matter. */
export function requestHash(request: CallRequest): string {
  const { idempotencyBody, idempotencyKey: _key, apiKeyId: _apiKey, ...fields } = request;
  return createHash('sha256')
    .update(canonical(idempotencyBody === undefined ? fields : idempotencyBody))
    .digest('base64url');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
