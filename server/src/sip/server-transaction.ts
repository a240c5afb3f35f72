import { IncomingTransaction, type CommonEffect } from './incoming-transaction.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { serverInviteNext } from './server-invite-fsm.ts';
import type {
  ServerInviteEffect,
  ServerInviteInput,
  ServerInviteState,
} from './server-invite-fsm.ts';
import { serverNonInviteNext } from './server-non-invite-fsm.ts';
import type {
  ServerNonInviteEffect,
  ServerNonInviteInput,
  ServerNonInviteState,
} from './server-non-invite-fsm.ts';
import type { TransactionContext } from './transaction-context.ts';
import type { SipSource } from './transport.ts';
import { isReliable } from './wire.ts';

type InviteEffect = Exclude<ServerInviteEffect, CommonEffect>;
type NonInviteEffect = Exclude<ServerNonInviteEffect, CommonEffect>;

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
export class ServerInviteTransaction extends IncomingTransaction<
  ServerInviteState,
  ServerInviteInput,
  InviteEffect,
  'g' | 'h' | 'i' | 'l'
> {
  readonly #reliable: boolean;
  #intervalMs: number;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    source: SipSource,
    onTerminated: () => void,
  ) {
    super(context, request, source, onTerminated, 'proceeding');
    this.#intervalMs = context.timers.t1Ms;
    this.#reliable = isReliable(source.transport);
  }

  get isOpen(): boolean {
    return this.state === 'proceeding';
  }

  respond(response: SipResponse): void {
    if (response.status < 200) this.next('send-1xx', { response });
    else if (response.status < 300) this.next('send-2xx', { response });
    else this.next('send-3xx-6xx', { response });
  }

  receive(request: SipRequest): void {
    this.next(request.method === 'ACK' ? 'ack' : 'request', { request });
  }

  protected step(
    state: ServerInviteState,
    input: ServerInviteInput,
  ): ReturnType<typeof serverInviteNext> {
    return serverInviteNext(state, input);
  }

  protected perform(effect: InviteEffect, request: SipRequest | undefined): void {
    const { timers } = this.context;
    switch (effect) {
      case 'start-timers-g-h':
        this.timers.start('h', timers.timeoutMs, () => this.next('timer-h'));
        this.#startTimerG();
        break;
      case 'rearm-timer-g':
        // RFC 3261 §17.2.1: doubled, at most T2.
        this.#intervalMs = Math.min(this.#intervalMs * 2, timers.t2Ms);
        this.#startTimerG();
        break;
      case 'stop-timers-g-h':
        this.timers.stop('g');
        this.timers.stop('h');
        break;
      case 'start-timer-i':
        this.timers.start('i', this.#reliable ? 0 : timers.t4Ms, () => this.next('timer-i'));
        break;
      case 'start-timer-l':
        this.timers.start('l', timers.timeoutMs, () => this.next('timer-l'));
        break;
      case 'pass-ack':
        if (request) this.user.onAck?.(request);
        break;
      case 'tell-timeout':
        this.user.onTimeout?.();
        break;
    }
  }

  #startTimerG(): void {
    if (this.#reliable) return;
    this.timers.start('g', this.#intervalMs, () => this.next('timer-g'));
  }
}

/** Non-INVITE server transaction (RFC 3261 §17.2.2). */
export class ServerNonInviteTransaction extends IncomingTransaction<
  ServerNonInviteState,
  ServerNonInviteInput,
  NonInviteEffect,
  'j'
> {
  constructor(
    context: TransactionContext,
    request: SipRequest,
    source: SipSource,
    onTerminated: () => void,
  ) {
    super(context, request, source, onTerminated, 'trying');
  }

  get isOpen(): boolean {
    return this.state === 'trying' || this.state === 'proceeding';
  }

  respond(response: SipResponse): void {
    this.next(response.status < 200 ? 'send-1xx' : 'send-final', { response });
  }

  receive(): void {
    this.next('request');
  }

  protected step(
    state: ServerNonInviteState,
    input: ServerNonInviteInput,
  ): ReturnType<typeof serverNonInviteNext> {
    return serverNonInviteNext(state, input);
  }

  /** The one effect of its own is timer J. */
  protected perform(_effect: NonInviteEffect): void {
    // RFC 3261 §17.2.2: 64*T1 over unreliable transports, zero over reliable ones.
    const delayMs = isReliable(this.source.transport) ? 0 : this.context.timers.timeoutMs;
    this.timers.start('j', delayMs, () => this.next('timer-j'));
  }
}
