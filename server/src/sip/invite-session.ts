import { AnswerRepeater } from './answer-repeater.ts';
import type { Dialog } from './dialog.ts';
import type { DigestSession } from './digest-session.ts';
import { ALLOW, type LegContext } from './leg-context.ts';
import type { LegEnd, OfferAnswer } from './leg.ts';
import { makeResponse, type ResponseFields } from './make-response.ts';
import { getHeader } from './message.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { bodyHeaders, fieldValues, isSdp, reasonOf, sdpOf } from './message-fields.ts';
import { OutgoingReinvites, type ReinviteResult } from './outgoing-reinvites.ts';
import { sendRequest } from './send-request.ts';
import type { ServerTransaction } from './server-transaction.ts';

/** RFC 3261 §14.2: seconds to wait at most, chosen at random, after a 500 to an overlapping offer. */
const MAX_OVERLAP_RETRY_AFTER_S = 10;

/** The leg that a session belongs to. */
export interface InviteSessionUser {
  /** Whether the first INVITE's offer still awaits its answer, and whose offer it is. */
  initialOffer(): 'none' | 'ours' | 'theirs';
  onOffer(sdp: string | null): OfferAnswer | Promise<OfferAnswer>;
  onInfo(info: { contentType: string; body: string }): void;
  onRenegotiated(sdp: string): void;
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
  #incoming: ServerTransaction | undefined;
  #repeater: AnswerRepeater | undefined;
  /** Whether the 2xx that is repeated holds our offer, whose answer is still to come. */
  #answerAwaited = false;

  /** @param isCaller whether our side sent the first INVITE and made the Call-ID. */
  constructor(
    context: LegContext,
    dialog: Dialog,
    digest: DigestSession | null,
    isCaller: boolean,
    user: InviteSessionUser,
  ) {
    this.#context = context;
    this.dialog = dialog;
    this.#digest = digest;
    this.#isCaller = isCaller;
    this.#user = user;
    this.#reinvites = new OutgoingReinvites(context, dialog, digest, isCaller, {
      isOfferIncoming: () => this.#incoming !== undefined || this.#answerAwaited,
      onGone: () => this.#end({ by: 'timeout', reasonHeader: null }, 'gone', true),
    });
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
    const required = fieldValues(request, 'Require');
    if (required.length > 0) {
      const headers = [{ name: 'Unsupported', value: required.join(', ') }];
      this.#respond(transaction, 420, { headers });
      return;
    }
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

  receiveAck(ack: SipRequest): void {
    this.#repeater?.receiveAck(ack);
  }

  /** Sends an offer (RFC 3261 §14.1). */
  reinvite(sdp: string): Promise<ReinviteResult> {
    return this.#reinvites.send(sdp);
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
    const contact = [{ name: 'Contact', value: this.dialog.contact }];
    const offer = sdpOf(request);
    if (offer === null && request.body === '') {
      // RFC 3311 §5.2: an UPDATE without an offer refreshes target and session only.
      this.dialog.refreshTarget(request);
      this.#respond(transaction, 200, { headers: contact });
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
      const contact = { name: 'Contact', value: this.dialog.contact };
      const headers = [contact, ...bodyHeaders('application/sdp')];
      this.#respond(transaction, 200, { headers, body: decision.sdp });
    } else this.#respond(transaction, decision.status, { reason: decision.reason });
    this.#reinvites.wake();
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
    if (sendsBye) void this.#sendBye();
    this.#user.onEnd(end);
  }

  #abandonOffers(): void {
    this.close();
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
