import { redactKeys } from './redact-keys.ts';

/** What kind of trouble it was: says whose turn it is to do something about it. */
export type ProviderErrorKind =
  /** The key is missing, wrong, or may not do this (401, 403). */
  | 'auth'
  /** Too many requests, or no credit left (402, 429). */
  | 'quota'
  /** The request itself was refused: a model or voice that is not there, say (other 4xx). */
  | 'bad-request'
  /** No connection, or it broke off. */
  | 'network'
  /** Nothing came in time (408, 504 too). */
  | 'timeout'
  /** The provider failed at its end (5xx), or answered what nobody can read. */
  | 'server';

/** A provider did not do its part. What looks like a key is taken out of the message. */
export class ProviderError extends Error {
  readonly provider: string;
  /** HTTP status where there was one, else 0. */
  readonly statusCode: number;
  /** Whether the same request may succeed a moment later (408, 429, 5xx, no connection). */
  readonly retryable: boolean;
  readonly kind: ProviderErrorKind;

  constructor(
    provider: string,
    message: string,
    options: {
      statusCode?: number;
      retryable: boolean;
      /** Default: by the status; without one `network` where it may pass, else `bad-request`. */
      kind?: ProviderErrorKind;
      cause?: unknown;
    },
  ) {
    super(`${provider}: ${redactKeys(message)}`, { cause: options.cause });
    this.name = 'ProviderError';
    this.provider = provider;
    this.statusCode = options.statusCode ?? 0;
    this.retryable = options.retryable;
    this.kind = options.kind ?? kindOf(this.statusCode, options.retryable);
  }
}

function kindOf(statusCode: number, retryable: boolean): ProviderErrorKind {
  if (statusCode === 401 || statusCode === 403) return 'auth';
  if (statusCode === 402 || statusCode === 429) return 'quota';
  if (statusCode === 408 || statusCode === 504) return 'timeout';
  if (statusCode >= 500) return 'server';
  if (statusCode >= 400) return 'bad-request';
  return retryable ? 'network' : 'bad-request';
}
