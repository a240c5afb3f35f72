import type { SipAddress, SipHeader } from '../sip/message.ts';
import type { Hangup } from './hangup-codes.ts';

/** A trunk that the caller may be speaking for, and what proves it. */
export interface SignInTrunk {
  trunkId: string;
  workspaceId: string;
  direction: 'outbound' | 'inbound';
  enabled: boolean;
  /** TLS and SRTP, or nothing. */
  secure: boolean;
  /** Null: none is asked for. An outbound trunk whose credential was deleted has `broken`. */
  credential: { username: string; password: string } | null;
  /** Whether the address that the call came from is on the trunk's list; null: it has no list. */
  addressAllowed: boolean | null;
  /** A credential or list is named that is not there any more: nobody can sign in. */
  broken: boolean;
}

export interface SignInQuestion {
  /** Trunk ids that the INVITE's hosts name. */
  trunkIds: string[];
  /** As claimed in the digest. */
  username: string | null;
  address: string;
}

export interface SignInAnswer {
  /** Too many wrong passwords came from there. */
  locked: boolean;
  /** Whether the INVITE named a trunk by its domain. */
  named: boolean;
  trunks: SignInTrunk[];
}

/** Somewhere a call can be sent to. */
export interface TrunkTarget {
  /** `phone`: the sandbox's own telephones; the rest is filled in by the carrier. */
  kind: 'phone' | 'remote';
  /** Call-ID of the INVITE. Default: a new one. */
  sipCallId?: string;
  requestUri: string;
  nextHop: SipAddress;
  from: string;
  to: string;
  headers: SipHeader[];
  credentials: { username: string; password: string } | null;
}

/** One record is written for each side that a trunk had in a call. */
export interface TrunkSide {
  trunkId: string;
  workspaceId: string;
  direction: 'outbound' | 'inbound';
  secure: boolean;
}

export type RouteAnswer =
  | {
      ok: true;
      /** Tried in this order. */
      targets: TrunkTarget[];
      /** The inbound trunk that the called number belongs to, where there is one. */
      inbound: TrunkSide | null;
      /** Whether the called side is offered encrypted audio. */
      encryption: 'none' | 'optional' | 'required';
      /** It counts as a call of the account from now on; the record, or `abandon`, ends it. */
      attemptId?: string;
    }
  | {
      ok: false;
      hangup: Hangup;
      status: number;
      inbound: TrunkSide | null;
      /** The rule that refused it, such as `G20`. */
      guardrail?: string;
      /** The same call may be made after so many seconds. */
      retryAfterS?: number;
    };

/** What is kept of a call; times in milliseconds since 1970. */
export interface TrunkCallRecord {
  id: string;
  side: TrunkSide;
  sipCallId: string;
  from: string;
  to: string;
  initiatedMs: number;
  answeredMs: number | null;
  endedMs: number;
  hangup: Hangup;
  transport: SipAddress['transport'];
  srtp: boolean;
  postDialDelayMs: number | null;
  media: { from: RelaySideStats | null; to: RelaySideStats | null } | null;
  /** As the route said. */
  attemptId?: string;
  guardrail?: string;
}

/** What came from one side of a relay. */
export interface RelaySideStats {
  packets: number;
  lost: number;
  jitterMs: number;
  rttMs: number | null;
}

/** What the carrier asks of whoever knows trunks and numbers. */
export type TrunkServiceProcedures = {
  signIn: (question: SignInQuestion) => Promise<SignInAnswer>;
  /** A sign-in went wrong (or right, which forgets what was before). */
  signedIn: (result: { address: string; ok: boolean }) => void;
  /** Where a call of an outbound trunk goes. */
  routeOutbound: (call: { trunk: TrunkSide; from: string; to: string }) => Promise<RouteAnswer>;
  /** Where a call to a number goes that somebody on the telephone network makes; null: no inbound trunk has it. */
  routeInbound: (call: { from: string; to: string }) => Promise<RouteAnswer | null>;
  /** Whether calls to this number may come from this address: one of the number's own carrier. */
  isUpstream: (call: { to: string; address: string }) => Promise<boolean>;
  record: (record: TrunkCallRecord) => Promise<void>;
  /** A call that was routed was never made, and leaves no record. */
  abandon: (attempt: { attemptId: string }) => Promise<void>;
};
