import { randomInt } from 'node:crypto';
import { setHeader, type SipRequest, type SipResponse } from './message.ts';
import { getHeader } from './message.ts';
import { sdpOf } from './message-fields.ts';
import {
  reliableNext,
  type ReliableInput,
  type ReliableState,
} from './reliable-provisional-fsm.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionContext } from './transaction-context.ts';

export interface ReliableProvisionalsUser {
  transmit(response: SipResponse): void;
  /** Everything that was sent is acknowledged. */
  onSettled(): void;
  /** No PRACK in 64*T1. */
  onTimeout(): void;
}

/** Responses that wait for their turn; of more only the newest is of interest. */
const MAX_QUEUED = 8;
/** RFC 3262 §7.1: the first RSeq is chosen at random below 2^31. */
const MAX_FIRST_RSEQ = 2 ** 31 - 1;

/** Provisional responses that are repeated until their PRACK comes (RFC 3262 §3). */
export class ReliableProvisionals {
  readonly #context: TransactionContext;
  readonly #user: ReliableProvisionalsUser;
  readonly #cseq: string;
  readonly #timers: TimerSet<'repeat' | 'give-up'>;
  readonly #queue: SipResponse[] = [];
  #state: ReliableState = 'idle';
  #rseq = randomInt(1, MAX_FIRST_RSEQ);
  #current: SipResponse | undefined;
  #intervalMs: number;

  constructor(context: TransactionContext, invite: SipRequest, user: ReliableProvisionalsUser) {
    this.#context = context;
    this.#user = user;
    this.#cseq = normal(getHeader(invite, 'CSeq') ?? '');
    this.#timers = new TimerSet(context.clock);
    this.#intervalMs = context.timers.t1Ms;
  }

  /** RFC 3262 §3: whether a 2xx must wait, since the description that it rests on may be lost. */
  get holdsAnswer(): boolean {
    if (this.#state !== 'waiting') return false;
    return [this.#current, ...this.#queue].some((one) => one && sdpOf(one) !== null);
  }

  /** Sends a response above 100, now or when the one before it is acknowledged. */
  send(response: SipResponse): void {
    this.#next('send', response);
  }

  /** Takes a PRACK; whether it acknowledges what was sent last. */
  acknowledge(prack: SipRequest): boolean {
    const expected = `${this.#rseq} ${this.#cseq}`;
    if (this.#state !== 'waiting' || normal(getHeader(prack, 'RAck') ?? '') !== expected) {
      return false;
    }
    this.#next('prack');
    return true;
  }

  /** Nothing is repeated any more. Idempotent. */
  close(): void {
    this.#next('close');
  }

  #next(input: ReliableInput, response?: SipResponse): void {
    const { state, effects } = reliableNext(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      switch (effect) {
        case 'queue':
          if (response) this.#queue.push(response);
          if (this.#queue.length > MAX_QUEUED) this.#queue.shift();
          break;
        case 'transmit':
          if (response) this.#transmit(response);
          break;
        case 'repeat':
          this.#context.countRetransmission();
          if (this.#current) this.#user.transmit(this.#current);
          this.#intervalMs *= 2;
          this.#arm();
          break;
        case 'stop-timers':
          this.#timers.stop('repeat');
          this.#timers.stop('give-up');
          break;
        case 'send-next':
          this.#sendNext();
          break;
        case 'give-up':
          this.#user.onTimeout();
          break;
      }
    }
  }

  #transmit(response: SipResponse): void {
    // RFC 3262 §3: each RSeq is greater by exactly one.
    this.#rseq++;
    setHeader(response, 'Require', '100rel');
    setHeader(response, 'RSeq', String(this.#rseq));
    this.#current = response;
    this.#intervalMs = this.#context.timers.t1Ms;
    this.#timers.start('give-up', this.#context.timers.timeoutMs, () =>
      this.#next('timer-give-up'),
    );
    this.#arm();
    this.#user.transmit(response);
  }

  #arm(): void {
    this.#timers.start('repeat', this.#intervalMs, () => this.#next('timer-repeat'));
  }

  #sendNext(): void {
    const next = this.#queue.shift();
    if (next) this.#next('send', next);
    else this.#user.onSettled();
  }
}

function normal(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}
