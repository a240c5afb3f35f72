import type { SipRequest, SipResponse } from './message.ts';
import { serverInviteNext } from './server-invite-fsm.ts';
import type { ServerInviteInput, ServerInviteState } from './server-invite-fsm.ts';
import { serverNonInviteNext } from './server-non-invite-fsm.ts';
import type { ServerNonInviteInput, ServerNonInviteState } from './server-non-invite-fsm.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionContext } from './transaction-context.ts';
import type { SipSource } from './transport.ts';
import { isReliable } from './wire.ts';

/** What an INVITE server transaction tells its user. */
export interface ServerTransactionUser {
  /** An ACK with the INVITE's branch after a 2xx (RFC 6026 §7.1). */
  onAck?(ack: SipRequest): void;
  /** Timer H: a non-2xx final was never acknowledged. */
  onTimeout?(): void;
  onTransportError?(error: Error): void;
}

/** One request from outside and our answers to it (RFC 3261 §17.2). */
export interface ServerTransaction {
  readonly request: SipRequest;
  readonly source: SipSource;
  /** False once a final response was given. */
  readonly isOpen: boolean;
  user: ServerTransactionUser;
  /** Hands down a response; a second final is ignored, but a 2xx to INVITE may be repeated. */
  respond(response: SipResponse): void;
  /** The request again, or the ACK of an INVITE. */
  receive(request: SipRequest): void;
  /** Idempotent. */
  close(): void;
}

/** INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1). */
export class ServerInviteTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly source: SipSource;
  user: ServerTransactionUser = {};
  readonly #context: TransactionContext;
  readonly #onTerminated: () => void;
  readonly #timers: TimerSet<'g' | 'h' | 'i' | 'l'>;
  readonly #reliable: boolean;
  #state: ServerInviteState = 'proceeding';
  #last: SipResponse | undefined;
  #intervalMs: number;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    source: SipSource,
    onTerminated: () => void,
  ) {
    this.#context = context;
    this.request = request;
    this.source = source;
    this.#onTerminated = onTerminated;
    this.#timers = new TimerSet(context.clock);
    this.#intervalMs = context.timers.t1Ms;
    this.#reliable = isReliable(source.transport);
  }

  get isOpen(): boolean {
    return this.#state === 'proceeding';
  }

  get state(): ServerInviteState {
    return this.#state;
  }

  respond(response: SipResponse): void {
    if (response.status < 200) this.#next('send-1xx', { response });
    else if (response.status < 300) this.#next('send-2xx', { response });
    else this.#next('send-3xx-6xx', { response });
  }

  receive(request: SipRequest): void {
    this.#next(request.method === 'ACK' ? 'ack' : 'request', { request });
  }

  close(): void {
    this.#terminate();
  }

  #next(
    input: ServerInviteInput,
    given: { response?: SipResponse; request?: SipRequest; error?: Error } = {},
  ): void {
    if (this.#state === 'terminated') return;
    const { state, effects } = serverInviteNext(this.#state, input);
    this.#state = state;
    const { timers } = this.#context;
    for (const effect of effects) {
      switch (effect) {
        case 'send-response':
          this.#last = given.response;
          this.#send();
          break;
        case 'resend-response':
          if (this.#last) {
            this.#context.countRetransmission();
            this.#send();
          }
          break;
        case 'start-timers-g-h':
          this.#timers.start('h', timers.timeoutMs, () => this.#next('timer-h'));
          this.#startTimerG();
          break;
        case 'rearm-timer-g':
          // RFC 3261 §17.2.1: doubled, at most T2.
          this.#intervalMs = Math.min(this.#intervalMs * 2, timers.t2Ms);
          this.#startTimerG();
          break;
        case 'stop-timers-g-h':
          this.#timers.stop('g');
          this.#timers.stop('h');
          break;
        case 'start-timer-i':
          this.#timers.start('i', this.#reliable ? 0 : timers.t4Ms, () => this.#next('timer-i'));
          break;
        case 'start-timer-l':
          this.#timers.start('l', timers.timeoutMs, () => this.#next('timer-l'));
          break;
        case 'pass-ack':
          if (given.request) this.user.onAck?.(given.request);
          break;
        case 'tell-timeout':
          this.user.onTimeout?.();
          break;
        case 'tell-transport-error':
          if (given.error) this.user.onTransportError?.(given.error);
          break;
      }
    }
    if (state === 'terminated') this.#terminate();
  }

  #startTimerG(): void {
    if (this.#reliable) return;
    this.#timers.start('g', this.#intervalMs, () => this.#next('timer-g'));
  }

  #send(): void {
    if (!this.#last) return;
    this.#context.wire.respond(this.#last, this.source).catch((error: unknown) => {
      this.#next('transport-error', { error: error as Error });
    });
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.#timers.close();
    this.#onTerminated();
  }
}

/** Non-INVITE server transaction (RFC 3261 §17.2.2). */
export class ServerNonInviteTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly source: SipSource;
  user: ServerTransactionUser = {};
  readonly #context: TransactionContext;
  readonly #onTerminated: () => void;
  readonly #timers: TimerSet<'j'>;
  #state: ServerNonInviteState = 'trying';
  #last: SipResponse | undefined;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    source: SipSource,
    onTerminated: () => void,
  ) {
    this.#context = context;
    this.request = request;
    this.source = source;
    this.#onTerminated = onTerminated;
    this.#timers = new TimerSet(context.clock);
  }

  get isOpen(): boolean {
    return this.#state === 'trying' || this.#state === 'proceeding';
  }

  get state(): ServerNonInviteState {
    return this.#state;
  }

  respond(response: SipResponse): void {
    this.#next(response.status < 200 ? 'send-1xx' : 'send-final', response);
  }

  receive(): void {
    this.#next('request');
  }

  close(): void {
    this.#terminate();
  }

  #next(input: ServerNonInviteInput, response?: SipResponse, error?: Error): void {
    if (this.#state === 'terminated') return;
    const { state, effects } = serverNonInviteNext(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      switch (effect) {
        case 'send-response':
          this.#last = response;
          this.#send();
          break;
        case 'resend-response':
          this.#context.countRetransmission();
          this.#send();
          break;
        case 'start-timer-j': {
          // RFC 3261 §17.2.2: 64*T1 over unreliable transports, zero over reliable ones.
          const delayMs = isReliable(this.source.transport) ? 0 : this.#context.timers.timeoutMs;
          this.#timers.start('j', delayMs, () => this.#next('timer-j'));
          break;
        }
        case 'tell-transport-error':
          if (error) this.user.onTransportError?.(error);
          break;
      }
    }
    if (state === 'terminated') this.#terminate();
  }

  #send(): void {
    if (!this.#last) return;
    this.#context.wire.respond(this.#last, this.source).catch((error: unknown) => {
      this.#next('transport-error', undefined, error as Error);
    });
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.#timers.close();
    this.#onTerminated();
  }
}
