import { TypedEvents } from '../shared/events.ts';
import { AnswerRepeater } from './answer-repeater.ts';
import { Dialog } from './dialog.ts';
import { InviteSession } from './invite-session.ts';
import { ALLOW, supported, type DialogOwner, type LegContext } from './leg-context.ts';
import type {
  DialogSnapshot,
  InboundLeg,
  LegEnd,
  LegEvents,
  LegFailure,
  LegState,
  OfferAnswer,
} from './leg.ts';
import { newTag } from './make-request.ts';
import { makeResponse, reasonPhrase } from './make-response.ts';
import { getHeader } from './message.ts';
import type { SipAddress, SipHeader, SipRequest, SipResponse } from './message.ts';
import {
  bodyHeaders,
  callIdOf,
  cseqOf,
  fieldValues,
  reasonOf,
  sdpOf,
  tagOf,
  uriOf,
} from './message-fields.ts';
import { formatNameAddr, parseNameAddr } from './parse-name-addr.ts';
import { parseUri } from './parse-uri.ts';
import { ReliableProvisionals } from './reliable-provisionals.ts';
import { responseAddress, topVia } from './response-address.ts';
import { declineRefer } from './refer.ts';
import type { ReferDecision, ReferOptions, ReferOutcome, ReferRequest } from './refer.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { TimerSet } from './timer-set.ts';

/** RFC 3261 §13.3.1.1: a provisional response is repeated each minute, or proxies cancel. */
const PROVISIONAL_REFRESH_MS = 60_000;

/** The called side of a call (RFC 3261 §13.3). */
export class ServerLeg implements InboundLeg, DialogOwner {
  readonly direction = 'inbound';
  readonly sipCallId: string;
  readonly localTag: string;
  readonly events: TypedEvents<LegEvents>;
  readonly request: SipRequest;
  readonly source: SipAddress;
  readonly sdp: string | null;
  onOffer: (sdp: string | null) => OfferAnswer | Promise<OfferAnswer> = () => ({
    accept: false,
    status: 488,
    reason: 'Not Acceptable Here',
  });
  onRefer: (request: ReferRequest) => ReferDecision = declineRefer;
  readonly #context: LegContext;
  readonly #transaction: ServerTransaction;
  readonly #dialog: Dialog;
  readonly #session: InviteSession;
  readonly #timers: TimerSet<'provisional'>;
  readonly #over = Promise.withResolvers<void>();
  #repeater: AnswerRepeater | undefined;
  #state: LegState = 'calling';
  #wasConfirmed = false;
  /** Where the caller requires that provisional responses are acknowledged (RFC 3262 §3). */
  readonly #reliable: ReliableProvisionals | null;
  /** The answer, which waits for the PRACK of a response before it. */
  #heldAnswer: string | null = null;
  /** SDP went out in a provisional response, which stands for the answer. */
  #earlyAnswer = false;
  #hangup: { reasonHeader: string | undefined } | null = null;

  constructor(context: LegContext, transaction: ServerTransaction) {
    const { request, source } = transaction;
    this.#context = context;
    this.#transaction = transaction;
    this.request = request;
    this.source = { host: source.host, port: source.port, transport: source.transport };
    this.sdp = sdpOf(request);
    this.sipCallId = callIdOf(request);
    this.localTag = newTag();
    this.events = new TypedEvents((event, error) => {
      context.logger.error({ err: error, event }, 'listener of leg threw');
    });
    this.#timers = new TimerSet(context.clock);
    const user = parseUri(request.uri)?.user ?? '';
    this.#dialog = new Dialog({
      callId: this.sipCallId,
      localTag: this.localTag,
      local: withoutTag(getHeader(request, 'To') ?? ''),
      remote: withoutTag(getHeader(request, 'From') ?? ''),
      remoteTag: tagOf(request, 'From'),
      contact: context.contact(user, source.transport),
      remoteTarget: uriOf(request, 'Contact'),
      routeSet: [],
      localCseq: 0,
      remoteCseq: cseqOf(request).sequence,
      peer: responseAddress(request, this.source),
    });
    this.#dialog.apply('provisional-with-tag', request);
    this.#session = new InviteSession(
      context,
      this.#dialog,
      null,
      false,
      {
        initialOffer: () => this.#initialOffer(),
        // RFC 3311 §5.1: the callee offers when its answer is known to have arrived.
        mayOfferEarly: () =>
          this.#earlyAnswer && this.#reliable !== null && !this.#reliable.holdsAnswer,
        onOffer: (sdp) => this.onOffer(sdp),
        onInfo: (info) => this.events.emit('info', info),
        onRefer: (request) => this.onRefer(request),
        onPrack: (prack) => this.#reliable?.acknowledge(prack) ?? false,
        onRenegotiated: (sdp) => this.events.emit('renegotiated', { sdp }),
        onEnd: (end) => this.#takeEnd(end),
      },
      { timer: context.sessionTimer, localSdp: null },
    );
    this.#session.remoteSdp = this.sdp;
    this.#session.refresher.learn(request);
    this.#reliable = this.#requiresReliable()
      ? new ReliableProvisionals(context.transactions.context, request, {
          transmit: (response) => this.#transaction.respond(response),
          // The PRACK is answered first.
          onSettled: () => queueMicrotask(() => this.#releaseAnswer()),
          // RFC 3262 §3.
          onTimeout: () => this.reject(504),
        })
      : null;
  }

  get state(): LegState {
    return this.#state;
  }

  /** Sends 100 and takes the dialog's requests. */
  start(): void {
    this.#context.adopt(this);
    this.#transaction.respond(this.#response(100));
  }

  snapshot(): DialogSnapshot {
    const dialog = this.#dialog;
    return {
      state: this.#wasConfirmed
        ? 'confirmed'
        : this.#state === 'calling'
          ? 'calling'
          : 'proceeding',
      direction: 'inbound',
      sipCallId: this.sipCallId,
      localTag: this.localTag,
      remoteTag: dialog.remoteTag,
      localUri: uriOf(this.request, 'To') ?? '',
      remoteUri: uriOf(this.request, 'From') ?? '',
      requestUri: this.request.uri,
      remoteTarget: dialog.remoteTarget,
      routeSet: [...dialog.routeSet],
      localCseq: dialog.localCseq,
      inviteCseq: cseqOf(this.request).sequence,
      inviteBranch: topVia(this.request)?.branch ?? '',
      nextHop: dialog.nextHop,
    };
  }

  ring(status = 180, sdp?: string): void {
    if (!this.#transaction.isOpen || status <= 100 || status >= 200) return;
    this.#state = 'proceeding';
    // RFC 3262 §5: the first reliable response to an INVITE without an offer would have to hold ours.
    if (this.#reliable && this.sdp === null) return;
    if (sdp !== undefined) {
      this.#earlyAnswer = true;
      this.#session.refresher.localSdp = sdp;
    }
    const response = this.#response(status, {
      headers: [
        { name: 'Contact', value: this.#dialog.contact },
        { name: 'Allow', value: ALLOW },
        ...bodyHeaders(sdp === undefined ? null : 'application/sdp'),
      ],
      body: sdp ?? '',
    });
    const send = (): void => {
      if (this.#reliable) this.#reliable.send({ ...response, headers: [...response.headers] });
      else this.#transaction.respond(response);
      this.#timers.start('provisional', PROVISIONAL_REFRESH_MS, send);
    };
    send();
  }

  answer(sdp: string): void {
    if (!this.#transaction.isOpen) return;
    this.#timers.stop('provisional');
    if (this.#reliable?.holdsAnswer) {
      this.#heldAnswer = sdp;
      return;
    }
    this.#reliable?.close();
    this.#session.refresher.localSdp = sdp;
    this.#state = 'confirmed';
    this.#wasConfirmed = true;
    this.#dialog.apply('2xx');
    const response = this.#response(200, {
      headers: [
        { name: 'Contact', value: this.#dialog.contact },
        { name: 'Allow', value: ALLOW },
        ...supported(this.#context.sessionTimer !== null),
        ...this.#session.refresher.accept(this.request),
        ...bodyHeaders('application/sdp'),
      ],
      body: sdp,
    });
    const context = this.#context.transactions.context;
    this.#repeater = new AnswerRepeater(context, this.#transaction, response, {
      onAck: (ack) => this.#takeFirstAck(ack),
      onTimeout: () => this.#takeNoAck(),
    });
  }

  reject(status: number, reason?: string, headers: readonly SipHeader[] = []): void {
    if (!this.#transaction.isOpen || status < 300 || status > 699) return;
    const text = reason ?? reasonPhrase(status);
    this.#transaction.respond(this.#response(status, { reason: text, headers }));
    const reasonHeader = headers.find(({ name }) => name.toLowerCase() === 'reason')?.value ?? null;
    this.#fail({ cause: 'response', status, reason: text, reasonHeader });
  }

  async reinvite(sdp: string): Promise<{ status: number; reason: string; sdp: string | null }> {
    if (this.#state !== 'confirmed') return { status: 481, reason: reasonPhrase(481), sdp: null };
    return this.#session.reinvite(sdp);
  }

  async update(
    sdp: string | null,
  ): Promise<{ status: number; reason: string; sdp: string | null }> {
    if (this.#state === 'ended') return { status: 481, reason: reasonPhrase(481), sdp: null };
    return this.#session.update(sdp);
  }

  async refer(options: ReferOptions): Promise<ReferOutcome> {
    if (this.#state !== 'confirmed') return { type: 'gone' };
    return this.#session.refer(options);
  }

  async info(contentType: string, body: string): Promise<{ status: number }> {
    if (this.#state !== 'confirmed') return { status: 481 };
    return this.#session.info(contentType, body);
  }

  hangup(options: { reasonHeader?: string; status?: number; reason?: string } = {}): Promise<void> {
    const { reasonHeader } = options;
    if (this.#state === 'confirmed') {
      this.#hangup ??= { reasonHeader };
      // RFC 3261 §15: no BYE before the ACK, or the end of its waiting time.
      if (!this.#repeater?.isWaiting)
        this.#sendBye({ by: 'local', reasonHeader: reasonHeader ?? null });
    } else if (this.#state !== 'ended') {
      const headers = reasonHeader === undefined ? [] : [{ name: 'Reason', value: reasonHeader }];
      this.reject(options.status ?? 480, options.reason, headers);
    }
    return this.#over.promise;
  }

  /** Releases the far end at once: this process ends. */
  abandon(): void {
    if (this.#state === 'confirmed') this.#sendBye({ by: 'local', reasonHeader: null });
    else void this.hangup({ status: 503 });
  }

  /** RFC 3261 §9.2: the CANCEL of our INVITE; no effect once a final response is out. */
  cancel(cancel: SipRequest): void {
    if (!this.#transaction.isOpen) return;
    this.#transaction.respond(this.#response(487));
    const reasonHeader = reasonOf(cancel);
    this.#fail({ cause: 'cancelled', status: 487, reason: reasonPhrase(487), reasonHeader });
  }

  receive(transaction: ServerTransaction): void {
    const isOurs = tagOf(transaction.request, 'From') === this.#dialog.remoteTag;
    if (isOurs) this.#session.receive(transaction);
    else transaction.respond(makeResponse(transaction.request, 481));
  }

  receiveAck(ack: SipRequest): void {
    if (tagOf(ack, 'From') !== this.#dialog.remoteTag) return;
    this.#repeater?.receiveAck(ack);
    this.#session.receiveAck(ack);
  }

  receiveStray(): void {
    // Responses to re-INVITEs that are over; their 2xx was acknowledged while it mattered.
  }

  #requiresReliable(): boolean {
    return fieldValues(this.request, 'Require').some((name) => name.toLowerCase() === '100rel');
  }

  #releaseAnswer(): void {
    const sdp = this.#heldAnswer;
    this.#heldAnswer = null;
    if (sdp !== null) this.answer(sdp);
  }

  #initialOffer(): 'none' | 'ours' | 'theirs' {
    if (this.#transaction.isOpen) return this.#earlyAnswer && this.sdp !== null ? 'none' : 'theirs';
    // RFC 3261 §14.2: our offer in the 200 is answered by the ACK.
    return this.#repeater?.isWaiting && this.sdp === null ? 'ours' : 'none';
  }

  #takeFirstAck(ack: SipRequest): void {
    if (this.#hangup) {
      this.#sendBye({ by: 'local', reasonHeader: this.#hangup.reasonHeader ?? null });
    } else this.events.emit('answered', { sdp: sdpOf(ack) });
  }

  /** RFC 3261 §13.3.1.4: no ACK in 64*T1 means BYE. */
  #takeNoAck(): void {
    const end: LegEnd = this.#hangup
      ? { by: 'local', reasonHeader: this.#hangup.reasonHeader ?? null }
      : { by: 'timeout', reasonHeader: null };
    this.#sendBye(end);
  }

  #sendBye(end: LegEnd): void {
    if (this.#state === 'ended') return;
    this.#repeater?.close();
    const answered = this.#session.bye(end.reasonHeader ?? undefined);
    this.#finish(answered);
    this.events.emit('ended', end);
  }

  #takeEnd(end: LegEnd): void {
    if (this.#state === 'ended') return;
    this.#repeater?.close();
    if (this.#state === 'confirmed') {
      this.#finish(null);
      this.events.emit('ended', end);
      return;
    }
    // RFC 3261 §15.1.2: BYE in an early dialog; the INVITE is answered 487.
    if (this.#transaction.isOpen) this.#transaction.respond(this.#response(487));
    const { reasonHeader } = end;
    this.#fail({ cause: 'cancelled', status: 487, reason: reasonPhrase(487), reasonHeader });
  }

  #fail(failure: Pick<LegFailure, 'cause' | 'status' | 'reason' | 'reasonHeader'>): void {
    this.#dialog.apply('failure');
    const provisionalSeen = this.#state === 'proceeding';
    this.#finish(null);
    this.events.emit('failed', { provisionalSeen, retryAfterS: null, local: false, ...failure });
  }

  #finish(released: Promise<unknown> | null): void {
    this.#state = 'ended';
    this.#timers.close();
    this.#reliable?.close();
    this.#context.leave(this, this.#context.timers.timeoutMs);
    if (released) void released.finally(() => this.#over.resolve());
    else this.#over.resolve();
  }

  #response(
    status: number,
    fields: { reason?: string; headers?: readonly SipHeader[]; body?: string } = {},
  ): SipResponse {
    const server = { name: 'Server', value: this.#context.userAgent };
    return makeResponse(this.request, status, {
      toTag: this.localTag,
      ...fields,
      headers: [...(fields.headers ?? []), server],
    });
  }
}

function withoutTag(value: string): string {
  const parsed = parseNameAddr(value);
  if (!parsed) return value;
  const params = new Map([...parsed.params].filter(([name]) => name !== 'tag'));
  return formatNameAddr({ ...parsed, params });
}
