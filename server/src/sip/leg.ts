import type { TypedEvents } from '../shared/events.ts';
import type { SipAddress, SipHeader, SipRequest } from './message.ts';
import type { ReferDecision, ReferOptions, ReferOutcome, ReferRequest } from './refer.ts';
import type { RedirectContact } from './redirect-contacts.ts';

/** `calling`: nothing heard yet; `proceeding`: 1xx; `confirmed`: 2xx; `ended`: over. */
export type LegState = 'calling' | 'proceeding' | 'confirmed' | 'ended';

/** All that another process needs to release the far end; JSON. */
export interface DialogSnapshot {
  state: 'calling' | 'proceeding' | 'confirmed';
  direction: 'inbound' | 'outbound';
  sipCallId: string;
  localTag: string;
  remoteTag: string | null;
  localUri: string;
  remoteUri: string;
  /** Request-URI of the INVITE, needed for CANCEL. */
  requestUri: string;
  /** Contact of the far end, once known. */
  remoteTarget: string | null;
  routeSet: string[];
  localCseq: number;
  inviteCseq: number;
  inviteBranch: string;
  nextHop: SipAddress;
}

export interface ProvisionalResponse {
  status: number;
  reason: string;
  /** Early media, where the response carries SDP. */
  sdp: string | null;
}

/** Why an INVITE came to nothing. */
export interface LegFailure {
  /**
   * `response`: the far end refused; `timeout`: nothing was heard for
   * `InviteOptions.noResponseTimeoutMs` or until Timer B;
   * `transport`: nothing could be sent; `cancelled`: by us (487 or no answer to our CANCEL),
   * or by the caller of an inbound leg.
   */
  cause: 'response' | 'timeout' | 'transport' | 'cancelled';
  /** SIP status code, made here (408, 503) for timeout and transport. */
  status: number;
  reason: string;
  /**
   * Whether `status` was made here and never crossed the wire: a timeout, a transport error, or a
   * cancelled INVITE that no final response refused. Always false on an inbound leg, where our
   * final response is what the caller got.
   */
  local: boolean;
  /** Whether any 1xx above 100 or a To tag was seen. */
  provisionalSeen: boolean;
  /** Value of the Reason header (RFC 3326), where there is one. */
  reasonHeader: string | null;
  /** Seconds of Retry-After, where there is one. */
  retryAfterS: number | null;
  /** Where a 3xx points, best first; missing or empty: nowhere. */
  contacts?: readonly RedirectContact[];
}

/** Why a confirmed dialog is over. */
export interface LegEnd {
  /** `remote`: BYE from the far end; `local`: our BYE; `timeout`: no ACK, an in-dialog request answered 408 or 481, or a session that was not refreshed. */
  by: 'remote' | 'local' | 'timeout';
  reasonHeader: string | null;
}

export type OfferAnswer =
  { accept: true; sdp: string } | { accept: false; status: number; reason: string };

export interface LegEvents {
  provisional: [ProvisionalResponse];
  /**
   * Outbound: 2xx, ACK is sent; `sdp` is the offer of an UPDATE where one was accepted before the 2xx,
   * since that is newer. Inbound: our 2xx was acknowledged; `sdp` is the ACK's, if any. */
  answered: [{ sdp: string | null }];
  /** Outbound: the headers of the 2xx, ahead of `answered`. */
  'answer-headers': [readonly SipHeader[]];
  /** The ACK's answer to the offer in our 200, after a re-INVITE that had none (RFC 3261 §14.2). */
  renegotiated: [{ sdp: string }];
  failed: [LegFailure];
  ended: [LegEnd];
  /** SIP INFO inside the dialog (answered 200 here), such as `application/dtmf-relay`. */
  info: [{ contentType: string; body: string }];
}

/** One SIP dialog of a call, made by INVITE. Exactly one of `failed` and `ended` is emitted, once. */
export interface Leg {
  readonly direction: 'inbound' | 'outbound';
  readonly sipCallId: string;
  readonly state: LegState;
  readonly events: TypedEvents<LegEvents>;
  /** Answers a re-INVITE or UPDATE with an offer; null asks for our offer. Default: 488. */
  onOffer: (sdp: string | null) => OfferAnswer | Promise<OfferAnswer>;
  snapshot(): DialogSnapshot;
  /** Sends a new offer inside the confirmed dialog. Resolves with the final answer, after 491 handling. */
  reinvite(sdp: string): Promise<{ status: number; reason: string; sdp: string | null }>;
  /**
   * Sends UPDATE (RFC 3311), also before the answer where that is allowed, else 491; null: no offer,
   * which only refreshes. Resolves as `reinvite` does.
   */
  update(sdp: string | null): Promise<{ status: number; reason: string; sdp: string | null }>;
  /** Says what becomes of a REFER of the far side. Default: 603. */
  onRefer: (request: ReferRequest) => ReferDecision;
  /** Asks the far side to call somebody else (RFC 3515); the leg goes on. Always resolves. */
  refer(options: ReferOptions): Promise<ReferOutcome>;
  /** Sends INFO inside the confirmed dialog. */
  info(contentType: string, body: string): Promise<{ status: number }>;
  /**
   * Ends the leg from any state: CANCEL before the answer (also when no 1xx came yet: it is sent
   * after the first one, RFC 3261 §9.1), BYE after it, an error response on an inbound leg not
   * answered. Idempotent; resolves when the far end has answered or timed out.
   */
  hangup(options?: { reasonHeader?: string; status?: number; reason?: string }): Promise<void>;
}

export interface InboundLeg extends Leg {
  readonly direction: 'inbound';
  readonly request: SipRequest;
  readonly source: SipAddress;
  /** The offer; null where the INVITE has none (the offer is then ours, the answer comes in ACK). */
  readonly sdp: string | null;
  /** 180, 181, 182 or 183. */
  ring(status?: number, sdp?: string): void;
  /** 200 with SDP; repeated until the ACK comes (RFC 3261 §13.3.1.4). */
  answer(sdp: string): void;
  /** A final 3xx to 6xx, such as 407 with a challenge in `headers`. */
  reject(status: number, reason?: string, headers?: readonly SipHeader[]): void;
}
