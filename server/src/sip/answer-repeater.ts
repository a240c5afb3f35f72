import type { SipRequest, SipResponse } from './message.ts';
import { cseqOf } from './message-fields.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionContext } from './transaction-context.ts';

export interface AnswerRepeaterUser {
  onAck(ack: SipRequest): void;
  /** No ACK in 64*T1. */
  onTimeout(): void;
}

/**
 * Sends the 2xx of an INVITE until its ACK comes: RFC 3261 §13.3.1.4, at T1, doubling, at most T2,
 * over every transport, since a proxy on the way may change it.
 */
export class AnswerRepeater {
  readonly #context: TransactionContext;
  readonly #transaction: ServerTransaction;
  readonly #response: SipResponse;
  readonly #user: AnswerRepeaterUser;
  readonly #timers: TimerSet<'repeat' | 'give-up'>;
  #intervalMs: number;
  #waiting = true;

  constructor(
    context: TransactionContext,
    transaction: ServerTransaction,
    response: SipResponse,
    user: AnswerRepeaterUser,
  ) {
    this.#context = context;
    this.#transaction = transaction;
    this.#response = response;
    this.#user = user;
    this.#timers = new TimerSet(context.clock);
    this.#intervalMs = context.timers.t1Ms;
    transaction.user = { onAck: (ack) => this.receiveAck(ack) };
    this.#timers.start('give-up', context.timers.timeoutMs, () => {
      this.close();
      user.onTimeout();
    });
    this.#arm();
    transaction.respond(response);
  }

  /** Whether the ACK is still awaited. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Takes an ACK of the dialog; one of another INVITE is not its own. */
  receiveAck(ack: SipRequest): void {
    if (!this.#waiting) return;
    if (cseqOf(ack).sequence !== cseqOf(this.#transaction.request).sequence) return;
    this.close();
    this.#user.onAck(ack);
  }

  /** Stops; nobody is told. Idempotent. */
  close(): void {
    this.#waiting = false;
    this.#timers.close();
  }

  #arm(): void {
    this.#timers.start('repeat', this.#intervalMs, () => {
      this.#context.countRetransmission();
      this.#transaction.respond(this.#response);
      this.#intervalMs = Math.min(this.#intervalMs * 2, this.#context.timers.t2Ms);
      this.#arm();
    });
  }
}
