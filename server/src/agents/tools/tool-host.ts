import type { SafeFetch } from '../../egress/safe-fetch.ts';

/** Somebody whom the caller is to be connected with. */
export interface TransferRequest {
  /** E.164. */
  to: string;
  method: 'auto' | 'refer' | 'bridge';
  ringTimeoutMs: number;
  ringback: boolean;
  /** Said to the target in private before both are connected; null: nothing. */
  briefing: string | null;
}

export type TransferAnswer =
  { type: 'connected' } | { type: 'failed'; reason: string; message: string };

export interface CallbackRequest {
  /** ISO 8601, with an offset or local to the call's zone. */
  at: string;
  maxDays: number;
}

export type CallbackAnswer =
  { type: 'scheduled'; callId: string; at: string } | { type: 'refused'; message: string };

export interface DigitsRequest {
  minDigits: number;
  maxDigits: number;
  /** From one key to the next. */
  timeoutMs: number;
  /** Whether the keys are left out of the record. */
  masked: boolean;
  /** Stops the waiting. */
  signal: AbortSignal;
}

/** What tools need of the call that they run in. Handed in by the floors above. */
export interface ToolHost {
  /** HTTP out to addresses that strangers name; null: there is none. */
  readonly fetch: SafeFetch | null;
  /** Resolves when both are connected or cannot be. */
  transfer(request: TransferRequest, signal: AbortSignal): Promise<TransferAnswer>;
  scheduleCallback(request: CallbackRequest): Promise<CallbackAnswer>;
  /** Resolves with what was entered by then: fewer than wanted where nobody went on. */
  collectDigits(request: DigitsRequest): Promise<string>;
  doNotCall(): Promise<void>;
}
