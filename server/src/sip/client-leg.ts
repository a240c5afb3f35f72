import { TypedEvents } from '../shared/events.ts';
import { ClientFork } from './client-fork.ts';
import type { ClientTransaction } from './client-transaction.ts';
import { Dialog } from './dialog.ts';
import { DigestSession, type DigestAttempt } from './digest-session.ts';
import { FirstInterval } from './first-interval.ts';
import { InviteSession } from './invite-session.ts';
import { ALLOW, supported, type DialogOwner, type LegContext } from './leg-context.ts';
import type {
  DialogSnapshot,
  Leg,
  LegEnd,
  LegEvents,
  LegFailure,
  LegState,
  OfferAnswer,
} from './leg.ts';
import { makeAckForFailure, makeCancel, makeRequest, newBranch } from './make-request.ts';
import { makeResponse, reasonPhrase } from './make-response.ts';
import type { SipAddress, SipRequest, SipResponse } from './message.ts';
import { bodyHeaders, cseqOf, reasonOf, retryAfterOf, sdpOf, tagOf } from './message-fields.ts';
import { redirectContacts } from './redirect-contacts.ts';
import { credentialsOf } from './outgoing-reinvites.ts';
import { formatNameAddr } from './parse-name-addr.ts';
import { parseUri } from './parse-uri.ts';
import { topVia } from './response-address.ts';
import { declineRefer } from './refer.ts';
import type { ReferDecision, ReferOptions, ReferOutcome, ReferRequest } from './refer.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { TimerSet } from './timer-set.ts';
import type { InviteOptions } from './user-agent.ts';

/** Early and confirmed dialogs that one INVITE may make; forks beyond are ignored. */
const MAX_FORKS = 16;

/** A SIP server that is there says 100 within 200 ms (RFC 3261 §17.2.1); this leaves room for three lost. */
const NO_RESPONSE_TIMEOUT_MS = 5000;

/** The calling side of a call (RFC 3261 §13.2). */
export class ClientLeg implements Leg, DialogOwner {
  readonly direction = 'outbound';
  readonly sipCallId: string;
  readonly localTag: string;
  readonly events: TypedEvents<LegEvents>;
  onOffer: (sdp: string | null) => OfferAnswer | Promise<OfferAnswer> = () => ({
    accept: false,
    status: 488,
    reason: 'Not Acceptable Here',
  });
  onRefer: (request: ReferRequest) => ReferDecision = declineRefer;
  readonly #context: LegContext;
  readonly #options: InviteOptions;
  readonly #contact: string;
  readonly #local: string;
  readonly #remote: string;
  readonly #digest: DigestSession | null;
  readonly #attempt: DigestAttempt | null;
  readonly #timers: TimerSet<'cancel' | 'silence'>;
  readonly #forks = new Map<string, ClientFork>();
  readonly #over = Promise.withResolvers<void>();
  #main: InviteSession | null = null;
  #transaction: ClientTransaction | undefined;
  #branch: string;
  readonly #interval: FirstInterval;
  #cseq = 1;
  #state: LegState = 'calling';
  #wasConfirmed = false;
  #provisionalSeen = false;
  /** Whether the leg failed while the INVITE had no final response: what comes late is released. */
  #gaveUp = false;
  #cancelling: { reasonHeader: string | undefined; sent: boolean } | null = null;

  constructor(context: LegContext, options: InviteOptions) {
    this.#context = context;
    this.#options = options;
    this.sipCallId = options.sipCallId;
    this.localTag = options.localTag;
    this.events = new TypedEvents((event, error) => {
      context.logger.error({ err: error, event }, 'listener of leg threw');
    });
    this.#branch = options.branch;
    const { sessionTimer = context.sessionTimer } = options;
    this.#interval = new FirstInterval(sessionTimer);
    this.#digest = options.credentials ? new DigestSession(options.credentials) : null;
    this.#attempt = this.#digest?.attempt() ?? null;
    this.#timers = new TimerSet(context.clock);
    const { uri, displayName } = options.from;
    const user = parseUri(uri)?.user ?? '';
    this.#contact = context.contact(user, options.nextHop.transport);
    this.#local = formatNameAddr({ displayName: displayName ?? null, uri, params: new Map() });
    this.#remote = `<${options.to.uri}>`;
  }

  get state(): LegState {
    return this.#state;
  }

  /** Sends the INVITE. */
  start(): void {
    this.#context.adopt(this);
    this.#sendInvite();
  }

  snapshot(): DialogSnapshot {
    const dialog = this.#main?.dialog;
    const confirmed = this.#wasConfirmed;
    return {
      state: confirmed ? 'confirmed' : this.#state === 'calling' ? 'calling' : 'proceeding',
      direction: 'outbound',
      sipCallId: this.sipCallId,
      localTag: this.localTag,
      remoteTag: dialog?.remoteTag ?? null,
      localUri: this.#options.from.uri,
      remoteUri: this.#options.to.uri,
      requestUri: this.#options.requestUri,
      remoteTarget: dialog?.remoteTarget ?? null,
      routeSet: [...(dialog?.routeSet ?? [])],
      localCseq: dialog?.localCseq ?? this.#cseq,
      inviteCseq: this.#cseq,
      inviteBranch: this.#branch,
      nextHop: confirmed && dialog ? dialog.nextHop : this.#inviteAddress,
    };
  }

  async reinvite(sdp: string): Promise<{ status: number; reason: string; sdp: string | null }> {
    if (this.#state !== 'confirmed' || !this.#main) {
      return { status: 481, reason: reasonPhrase(481), sdp: null };
    }
    return this.#main.reinvite(sdp);
  }

  async update(
    sdp: string | null,
  ): Promise<{ status: number; reason: string; sdp: string | null }> {
    // RFC 3311 §5.1: an early dialog will do, no dialog will not.
    if (this.#state === 'ended' || !this.#main) {
      return { status: 481, reason: reasonPhrase(481), sdp: null };
    }
    return this.#main.update(sdp);
  }

  async refer(options: ReferOptions): Promise<ReferOutcome> {
    if (this.#state !== 'confirmed' || !this.#main) return { type: 'gone' };
    return this.#main.refer(options);
  }

  async info(contentType: string, body: string): Promise<{ status: number }> {
    if (this.#state !== 'confirmed' || !this.#main) return { status: 481 };
    return this.#main.info(contentType, body);
  }

  hangup(options: { reasonHeader?: string } = {}): Promise<void> {
    if (this.#state === 'ended') return this.#over.promise;
    const session = this.#main;
    if (this.#state === 'confirmed' && session) {
      const answered = session.bye(options.reasonHeader);
      this.#finish(this.#context.timers.timeoutMs, answered);
      this.events.emit('ended', { by: 'local', reasonHeader: options.reasonHeader ?? null });
    } else {
      this.#cancelling ??= { reasonHeader: options.reasonHeader, sent: false };
      this.#cancelWhenAllowed();
    }
    return this.#over.promise;
  }

  /** Releases the far end at once, without regard to provisional responses: this process ends. */
  abandon(): void {
    if (this.#state === 'confirmed') void this.hangup();
    else if (this.#state !== 'ended') {
      this.#cancelling ??= { reasonHeader: undefined, sent: false };
      this.#sendCancel();
      this.#failHere('cancelled', 487, null);
    }
  }

  receive(transaction: ServerTransaction): void {
    const fork = this.#forks.get(tagOf(transaction.request, 'From') ?? '');
    if (fork) fork.session.receive(transaction);
    else transaction.respond(makeResponse(transaction.request, 481));
  }

  receiveAck(ack: SipRequest): void {
    this.#forks.get(tagOf(ack, 'From') ?? '')?.session.receiveAck(ack);
  }

  receiveStray(response: SipResponse): void {
    // RFC 3261 §13.2.2.4: a 2xx that comes after we gave up made a dialog that must be released.
    if (response.status >= 200 && response.status < 300) this.#take2xx(response);
    else if (topVia(response)?.branch === this.#branch) this.#takeStrayOther(response);
  }

  get #inviteAddress(): SipAddress {
    return this.#transaction?.address ?? this.#options.nextHop;
  }

  #sendInvite(): void {
    const options = this.#options;
    const request = makeRequest({
      method: 'INVITE',
      uri: options.requestUri,
      from: `${this.#local};tag=${this.localTag}`,
      to: this.#remote,
      callId: this.sipCallId,
      cseq: this.#cseq,
      headers: [
        { name: 'Contact', value: this.#contact },
        { name: 'Allow', value: ALLOW },
        ...supported(this.#interval.policy !== null, options.reliableProvisionals ?? true),
        ...this.#interval.headers(),
        { name: 'User-Agent', value: this.#context.userAgent },
        ...(options.headers ?? []),
        ...bodyHeaders('application/sdp'),
      ],
      body: options.sdp,
    });
    this.#attempt?.authorize(request);
    const user = {
      onResponse: (response: SipResponse) => this.#takeResponse(response),
      onTimeout: () => this.#giveUp('timeout', 408),
      onTransportError: () => this.#giveUp('transport', 503),
    };
    const { transactions } = this.#context;
    this.#timers.start('silence', options.noResponseTimeoutMs ?? NO_RESPONSE_TIMEOUT_MS, () => {
      // The next gateway may be dialled now: this one must not hear of the call for the first time.
      this.#transaction?.stopResending();
      this.#giveUp('timeout', 408);
    });
    this.#transaction = transactions.send(request, options.nextHop, user, this.#branch);
  }

  #takeResponse(response: SipResponse): void {
    this.#timers.stop('silence');
    if (response.status >= 200) this.#timers.stop('cancel');
    if (response.status < 200) this.#takeProvisional(response);
    else if (response.status < 300) this.#take2xx(response);
    else this.#takeFailure(response);
  }

  #takeProvisional(response: SipResponse): void {
    if (this.#gaveUp) this.#cancelLate();
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return;
    this.#state = 'proceeding';
    const tag = tagOf(response, 'To');
    if (response.status > 100) {
      this.#provisionalSeen = true;
      // RFC 3261 §12.1: each To tag is an early dialog of its own.
      const fork = tag === null ? undefined : this.#fork(tag);
      if (fork) {
        if (!fork.takeProvisional(response)) return;
        this.#main = fork.session;
      }
    }
    if (this.#cancelling) this.#cancelWhenAllowed();
    else if (response.status > 100) {
      const { status, reason } = response;
      this.events.emit('provisional', { status, reason, sdp: sdpOf(response) });
    }
  }

  #take2xx(response: SipResponse): void {
    const fork = this.#fork(tagOf(response, 'To') ?? '');
    if (!fork) return;
    if (fork.ack) {
      // RFC 3261 §13.2.2.4: each 2xx gets the same ACK.
      this.#context.transactions.context.countRetransmission();
      this.#context.transactions.sendAck(fork.ack.request, fork.ack.to);
      return;
    }
    const { dialog } = fork.session;
    dialog.apply('2xx', response);
    const invite = this.#transaction?.request;
    const credentials = invite ? credentialsOf(invite) : [];
    const { sequence } = cseqOf(response);
    fork.ack = { request: dialog.ack(sequence, credentials), to: dialog.nextHop };
    this.#context.transactions.sendAck(fork.ack.request, fork.ack.to);
    if (this.#state === 'ended' || this.#state === 'confirmed') {
      // Another fork answered first, or nobody waits any more.
      void fork.session.bye();
    } else if (this.#cancelling) {
      // RFC 3261 §9.1: the answer was faster than the CANCEL.
      const answered = fork.session.bye(this.#cancelling.reasonHeader);
      this.#main = fork.session;
      this.#failHere('cancelled', 487, answered);
    } else {
      this.#state = 'confirmed';
      this.#wasConfirmed = true;
      this.#main = fork.session;
      if (!fork.earlyUpdate && sdpOf(response) !== null) fork.session.remoteSdp = sdpOf(response);
      fork.session.refresher.accepted(response);
      // RFC 3261 §13.2.1: after the first answer descriptions in responses are not looked at.
      this.events.emit('answer-headers', response.headers);
      this.events.emit('answered', { sdp: fork.earlyUpdate ?? sdpOf(response) });
    }
  }

  #takeFailure(response: SipResponse): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return;
    if (tagOf(response, 'To') !== null) this.#provisionalSeen = true;
    const { status, reason } = response;
    const extra = { reasonHeader: reasonOf(response), retryAfterS: retryAfterOf(response) };
    if (this.#cancelling) {
      this.#fail({ cause: 'cancelled', status, reason, local: false, ...extra }, null);
      return;
    }
    if (this.#attempt?.accepts(response) || this.#interval.raisesFor(response)) {
      this.#retry();
      return;
    }
    const contacts = redirectContacts(response);
    const failure = { cause: 'response', status, reason, local: false, ...extra } as const;
    this.#fail(contacts.length === 0 ? failure : { ...failure, contacts }, null);
  }

  /** RFC 3261 §22.2: the same INVITE anew, such as with credentials, a new branch and the next CSeq. */
  #retry(): void {
    this.#forks.clear();
    this.#main = null;
    this.#cseq++;
    this.#branch = newBranch();
    this.#state = 'calling';
    this.#sendInvite();
  }

  #giveUp(cause: 'timeout' | 'transport', status: number): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') {
      // Nothing is left of a transaction that was cancelled late.
      this.#timers.close();
      return;
    }
    this.#gaveUp = true;
    if (this.#cancelling) this.#failHere('cancelled', 487, null);
    else this.#failHere(cause, status, null);
  }

  #cancelWhenAllowed(): void {
    // RFC 3261 §9.1: no CANCEL before a provisional response.
    if (!this.#cancelling || this.#cancelling.sent || this.#state !== 'proceeding') return;
    this.#sendCancel();
    // RFC 3261 §9.1: no final response 64*T1 after the CANCEL: the INVITE counts as cancelled.
    this.#timers.start('cancel', this.#context.timers.timeoutMs, () => {
      this.#transaction?.close();
      this.#failHere('cancelled', 487, null);
    });
  }

  /** RFC 3261 §9.1: a provisional response to an INVITE that was given up makes its CANCEL possible. */
  #cancelLate(): void {
    this.#cancelling ??= { reasonHeader: undefined, sent: false };
    if (this.#cancelling.sent) return;
    this.#sendCancel();
    this.#timers.start('cancel', this.#context.timers.timeoutMs, () => this.#transaction?.close());
  }

  /** What the transaction would take if it were not over. */
  #takeStrayOther(response: SipResponse): void {
    const invite = this.#transaction;
    if (!this.#gaveUp || !invite) return;
    if (response.status < 200) this.#cancelLate();
    else {
      const ack = makeAckForFailure(invite.request, response);
      this.#context.transactions.sendAck(ack, invite.address);
    }
  }

  #sendCancel(): void {
    const invite = this.#transaction;
    if (!invite || !this.#cancelling || this.#cancelling.sent) return;
    this.#cancelling.sent = true;
    // The outcome is in the final response of the INVITE, whatever the CANCEL is answered.
    const user = { onResponse: ignore, onTimeout: ignore, onTransportError: ignore };
    const cancel = makeCancel(invite.request, this.#cancelling.reasonHeader);
    this.#context.transactions.sendAsIs(cancel, invite.address, user);
  }

  /** Fails with a status that no response brought. */
  #failHere(
    cause: LegFailure['cause'],
    status: number,
    released: Promise<unknown> | null,
    reasonHeader: string | null = null,
  ): void {
    const reason = reasonPhrase(status);
    this.#fail({ cause, status, reason, local: true, reasonHeader, retryAfterS: null }, released);
  }

  #fail(failure: Omit<LegFailure, 'provisionalSeen'>, released: Promise<unknown> | null): void {
    const { timeoutMs, lateAnswerMs } = this.#context.timers;
    for (const { session } of this.#forks.values()) {
      if (session.dialog.state === 'early') session.dialog.apply('failure');
    }
    this.#finish(failure.cause === 'response' ? timeoutMs : lateAnswerMs, released);
    this.events.emit('failed', {
      provisionalSeen: this.#provisionalSeen,
      ...failure,
    });
  }

  /** The leg is over; `released` is what the far end still has to answer. */
  #finish(lingerMs: number, released: Promise<unknown> | null): void {
    this.#state = 'ended';
    this.#timers.stop('silence');
    this.#timers.stop('cancel');
    this.#context.leave(this, lingerMs);
    if (released) void released.finally(() => this.#over.resolve());
    else this.#over.resolve();
  }

  /** RFC 3311 §5.2: offers are taken once ours is answered; the leg's session is that of one fork. */
  #mayUpdate(fork: ClientFork): boolean {
    return fork.hasEarlyAnswer && fork.session === this.#main;
  }

  async #decideOffer(fork: ClientFork, sdp: string | null): Promise<OfferAnswer> {
    const decision = await this.onOffer(sdp);
    if (decision.accept && fork.session.dialog.state === 'early') fork.earlyUpdate = sdp;
    return decision;
  }

  #takeEnd(session: InviteSession, end: LegEnd): void {
    if (session !== this.#main || this.#state === 'ended') return;
    if (this.#state === 'confirmed') {
      this.#finish(this.#context.timers.timeoutMs, null);
      this.events.emit('ended', end);
      return;
    }
    // RFC 3261 §15: a callee sends no BYE before its answer, unless the answer never reached us.
    this.#transaction?.close();
    this.#failHere('response', 487, null, end.reasonHeader);
  }

  #fork(tag: string): ClientFork | undefined {
    const known = this.#forks.get(tag);
    if (known) return known;
    if (this.#forks.size >= MAX_FORKS) return undefined;
    const dialog = new Dialog({
      callId: this.sipCallId,
      localTag: this.localTag,
      local: this.#local,
      remote: this.#remote,
      remoteTag: null,
      contact: this.#contact,
      remoteTarget: null,
      routeSet: [],
      localCseq: this.#cseq,
      remoteCseq: null,
      peer: this.#inviteAddress,
    });
    const session: InviteSession = new InviteSession(
      this.#context,
      dialog,
      this.#digest,
      true,
      {
        initialOffer: () => (dialog.state === 'early' && !this.#mayUpdate(fork) ? 'ours' : 'none'),
        mayOfferEarly: () => fork.hasReliableAnswer && this.#mayUpdate(fork),
        onOffer: (sdp) => this.#decideOffer(fork, sdp),
        onInfo: (info) => this.events.emit('info', info),
        onRefer: (request) => this.onRefer(request),
        // The answer is ours to acknowledge: whoever called sends no reliable provisional response.
        onPrack: () => false,
        onRenegotiated: (sdp) => this.events.emit('renegotiated', { sdp }),
        onEnd: (end) => this.#takeEnd(session, end),
      },
      { timer: this.#interval.policy, localSdp: this.#options.sdp },
    );
    const fork = new ClientFork(session);
    this.#forks.set(tag, fork);
    return fork;
  }
}

function ignore(): void {
  // Nothing depends on it.
}
