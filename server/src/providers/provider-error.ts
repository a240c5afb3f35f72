import { redactKeys } from './redact-keys.ts';

/** A provider did not do its part. What looks like a key is taken out of the message. */
export class ProviderError extends Error {
  readonly provider: string;
  /** HTTP status where there was one, else 0. */
  readonly statusCode: number;
  /** Whether the same request may succeed a moment later (408, 429, 5xx, no connection). */
  readonly retryable: boolean;

  constructor(
    provider: string,
    message: string,
    options: { statusCode?: number; retryable: boolean; cause?: unknown },
  ) {
    super(`${provider}: ${redactKeys(message)}`, { cause: options.cause });
    this.name = 'ProviderError';
    this.provider = provider;
    this.statusCode = options.statusCode ?? 0;
    this.retryable = options.retryable;
  }
}
