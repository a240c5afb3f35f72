import type { FsmStep } from './fsm-step.ts';
import type { SipRequest, SipResponse } from './message.ts';
import type { ServerTransaction, ServerTransactionUser } from './server-transaction.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionContext } from './transaction-context.ts';
import type { SipSource } from './transport.ts';

/** Effects that mean the same in every server transaction. */
export type CommonEffect = 'send-response' | 'resend-response' | 'tell-transport-error';

/**
 * What both server transactions of RFC 3261 §17.2 do alike: the last response, the state, the end. The
 * kinds add their table, their timers and the effects that are theirs alone.
 */
export abstract class IncomingTransaction<
  State extends string,
  Input extends string,
  Effect extends string,
  Timer extends string,
> implements ServerTransaction {
  readonly request: SipRequest;
  readonly source: SipSource;
  user: ServerTransactionUser = {};
  protected readonly context: TransactionContext;
  protected readonly timers: TimerSet<Timer>;
  readonly #onTerminated: () => void;
  #state: State | 'terminated';
  #last: SipResponse | undefined;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    source: SipSource,
    onTerminated: () => void,
    first: State,
  ) {
    this.context = context;
    this.request = request;
    this.source = source;
    this.#onTerminated = onTerminated;
    this.#state = first;
    this.timers = new TimerSet(context.clock);
  }

  get state(): State | 'terminated' {
    return this.#state;
  }

  abstract get isOpen(): boolean;
  abstract respond(response: SipResponse): void;
  abstract receive(request: SipRequest): void;

  close(): void {
    this.#terminate();
  }

  /** The table of this kind. */
  protected abstract step(
    state: State | 'terminated',
    input: Input | 'transport-error',
  ): FsmStep<State | 'terminated', Effect | CommonEffect>;
  protected abstract perform(effect: Effect, request: SipRequest | undefined): void;

  protected next(
    input: Input | 'transport-error',
    given: { response?: SipResponse; request?: SipRequest; error?: Error } = {},
  ): void {
    if (this.#state === 'terminated') return;
    const { state, effects } = this.step(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      switch (effect) {
        case 'send-response':
          this.#last = given.response;
          this.#send();
          break;
        case 'resend-response':
          if (this.#last) this.context.countRetransmission();
          this.#send();
          break;
        case 'tell-transport-error':
          if (given.error) this.user.onTransportError?.(given.error);
          break;
        default:
          this.perform(effect, given.request);
      }
    }
    if (state === 'terminated') this.#terminate();
  }

  #send(): void {
    if (!this.#last) return;
    this.context.wire.respond(this.#last, this.source).catch((error: unknown) => {
      this.next('transport-error', { error: error as Error });
    });
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.timers.close();
    this.#onTerminated();
  }
}
