import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { SipRequest, SipResponse, SipTransportName } from './message.ts';
import type { ServerTransaction } from './server-transaction.ts';
import type { SipTimers } from './sip-timers.ts';
import type { TransactionLayer } from './transaction-layer.ts';

/** Methods that are taken, as the value of Allow. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE';

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
  /** A Contact value of ours (RFC 3261 §8.1.1.8). */
  contact(user: string, transport: SipTransportName): string;
  /** From now on requests and stray responses of these dialogs go to `owner`. */
  adopt(owner: DialogOwner): void;
  /** The owner is over; it still hears late messages for `lingerMs`. */
  leave(owner: DialogOwner, lingerMs: number): void;
}
