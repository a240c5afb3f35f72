import { Dialog } from './dialog.ts';
import { InviteSession } from './invite-session.ts';
import type { DialogOwner, LegContext } from './leg-context.ts';
import type { DialogSnapshot } from './leg.ts';
import { makeCancel, makeRequest } from './make-request.ts';
import { makeResponse } from './make-response.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { cseqOf, tagOf } from './message-fields.ts';
import { parseUri } from './parse-uri.ts';
import { declineRefer } from './refer.ts';
import type { ServerTransaction } from './server-transaction.ts';

/** How far our CSeq jumps when the far end knows a higher one than the snapshot. */
const CSEQ_JUMP = 1000;

/** The far end of a leg whose process died, until it is released. */
export class ReleasedDialog implements DialogOwner {
  readonly sipCallId: string;
  readonly localTag: string;
  readonly #context: LegContext;
  readonly #snapshot: DialogSnapshot;
  readonly #sessions = new Map<string, InviteSession>();
  readonly #acks = new Map<string, SipRequest>();
  readonly #contact: string;
  #settle: (status: number) => void = () => undefined;

  constructor(context: LegContext, snapshot: DialogSnapshot) {
    this.#context = context;
    this.#snapshot = snapshot;
    this.sipCallId = snapshot.sipCallId;
    this.localTag = snapshot.localTag;
    const user = parseUri(snapshot.localUri)?.user ?? '';
    this.#contact = context.contact(user, snapshot.nextHop.transport);
  }

  /** BYE for a confirmed dialog, CANCEL for an INVITE of ours without a final response. */
  async release(): Promise<{ status: number }> {
    this.#context.adopt(this);
    try {
      if (this.#snapshot.state === 'confirmed') return await this.#releaseConfirmed();
      // The server transaction of an inbound INVITE died with its process: nothing can be answered.
      if (this.#snapshot.direction === 'inbound') return { status: 481 };
      return { status: await this.#cancel() };
    } finally {
      this.#context.leave(this, this.#context.timers.lateAnswerMs);
    }
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const session = this.#sessions.get(tagOf(request, 'From') ?? '');
    if (session) session.receive(transaction);
    else transaction.respond(makeResponse(request, 481));
  }

  receiveAck(): void {
    // Nothing was answered here.
  }

  receiveStray(response: SipResponse): void {
    if (response.status >= 200 && response.status < 300) this.#take2xx(response);
  }

  async #releaseConfirmed(): Promise<{ status: number }> {
    const session = this.#session(this.#snapshot.remoteTag ?? '', 'confirmed');
    const first = await session.bye();
    // RFC 3261 §12.2.2: 500 may mean that requests left after the snapshot was written.
    if (first.status !== 500) return first;
    session.dialog.skipLocalCseq(session.dialog.localCseq + CSEQ_JUMP);
    return session.bye();
  }

  #cancel(): Promise<number> {
    const { requestUri, localUri, remoteUri, inviteCseq, inviteBranch, nextHop } = this.#snapshot;
    const invite = makeRequest({
      method: 'INVITE',
      uri: requestUri,
      from: `<${localUri}>;tag=${this.localTag}`,
      to: `<${remoteUri}>`,
      callId: this.sipCallId,
      cseq: inviteCseq,
    });
    const { transactions, clock, timers } = this.#context;
    return new Promise((resolve) => {
      // RFC 3261 §9.1: without a final response 64*T1 later the INVITE counts as cancelled.
      const giveUp = clock.setTimer(timers.timeoutMs, () => this.#settle(408));
      this.#settle = (status) => {
        giveUp.cancel();
        adopted.close();
        resolve(status);
      };
      const onInvite = (response: SipResponse): void => {
        if (response.status >= 300) this.#settle(response.status);
        else if (response.status >= 200) this.#take2xx(response);
      };
      const quiet = { onTimeout: () => undefined, onTransportError: () => this.#settle(503) };
      const adopted = transactions.adoptInvite(
        invite,
        nextHop,
        { ...quiet, onResponse: onInvite },
        inviteBranch,
      );
      const onCancel = (response: SipResponse): void => {
        // 481: the far end has no such INVITE any more, or has answered it.
        if (response.status >= 300) this.#settle(response.status);
      };
      transactions.sendAsIs(makeCancel(invite), nextHop, { ...quiet, onResponse: onCancel });
    });
  }

  /** RFC 3261 §13.2.2.4: an answer that nobody waits for is acknowledged and ended. */
  #take2xx(response: SipResponse): void {
    const tag = tagOf(response, 'To') ?? '';
    const session = this.#session(tag, 'none');
    const { dialog } = session;
    const known = this.#acks.get(tag);
    if (known) {
      this.#context.transactions.sendAck(known, dialog.nextHop);
      return;
    }
    dialog.apply('2xx', response);
    const ack = dialog.ack(cseqOf(response).sequence);
    this.#acks.set(tag, ack);
    this.#context.transactions.sendAck(ack, dialog.nextHop);
    void session.bye().then(({ status }) => this.#settle(status));
  }

  #session(tag: string, state: 'none' | 'confirmed'): InviteSession {
    const known = this.#sessions.get(tag);
    if (known) return known;
    const snapshot = this.#snapshot;
    const dialog = new Dialog(
      {
        callId: this.sipCallId,
        localTag: this.localTag,
        local: `<${snapshot.localUri}>`,
        remote: `<${snapshot.remoteUri}>`,
        remoteTag: state === 'confirmed' ? snapshot.remoteTag : null,
        contact: this.#contact,
        remoteTarget: snapshot.remoteTarget,
        routeSet: snapshot.routeSet,
        localCseq: snapshot.localCseq,
        remoteCseq: null,
        peer: snapshot.nextHop,
      },
      state,
    );
    const session = new InviteSession(
      this.#context,
      dialog,
      null,
      snapshot.direction === 'outbound',
      {
        initialOffer: () => 'none',
        mayOfferEarly: () => false,
        onPrack: () => false,
        onOffer: () => ({ accept: false, status: 488, reason: 'Not Acceptable Here' }),
        onInfo: () => undefined,
        onRefer: declineRefer,
        onRenegotiated: () => undefined,
        onEnd: () => undefined,
      },
      { timer: null, localSdp: null },
    );
    this.#sessions.set(tag, session);
    return session;
  }
}
