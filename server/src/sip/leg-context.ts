import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { SipHeader, SipRequest, SipResponse, SipTransportName } from './message.ts';
import { fieldValues } from './message-fields.ts';
import type { ServerTransaction } from './server-transaction.ts';
import type { SessionTimerPolicy } from './session-timer-fsm.ts';
import type { SipTimers } from './sip-timers.ts';
import type { TransactionLayer } from './transaction-layer.ts';

/** Methods that are taken, as the value of Allow. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY';

/** Extensions that may be in a Require of the far side. */
export const EXTENSIONS = ['100rel', 'timer'] as const;

/** Whoever answers for the dialogs of one Call-ID and local tag. */
export interface DialogOwner {
  readonly sipCallId: string;
  readonly localTag: string;
  /** A request inside one of its dialogs. */
  receive(transaction: ServerTransaction): void;
  receiveAck(ack: SipRequest): void;
  /** A response to its INVITE that comes when the transaction is over. */
  receiveStray(response: SipResponse): void;
}

/** What legs need of the user agent. */
export interface LegContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers: SipTimers;
  readonly transactions: TransactionLayer;
  /** Value of User-Agent and Server. */
  readonly userAgent: string;
  /** For legs that name none of their own; null: no session timers. */
  readonly sessionTimer: SessionTimerPolicy | null;
  /** A Contact value of ours (RFC 3261 §8.1.1.8). */
  contact(user: string, transport: SipTransportName): string;
  /** From now on requests and stray responses of these dialogs go to `owner`. */
  adopt(owner: DialogOwner): void;
  /** The owner is over; it still hears late messages for `lingerMs`. */
  leave(owner: DialogOwner, lingerMs: number): void;
}

/** The field Supported: what we understand where the far side uses it. */
export function supported(timer: boolean, reliable = true): SipHeader[] {
  const names = [...(reliable ? ['100rel'] : []), ...(timer ? ['timer'] : [])];
  return names.length === 0 ? [] : [{ name: 'Supported', value: names.join(', ') }];
}

/** What a request requires and we do not have (RFC 3261 §8.2.2.3). */
export function unsupported(request: SipRequest): string[] {
  return fieldValues(request, 'Require').filter(
    (name) => !EXTENSIONS.some((known) => known === name.toLowerCase()),
  );
}
