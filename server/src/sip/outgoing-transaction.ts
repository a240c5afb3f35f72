import type { ClientTransaction, ClientTransactionUser } from './client-transaction.ts';
import type { FsmStep } from './fsm-step.ts';
import type { SipAddress, SipRequest, SipResponse } from './message.ts';
import { RequestCarrier } from './request-carrier.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionContext } from './transaction-context.ts';

/** Effects that mean the same in every client transaction. */
export type CommonEffect =
  'resend-request' | 'pass-response' | 'tell-timeout' | 'tell-transport-error';

/** What a client transaction is made of. */
export interface OutgoingTransactionOptions {
  context: TransactionContext;
  request: SipRequest;
  to: SipAddress;
  user: ClientTransactionUser;
  onTerminated: () => void;
}

/**
 * What both client transactions of RFC 3261 §17.1 do alike: the request on its way, the state, the end.
 * The kinds add their table, their timers and the effects that are theirs alone.
 */
export abstract class OutgoingTransaction<
  State extends string,
  Input extends string,
  Effect extends string,
  Timer extends string,
> implements ClientTransaction {
  protected readonly context: TransactionContext;
  protected readonly carrier: RequestCarrier;
  protected readonly timers: TimerSet<Timer>;
  /** Time to the next retransmission. */
  protected intervalMs: number;
  readonly #user: ClientTransactionUser;
  readonly #onTerminated: () => void;
  readonly #first: State;
  #state: State | 'proceeding' | 'terminated';

  constructor(options: OutgoingTransactionOptions, first: State) {
    const { context, request, to } = options;
    this.context = context;
    this.#user = options.user;
    this.#onTerminated = options.onTerminated;
    this.#first = first;
    this.#state = first;
    this.timers = new TimerSet(context.clock);
    this.intervalMs = context.timers.t1Ms;
    this.carrier = new RequestCarrier(context, request, to, {
      onError: (error) => this.next('transport-error', undefined, error),
      onFallback: () => this.startResendTimer(),
      isAnswered: () => !this.isUnanswered,
    });
  }

  get request(): SipRequest {
    return this.carrier.request;
  }

  get address(): SipAddress {
    return this.carrier.address;
  }

  get state(): State | 'proceeding' | 'terminated' {
    return this.#state;
  }

  abstract receive(response: SipResponse): void;

  start(): void {
    this.startTimeout();
    this.startResendTimer();
    this.carrier.send();
  }

  stopResending(): void {
    this.stopResendTimer();
    this.carrier.close();
  }

  close(): void {
    this.#terminate();
  }

  fail(error: Error): void {
    const { isOpen } = this;
    this.#terminate();
    if (isOpen) this.#user.onTransportError(error);
  }

  /** Whether nothing has been heard. */
  protected get isUnanswered(): boolean {
    return this.#state === this.#first;
  }

  /** Whether there was no final response. */
  protected get isOpen(): boolean {
    return this.isUnanswered || this.#state === 'proceeding';
  }

  /** The table of this kind. */
  protected abstract step(
    state: State | 'proceeding' | 'terminated',
    input: Input | 'transport-error',
  ): FsmStep<State | 'proceeding' | 'terminated', Effect | CommonEffect>;
  protected abstract startTimeout(): void;
  /** Called whenever it may be needed; decides itself whether it is. */
  protected abstract startResendTimer(): void;
  protected abstract stopResendTimer(): void;
  protected abstract perform(effect: Effect, response: SipResponse | undefined): void;

  protected next(input: Input | 'transport-error', response?: SipResponse, error?: Error): void {
    if (this.#state === 'terminated') return;
    const { state, effects } = this.step(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      switch (effect) {
        case 'resend-request':
          this.carrier.resend();
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
        default:
          this.perform(effect, response);
      }
    }
    if (state === 'terminated') this.#terminate();
  }

  /** Goes on where another process stopped, after a provisional response. */
  protected proceed(): void {
    this.#state = 'proceeding';
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.timers.close();
    this.carrier.close();
    this.#onTerminated();
  }
}
