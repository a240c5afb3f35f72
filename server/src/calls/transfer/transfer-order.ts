import type { CallRow } from '../../db/queries/calls.ts';
import type { CallRequest } from '../admission.ts';

/** How two are connected: by the carrier (REFER), or by both legs in one room. */
export type TransferMethod = 'refer' | 'bridge';

/** A call that is to be connected with somebody else. */
export interface TransferOrder {
  workspaceId: string;
  /** The call, answered. */
  call: CallRow;
  /** Number of the one to talk with, E.164. */
  to: string;
  /** Default `auto`: REFER where the trunk takes it, else a room. */
  method?: TransferMethod | 'auto' | undefined;
  /** The caller hears ringing meanwhile. Default false. */
  ringback?: boolean | undefined;
  headers?: Record<string, string> | undefined;
  ringTimeoutMs?: number | undefined;
  /** Said to the target before both are connected; bridged only. Default: nothing. */
  briefing?: string | null | undefined;
  door?: CallRequest['door'] | undefined;
  /** Who asked for it. Default `api`. */
  by?: 'agent' | 'api' | undefined;
}

/** How a transfer ended. */
export interface TransferResult {
  transferId: string;
  method: TransferMethod;
  successful: boolean;
  /** A slug of calls/end-reasons where it was not; else null. */
  reason: string | null;
  /** The call to the target, live or over; null: it is the carrier's. */
  call: CallRow | null;
  /** The last answer for the target. */
  sip: { code: number | null; reason: string | null };
}
