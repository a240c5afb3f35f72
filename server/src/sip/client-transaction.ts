import { clientInviteNext } from './client-invite-fsm.ts';
import type { ClientInviteInput, ClientInviteState } from './client-invite-fsm.ts';
import { clientNonInviteNext } from './client-non-invite-fsm.ts';
import type { ClientNonInviteInput, ClientNonInviteState } from './client-non-invite-fsm.ts';
import { makeAckForFailure } from './make-request.ts';
import type { SipAddress, SipRequest, SipResponse } from './message.ts';
import { RequestCarrier } from './request-carrier.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionContext } from './transaction-context.ts';

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
export class ClientInviteTransaction implements ClientTransaction {
  readonly #context: TransactionContext;
  readonly #user: ClientTransactionUser;
  readonly #onTerminated: () => void;
  readonly #carrier: RequestCarrier;
  readonly #timers: TimerSet<'a' | 'b' | 'd' | 'm'>;
  #state: ClientInviteState = 'calling';
  #intervalMs: number;
  #ack: SipRequest | undefined;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    to: SipAddress,
    user: ClientTransactionUser,
    onTerminated: () => void,
  ) {
    this.#context = context;
    this.#user = user;
    this.#onTerminated = onTerminated;
    this.#timers = new TimerSet(context.clock);
    this.#intervalMs = context.timers.t1Ms;
    this.#carrier = new RequestCarrier(context, request, to, {
      onError: (error) => this.#next('transport-error', undefined, error),
      onFallback: () => this.#startTimerA(),
      isAnswered: () => this.#state !== 'calling',
    });
  }

  get request(): SipRequest {
    return this.#carrier.request;
  }

  get address(): SipAddress {
    return this.#carrier.address;
  }

  get state(): ClientInviteState {
    return this.#state;
  }

  start(): void {
    this.#timers.start('b', this.#context.timers.timeoutMs, () => this.#next('timer-b'));
    this.#startTimerA();
    this.#carrier.send();
  }

  /** Takes up an INVITE that another process sent and that has had a provisional response. */
  adopt(): void {
    this.#state = 'proceeding';
  }

  receive(response: SipResponse): void {
    if (response.status < 200) this.#next('1xx', response);
    else if (response.status < 300) this.#next('2xx', response);
    else this.#next('3xx-6xx', response);
  }

  stopResending(): void {
    this.#timers.stop('a');
    this.#carrier.close();
  }

  close(): void {
    this.#terminate();
  }

  fail(error: Error): void {
    const isOpen = this.#state === 'calling' || this.#state === 'proceeding';
    this.#terminate();
    if (isOpen) this.#user.onTransportError(error);
  }

  #startTimerA(): void {
    // RFC 3261 §17.1.1.2: timer A runs over unreliable transports only.
    if (this.#state !== 'calling' || this.#carrier.isReliable) return;
    this.#timers.start('a', this.#intervalMs, () => this.#next('timer-a'));
  }

  #next(input: ClientInviteInput, response?: SipResponse, error?: Error): void {
    if (this.#state === 'terminated') return;
    const { state, effects } = clientInviteNext(this.#state, input);
    this.#state = state;
    const { timers } = this.#context;
    for (const effect of effects) {
      switch (effect) {
        case 'resend-request':
          this.#carrier.resend();
          break;
        case 'rearm-timer-a':
          this.#intervalMs *= 2;
          this.#startTimerA();
          break;
        case 'stop-timers-a-b':
          this.#timers.stop('a');
          this.#timers.stop('b');
          break;
        case 'start-timer-d':
          this.#timers.start('d', this.#carrier.isReliable ? 0 : timers.timeoutMs, () =>
            this.#next('timer-d'),
          );
          break;
        case 'start-timer-m':
          this.#timers.start('m', timers.timeoutMs, () => this.#next('timer-m'));
          break;
        case 'send-ack':
          if (response) this.#sendAck(response);
          break;
        case 'pass-response':
          if (response) this.#user.onResponse(response);
          break;
        case 'tell-timeout':
          this.#user.onTimeout();
          break;
        case 'tell-transport-error':
          this.#user.onTransportError(error ?? new Error('the request could not be sent'));
          break;
      }
    }
    if (state === 'terminated') this.#terminate();
  }

  #sendAck(response: SipResponse): void {
    if (this.#ack) this.#context.countRetransmission();
    this.#ack ??= makeAckForFailure(this.#carrier.request, response);
    this.#context.wire.send(this.#ack, this.#carrier.address).catch((error: unknown) => {
      this.#next('transport-error', undefined, error as Error);
    });
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.#timers.close();
    this.#carrier.close();
    this.#onTerminated();
  }
}

/** Non-INVITE client transaction (RFC 3261 §17.1.2). */
export class ClientNonInviteTransaction implements ClientTransaction {
  readonly #context: TransactionContext;
  readonly #user: ClientTransactionUser;
  readonly #onTerminated: () => void;
  readonly #carrier: RequestCarrier;
  readonly #timers: TimerSet<'e' | 'f' | 'k'>;
  #state: ClientNonInviteState = 'trying';
  #intervalMs: number;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    to: SipAddress,
    user: ClientTransactionUser,
    onTerminated: () => void,
  ) {
    this.#context = context;
    this.#user = user;
    this.#onTerminated = onTerminated;
    this.#timers = new TimerSet(context.clock);
    this.#intervalMs = context.timers.t1Ms;
    this.#carrier = new RequestCarrier(context, request, to, {
      onError: (error) => this.#next('transport-error', undefined, error),
      onFallback: () => this.#startTimerE(),
      isAnswered: () => this.#state !== 'trying',
    });
  }

  get request(): SipRequest {
    return this.#carrier.request;
  }

  get address(): SipAddress {
    return this.#carrier.address;
  }

  start(): void {
    this.#timers.start('f', this.#context.timers.timeoutMs, () => this.#next('timer-f'));
    this.#startTimerE();
    this.#carrier.send();
  }

  receive(response: SipResponse): void {
    this.#next(response.status < 200 ? '1xx' : 'final', response);
  }

  stopResending(): void {
    this.#timers.stop('e');
    this.#carrier.close();
  }

  close(): void {
    this.#terminate();
  }

  fail(error: Error): void {
    const isOpen = this.#state === 'trying' || this.#state === 'proceeding';
    this.#terminate();
    if (isOpen) this.#user.onTransportError(error);
  }

  #startTimerE(): void {
    if (this.#carrier.isReliable) return;
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    this.#timers.start('e', this.#intervalMs, () => this.#next('timer-e'));
  }

  #next(input: ClientNonInviteInput, response?: SipResponse, error?: Error): void {
    if (this.#state === 'terminated') return;
    const { state, effects } = clientNonInviteNext(this.#state, input);
    this.#state = state;
    const { timers } = this.#context;
    for (const effect of effects) {
      switch (effect) {
        case 'resend-request':
          this.#carrier.resend();
          break;
        case 'rearm-timer-e':
          this.#intervalMs = Math.min(this.#intervalMs * 2, timers.t2Ms);
          this.#startTimerE();
          break;
        case 'rearm-timer-e-at-t2':
          this.#intervalMs = timers.t2Ms;
          this.#startTimerE();
          break;
        case 'stop-timers-e-f':
          this.#timers.stop('e');
          this.#timers.stop('f');
          break;
        case 'start-timer-k':
          this.#timers.start('k', this.#carrier.isReliable ? 0 : timers.t4Ms, () =>
            this.#next('timer-k'),
          );
          break;
        case 'pass-response':
          if (response) this.#user.onResponse(response);
          break;
        case 'tell-timeout':
          this.#user.onTimeout();
          break;
        case 'tell-transport-error':
          this.#user.onTransportError(error ?? new Error('the request could not be sent'));
          break;
      }
    }
    if (state === 'terminated') this.#terminate();
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.#timers.close();
    this.#carrier.close();
    this.#onTerminated();
  }
}
