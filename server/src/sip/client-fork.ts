import type { InviteSession } from './invite-session.ts';
import type { SipAddress, SipRequest, SipResponse } from './message.ts';
import { sdpOf } from './message-fields.ts';
import { provisionalOrder } from './reliable-order.ts';

/** One fork of an INVITE of ours (RFC 3261 §13.2.2.4). */
export class ClientFork {
  readonly session: InviteSession;
  /** Whether a provisional response held the answer to the INVITE's offer (RFC 3261 §13.2.1). */
  hasEarlyAnswer = false;
  /** Whether that came reliably, so that an offer of ours may follow (RFC 3311 §5.1). */
  hasReliableAnswer = false;
  /** Their offer in an UPDATE that was accepted before the 2xx (RFC 3311 §5.2). */
  earlyUpdate: string | null = null;
  /** Sent again, as it is, for each 2xx. */
  ack: { request: SipRequest; to: SipAddress } | null = null;
  /** RSeq of the last provisional response that was acknowledged (RFC 3262 §4). */
  #rseq: number | null = null;

  constructor(session: InviteSession) {
    this.session = session;
  }

  /** A provisional response with its tag. False: it is as if it had not come (RFC 3262 §4). */
  takeProvisional(response: SipResponse): boolean {
    const order = provisionalOrder(this.#rseq, response);
    if (order.type === 'ignored') return false;
    const { session } = this;
    session.dialog.apply('provisional-with-tag', response);
    session.refresher.learn(response);
    if (order.type === 'next') {
      this.#rseq = order.rseq;
      session.prack(order.rack);
    }
    if (sdpOf(response) !== null) {
      this.hasEarlyAnswer = true;
      if (order.type === 'next') this.hasReliableAnswer = true;
      session.remoteSdp = sdpOf(response);
    }
    return true;
  }
}
