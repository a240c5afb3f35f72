import { clientInviteNext } from './client-invite-fsm.ts';
import type {
  ClientInviteEffect,
  ClientInviteInput,
  ClientInviteState,
} from './client-invite-fsm.ts';
import { clientNonInviteNext } from './client-non-invite-fsm.ts';
import type {
  ClientNonInviteEffect,
  ClientNonInviteInput,
  ClientNonInviteState,
} from './client-non-invite-fsm.ts';
import { makeAckForFailure } from './make-request.ts';
import type { SipAddress, SipRequest, SipResponse } from './message.ts';
import {
  OutgoingTransaction,
  type CommonEffect,
  type OutgoingTransactionOptions,
} from './outgoing-transaction.ts';

type InviteEffect = Exclude<ClientInviteEffect, CommonEffect>;
type NonInviteEffect = Exclude<ClientNonInviteEffect, CommonEffect>;

/** What a client transaction tells its user. */
export interface ClientTransactionUser {
  onResponse(response: SipResponse): void;
  /** Timer B or F: RFC 3261 §8.1.3.1 treats it as a 408. */
  onTimeout(): void;
  /** RFC 3261 §8.1.3.1 treats it as a 503. */
  onTransportError(error: Error): void;
}

/** One request and what comes back for it (RFC 3261 §17.1). */
export interface ClientTransaction {
  /** As it left last, with our Via on top. */
  readonly request: SipRequest;
  /** Where it went. */
  readonly address: SipAddress;
  start(): void;
  receive(response: SipResponse): void;
  /** The request leaves no more; answers are still taken. Idempotent. */
  stopResending(): void;
  /** Ends it without telling its user. Idempotent. */
  close(): void;
  /** Ends it; its user is told of the error where there was no final response. Idempotent. */
  fail(error: Error): void;
}

/** INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2). */
export class ClientInviteTransaction extends OutgoingTransaction<
  ClientInviteState,
  ClientInviteInput,
  InviteEffect,
  'a' | 'b' | 'd' | 'm'
> {
  #ack: SipRequest | undefined;

  constructor(options: OutgoingTransactionOptions) {
    super(options, 'calling');
  }

  /** Takes up an INVITE that another process sent and that has had a provisional response. */
  adopt(): void {
    this.proceed();
  }

  receive(response: SipResponse): void {
    if (response.status < 200) this.next('1xx', response);
    else if (response.status < 300) this.next('2xx', response);
    else this.next('3xx-6xx', response);
  }

  protected step(
    state: ClientInviteState,
    input: ClientInviteInput,
  ): ReturnType<typeof clientInviteNext> {
    return clientInviteNext(state, input);
  }

  protected startTimeout(): void {
    this.timers.start('b', this.context.timers.timeoutMs, () => this.next('timer-b'));
  }

  protected startResendTimer(): void {
    // RFC 3261 §17.1.1.2: timer A runs over unreliable transports only.
    if (!this.isUnanswered || this.carrier.isReliable) return;
    this.timers.start('a', this.intervalMs, () => this.next('timer-a'));
  }

  protected stopResendTimer(): void {
    this.timers.stop('a');
  }

  protected perform(effect: InviteEffect, response: SipResponse | undefined): void {
    const { timeoutMs } = this.context.timers;
    switch (effect) {
      case 'rearm-timer-a':
        this.intervalMs *= 2;
        this.startResendTimer();
        break;
      case 'stop-timers-a-b':
        this.timers.stop('a');
        this.timers.stop('b');
        break;
      case 'start-timer-d': {
        const delayMs = this.carrier.isReliable ? 0 : timeoutMs;
        this.timers.start('d', delayMs, () => this.next('timer-d'));
        break;
      }
      case 'start-timer-m':
        this.timers.start('m', timeoutMs, () => this.next('timer-m'));
        break;
      case 'send-ack':
        if (response) this.#sendAck(response);
        break;
    }
  }

  #sendAck(response: SipResponse): void {
    if (this.#ack) this.context.countRetransmission();
    this.#ack ??= makeAckForFailure(this.request, response);
    this.context.wire.send(this.#ack, this.address).catch((error: unknown) => {
      this.next('transport-error', undefined, error as Error);
    });
  }
}

/** Non-INVITE client transaction (RFC 3261 §17.1.2). */
export class ClientNonInviteTransaction extends OutgoingTransaction<
  ClientNonInviteState,
  ClientNonInviteInput,
  NonInviteEffect,
  'e' | 'f' | 'k'
> {
  constructor(options: OutgoingTransactionOptions) {
    super(options, 'trying');
  }

  receive(response: SipResponse): void {
    this.next(response.status < 200 ? '1xx' : 'final', response);
  }

  protected step(
    state: ClientNonInviteState,
    input: ClientNonInviteInput,
  ): ReturnType<typeof clientNonInviteNext> {
    return clientNonInviteNext(state, input);
  }

  protected startTimeout(): void {
    this.timers.start('f', this.context.timers.timeoutMs, () => this.next('timer-f'));
  }

  protected startResendTimer(): void {
    if (this.carrier.isReliable || !this.isOpen) return;
    this.timers.start('e', this.intervalMs, () => this.next('timer-e'));
  }

  protected stopResendTimer(): void {
    this.timers.stop('e');
  }

  protected perform(effect: NonInviteEffect): void {
    const { timers } = this.context;
    switch (effect) {
      case 'rearm-timer-e':
        this.intervalMs = Math.min(this.intervalMs * 2, timers.t2Ms);
        this.startResendTimer();
        break;
      case 'rearm-timer-e-at-t2':
        this.intervalMs = timers.t2Ms;
        this.startResendTimer();
        break;
      case 'stop-timers-e-f':
        this.timers.stop('e');
        this.timers.stop('f');
        break;
      case 'start-timer-k': {
        const delayMs = this.carrier.isReliable ? 0 : timers.t4Ms;
        this.timers.start('k', delayMs, () => this.next('timer-k'));
        break;
      }
    }
  }
}
