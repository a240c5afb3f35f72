import { inspect } from 'node:util';
import { expect } from 'vitest';
import { ProviderError, type ProviderErrorKind } from '../provider-error.ts';

/** A key that no message may hold. */
export const SECRET_KEY = 'kf-7391-very-secret-key';

/** What a provider failed with; fails the test where it did not. */
export async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome, inspect(outcome)).toBeInstanceOf(ProviderError);
  const error = outcome as ProviderError;
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET_KEY);
  return error;
}

/** Error statuses, and what is made of them. */
export const STATUSES: readonly [status: number, kind: ProviderErrorKind, retryable: boolean][] = [
  [400, 'bad-request', false],
  [401, 'auth', false],
  [403, 'auth', false],
  [404, 'bad-request', false],
  [429, 'quota', true],
  [500, 'server', true],
  [503, 'server', true],
];

/** An error document that quotes the key, as some vendors' do. */
export const QUOTING_BODY = {
  error: { message: `you sent the key ${SECRET_KEY}, which will not do` },
};

export const never = (): AbortSignal => new AbortController().signal;
