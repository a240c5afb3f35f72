import { AnswerRepeater } from './answer-repeater.ts';
import type { Dialog } from './dialog.ts';
import type { DigestSession } from './digest-session.ts';
import { ALLOW, supported, unsupported, type LegContext } from './leg-context.ts';
import type { LegEnd, OfferAnswer } from './leg.ts';
import { makeResponse, reasonPhrase, type ResponseFields } from './make-response.ts';
import { getHeader } from './message.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { bodyHeaders, isSdp, reasonOf, sdpOf } from './message-fields.ts';
import { OutgoingReinvites, type ReinviteResult } from './outgoing-reinvites.ts';
import { Referrals } from './refer.ts';
import type { ReferDecision, ReferOptions, ReferOutcome, ReferRequest } from './refer.ts';
import { sendRequest } from './send-request.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { SessionRefresher } from './session-refresher.ts';
import type { SessionTimerPolicy } from './session-timer-fsm.ts';

/** RFC 3261 §14.2: seconds to wait at most, chosen at random, after a 500 to an overlapping offer. */
const MAX_OVERLAP_RETRY_AFTER_S = 10;

/** RFC 3326: told to the far end whose session ran out. */
const SESSION_EXPIRED = 'SIP;cause=408;text="Session timer expired"';

/** The leg that a session belongs to. */
export interface InviteSessionUser {
  /** Whether the first INVITE's offer still awaits its answer, and whose offer it is. */
  initialOffer(): 'none' | 'ours' | 'theirs';
  onOffer(sdp: string | null): OfferAnswer | Promise<OfferAnswer>;
  onInfo(info: { contentType: string; body: string }): void;
  onRenegotiated(sdp: string): void;
  /** Whether an UPDATE with an offer may leave before the INVITE is answered (RFC 3311 §5.1). */
  mayOfferEarly(): boolean;
  /** A REFER of the far side. */
  onRefer(request: ReferRequest): ReferDecision;
  /** A PRACK of the far side; whether it belongs to a response of ours (RFC 3262 §3). */
  onPrack(request: SipRequest): boolean;
  onEnd(end: LegEnd): void;
}

/** What happens inside one dialog made by INVITE (RFC 3261 §12.2, §14, §15). */
export class InviteSession {
  readonly dialog: Dialog;
  readonly #context: LegContext;
  readonly #digest: DigestSession | null;
  readonly #isCaller: boolean;
  readonly #user: InviteSessionUser;
  readonly #reinvites: OutgoingReinvites;
  /** Keeps the session alive, and knows what the far side said of that. */
  readonly refresher: SessionRefresher;
  readonly #referrals: Referrals;
  #incoming: ServerTransaction | undefined;
  #repeater: AnswerRepeater | undefined;
  /** Whether the 2xx that is repeated holds our offer, whose answer is still to come. */
  #answerAwaited = false;
  /** What the far side described last, in an answer to a re-INVITE of ours. */
  #remoteSdp: string | null = null;

  /**
   * @param isCaller whether our side sent the first INVITE and made the Call-ID.
   * @param session.localSdp the offer of our INVITE.
   */
  constructor(
    context: LegContext,
    dialog: Dialog,
    digest: DigestSession | null,
    isCaller: boolean,
    user: InviteSessionUser,
    session: { timer: SessionTimerPolicy | null; localSdp: string | null },
  ) {
    this.#context = context;
    this.dialog = dialog;
    this.#digest = digest;
    this.#isCaller = isCaller;
    this.#user = user;
    this.#reinvites = new OutgoingReinvites(context, dialog, digest, isCaller, {
      isOfferIncoming: () => this.#incoming !== undefined || this.#answerAwaited,
      onGone: () => this.#end({ by: 'timeout', reasonHeader: null }, 'gone', true),
      headers: () => [...supported(session.timer !== null), ...this.refresher.headers()],
      onAccepted: (response, sdp) => {
        if (sdp !== null) this.refresher.localSdp = sdp;
        this.refresher.accepted(response);
      },
      raisesMinimum: (response) => this.refresher.raisesMinimum(response),
    });
    this.refresher = new SessionRefresher({
      clock: context.clock,
      policy: session.timer,
      localSdp: session.localSdp,
      send: (sdp, method) => this.#sendRefresh(sdp, method),
      // RFC 4028 §10.
      expire: () => this.#end({ by: 'timeout', reasonHeader: SESSION_EXPIRED }, 'gone', true),
    });
    this.#referrals = new Referrals({
      clock: context.clock,
      contact: dialog.contact,
      isConfirmed: () => dialog.state === 'confirmed',
      send: (method, headers, body) => this.#send(method, headers, body),
      respond: (transaction, status, fields) => this.#respond(transaction, status, fields),
      decide: (request) => user.onRefer(request),
      onGone: (status) => this.#end({ by: 'timeout', reasonHeader: null }, 'gone', status === 408),
    });
  }

  /** Asks the far side to call somebody else (RFC 3515). Always resolves. */
  refer(options: ReferOptions): Promise<ReferOutcome> {
    return this.#referrals.refer(options);
  }

  /** A request of the far side inside this dialog. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (this.dialog.state === 'terminated') {
      // RFC 3261 §15.1.2 knows no crossing: our BYE is out, theirs is as good as answered.
      this.#respond(transaction, request.method === 'BYE' ? 200 : 481);
      return;
    }
    // RFC 3261 §12.2.2: a CSeq that goes back is out of order.
    if (!this.dialog.takeRemoteCseq(request)) {
      this.#respond(transaction, 500, { reason: 'CSeq Out Of Order' });
      return;
    }
    const unknown = unsupported(request);
    if (unknown.length > 0) {
      const headers = [{ name: 'Unsupported', value: unknown.join(', ') }];
      this.#respond(transaction, 420, { headers });
      return;
    }
    this.refresher.learn(request);
    switch (request.method) {
      case 'BYE':
        this.#takeBye(transaction);
        return;
      case 'INVITE':
        this.#takeReinvite(transaction);
        return;
      case 'UPDATE':
        this.#takeUpdate(transaction);
        return;
      case 'INFO':
        this.#takeInfo(transaction);
        return;
      case 'PRACK':
        void this.#takePrack(transaction);
        return;
      case 'REFER':
        this.#referrals.takeRefer(transaction);
        return;
      case 'NOTIFY':
        this.#referrals.takeNotify(transaction);
        return;
      case 'OPTIONS':
        this.#respond(transaction, 200, {
          headers: [
            { name: 'Allow', value: ALLOW },
            { name: 'Accept', value: 'application/sdp' },
          ],
        });
        return;
      default:
        this.#respond(transaction, 405, { headers: [{ name: 'Allow', value: ALLOW }] });
    }
  }

  /** The far side's description that is in force, so that a refresh is seen to change nothing. */
  set remoteSdp(sdp: string | null) {
    this.#remoteSdp = sdp;
  }

  receiveAck(ack: SipRequest): void {
    this.#repeater?.receiveAck(ack);
  }

  /** Sends an offer (RFC 3261 §14.1). */
  async reinvite(sdp: string): Promise<ReinviteResult> {
    const result = await this.#reinvites.send(sdp);
    this.#remoteSdp = result.sdp ?? this.#remoteSdp;
    return result;
  }

  /** Sends UPDATE, with an offer or to refresh (RFC 3311 §5.1). */
  async update(sdp: string | null): Promise<ReinviteResult> {
    const isEarlyOffer = sdp !== null && this.dialog.state === 'early';
    if (isEarlyOffer && !this.#user.mayOfferEarly()) {
      return { status: 491, reason: reasonPhrase(491), sdp: null };
    }
    return this.#reinvites.send(sdp, 'UPDATE');
  }

  /** Acknowledges a reliable provisional response to our INVITE (RFC 3262 §4). */
  prack(rack: string): void {
    void this.#send('PRACK', [{ name: 'RAck', value: rack }]);
  }

  /** Sends INFO (RFC 6086 §4). */
  async info(contentType: string, body: string): Promise<{ status: number }> {
    if (this.dialog.state !== 'confirmed') return { status: 481 };
    const response = await this.#send('INFO', bodyHeaders(contentType), body);
    // RFC 3261 §12.2.1.2: 481 and 408 end the dialog.
    if (response.status === 408 || response.status === 481) {
      this.#end({ by: 'timeout', reasonHeader: null }, 'gone', response.status === 408);
    }
    return { status: response.status };
  }

  /** Sends BYE (RFC 3261 §15.1.1); the dialog is over at once. Resolves when it is answered. */
  async bye(reasonHeader?: string): Promise<{ status: number }> {
    this.dialog.apply('bye-sent');
    this.#abandonOffers();
    return this.#sendBye(reasonHeader);
  }

  /** Stops what is repeated or awaited. Idempotent. */
  close(): void {
    this.#repeater?.close();
    this.#reinvites.close();
    this.refresher.close();
  }

  #takeBye(transaction: ServerTransaction): void {
    this.#respond(transaction, 200);
    this.#end({ by: 'remote', reasonHeader: reasonOf(transaction.request) }, 'bye-received', false);
  }

  #takeReinvite(transaction: ServerTransaction): void {
    if (this.#refusesOffer(transaction)) return;
    this.#incoming = transaction;
    // RFC 3261 §17.2.1: the decision may take longer than 200 ms.
    this.#respond(transaction, 100);
    void this.#answerReinvite(transaction);
  }

  async #answerReinvite(transaction: ServerTransaction): Promise<void> {
    const { request } = transaction;
    const decision = await this.#decide(sdpOf(request));
    if (this.#incoming === transaction) this.#incoming = undefined;
    if (!transaction.isOpen) return;
    if (decision.accept) {
      this.dialog.refreshTarget(request);
      this.refresher.localSdp = decision.sdp;
      this.#remoteSdp = sdpOf(request) ?? this.#remoteSdp;
      this.#repeatAnswer(transaction, decision.sdp);
    } else {
      this.#respond(transaction, decision.status, { reason: decision.reason });
      this.#reinvites.wake();
    }
  }

  #repeatAnswer(transaction: ServerTransaction, sdp: string): void {
    const response = this.#response(transaction.request, 200, {
      headers: [
        { name: 'Contact', value: this.dialog.contact },
        { name: 'Allow', value: ALLOW },
        ...this.refresher.accept(transaction.request),
        ...bodyHeaders('application/sdp'),
      ],
      body: sdp,
    });
    this.#repeater?.close();
    this.#answerAwaited = sdpOf(transaction.request) === null;
    const isDelayed = this.#answerAwaited;
    const context = this.#context.transactions.context;
    this.#repeater = new AnswerRepeater(context, transaction, response, {
      onAck: (ack) => {
        this.#answerAwaited = false;
        const answer = isDelayed ? sdpOf(ack) : null;
        if (answer !== null) this.#user.onRenegotiated(answer);
        this.#reinvites.wake();
      },
      // RFC 3261 §14.2: no ACK to the 2xx of a re-INVITE ends the dialog.
      onTimeout: () => this.#end({ by: 'timeout', reasonHeader: null }, 'gone', true),
    });
  }

  #takeUpdate(transaction: ServerTransaction): void {
    const { request } = transaction;
    const offer = sdpOf(request);
    if (offer === null && request.body === '') {
      if (this.#refusesInterval(transaction)) return;
      // RFC 3311 §5.2: an UPDATE without an offer refreshes target and session only.
      this.dialog.refreshTarget(request);
      this.#respond(transaction, 200, { headers: this.#updatedHeaders(request) });
      return;
    }
    if (this.#refusesOffer(transaction)) return;
    this.#incoming = transaction;
    void this.#answerUpdate(transaction, offer);
  }

  async #answerUpdate(transaction: ServerTransaction, offer: string | null): Promise<void> {
    const decision = await this.#decide(offer);
    if (this.#incoming === transaction) this.#incoming = undefined;
    if (!transaction.isOpen) return;
    if (decision.accept) {
      this.dialog.refreshTarget(transaction.request);
      this.refresher.localSdp = decision.sdp;
      this.#remoteSdp = offer;
      const fields = this.#updatedHeaders(transaction.request);
      const headers = [...fields, ...bodyHeaders('application/sdp')];
      this.#respond(transaction, 200, { headers, body: decision.sdp });
    } else this.#respond(transaction, decision.status, { reason: decision.reason });
    this.#reinvites.wake();
  }

  #updatedHeaders(request: SipRequest): SipHeader[] {
    return [
      { name: 'Contact', value: this.dialog.contact },
      { name: 'Allow', value: ALLOW },
      // RFC 4028 §1: the session begins with the 2xx to the INVITE; before it nothing is refreshed.
      ...(this.dialog.state === 'confirmed' ? this.refresher.accept(request) : []),
    ];
  }

  /** RFC 3262 §3, §5: acknowledges a response of ours; may hold a new offer. */
  async #takePrack(transaction: ServerTransaction): Promise<void> {
    const { request } = transaction;
    if (!this.#user.onPrack(request)) {
      this.#respond(transaction, 481);
      return;
    }
    const offer = sdpOf(request);
    if (offer === null || this.#refusesOffer(transaction)) {
      if (transaction.isOpen) this.#respond(transaction, 200);
      return;
    }
    this.#incoming = transaction;
    await this.#answerUpdate(transaction, offer);
  }

  /** A refresh of ours; what it changes on the far side is told. */
  async #sendRefresh(sdp: string | null, method: 'INVITE' | 'UPDATE'): Promise<ReinviteResult> {
    const result = await this.#reinvites.send(sdp, method);
    if (result.sdp !== null && result.sdp !== this.#remoteSdp) {
      this.#remoteSdp = result.sdp;
      this.#user.onRenegotiated(result.sdp);
    }
    return result;
  }

  /** RFC 4028 §9: answers an interval that is too short; true if it did. */
  #refusesInterval(transaction: ServerTransaction): boolean {
    const minS = this.refresher.refusal(transaction.request);
    if (minS === null) return false;
    this.#respond(transaction, 422, { headers: [{ name: 'Min-SE', value: String(minS) }] });
    return true;
  }

  #takeInfo(transaction: ServerTransaction): void {
    this.#respond(transaction, 200);
    const { request } = transaction;
    const contentType = getHeader(request, 'Content-Type') ?? '';
    if (request.body !== '') this.#user.onInfo({ contentType, body: request.body });
  }

  /** Answers an offer that comes at the wrong time, or in the wrong language; true if it did. */
  #refusesOffer(transaction: ServerTransaction): boolean {
    const { request } = transaction;
    const initial = this.#firstOffer(request);
    if (request.body !== '' && !isSdp(request)) {
      this.#respond(transaction, 415, { headers: [{ name: 'Accept', value: 'application/sdp' }] });
      return true;
    }
    if (this.#refusesInterval(transaction)) return true;
    // RFC 3261 §14.2, RFC 3311 §5.2: our own offer is out.
    if (this.#reinvites.isPending || this.#answerAwaited || initial === 'ours') {
      this.#respond(transaction, 491);
      return true;
    }
    // RFC 3261 §14.2, RFC 3311 §5.2: their offer before this one has no answer yet.
    if (this.#incoming?.isOpen || initial === 'theirs') {
      const seconds = Math.floor(Math.random() * (MAX_OVERLAP_RETRY_AFTER_S + 1));
      const headers = [{ name: 'Retry-After', value: String(seconds) }];
      this.#respond(transaction, 500, { headers });
      return true;
    }
    return false;
  }

  /** RFC 3261 §14.2: a re-INVITE also waits for the final response, whatever offer is answered. */
  #firstOffer(request: SipRequest): 'none' | 'ours' | 'theirs' {
    const isTooEarly = request.method === 'INVITE' && this.dialog.state === 'early';
    if (!isTooEarly) return this.#user.initialOffer();
    return this.#isCaller ? 'ours' : 'theirs';
  }

  async #decide(offer: string | null): Promise<OfferAnswer> {
    try {
      return await this.#user.onOffer(offer);
    } catch (error) {
      this.#context.logger.error({ err: error }, 'an offer could not be decided');
      return { accept: false, status: 500, reason: 'Server Internal Error' };
    }
  }

  #end(end: LegEnd, input: 'bye-received' | 'gone', sendsBye: boolean): void {
    if (this.dialog.state === 'terminated') return;
    this.dialog.apply(input);
    this.#abandonOffers();
    if (sendsBye) void this.#sendBye(end.reasonHeader ?? undefined);
    this.#user.onEnd(end);
  }

  #abandonOffers(): void {
    this.close();
    this.#referrals.close();
    this.#answerAwaited = false;
    const incoming = this.#incoming;
    this.#incoming = undefined;
    // RFC 3261 §15.1.2: what is pending when the BYE comes is answered 487.
    if (incoming?.isOpen) this.#respond(incoming, 487);
  }

  #sendBye(reasonHeader?: string): Promise<{ status: number }> {
    const headers = reasonHeader === undefined ? [] : [{ name: 'Reason', value: reasonHeader }];
    return this.#send('BYE', headers);
  }

  #send(method: string, headers: readonly SipHeader[], body = ''): Promise<SipResponse> {
    return sendRequest(this.#context.transactions, {
      build: () =>
        this.dialog.request(method, {
          headers: [...headers, { name: 'User-Agent', value: this.#context.userAgent }],
          body,
        }),
      to: () => this.dialog.nextHop,
      digest: this.#digest,
    });
  }

  #response(request: SipRequest, status: number, fields: ResponseFields = {}): SipResponse {
    const server = { name: 'Server', value: this.#context.userAgent };
    return makeResponse(request, status, {
      toTag: this.dialog.localTag,
      ...fields,
      headers: [...(fields.headers ?? []), server],
    });
  }

  #respond(transaction: ServerTransaction, status: number, fields: ResponseFields = {}): void {
    transaction.respond(this.#response(transaction.request, status, fields));
  }
}
