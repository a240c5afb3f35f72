import type { TrunkWithGateways } from '../../db/queries/trunks.ts';
import type { SipMessage } from '../../sip/message.ts';

/** A SIP message of the call under examination. */
export interface SeenMessage {
  direction: 'sent' | 'received';
  peer: string;
  message: SipMessage;
}

/** What a gateway said to OPTIONS. */
export interface GatewayProbe {
  /** `host:port;transport`. */
  gateway: string;
  host: string;
  /** Null: nothing came back. */
  status: number | null;
  reason: string | null;
  /** Null where nothing came back. */
  roundTripMs: number | null;
  /** Why nothing could be sent. */
  error: string | null;
}

/** Counters of a call's RTP. */
export interface MediaCounts {
  packetsSent: number;
  packetsReceived: number;
  packetsInvalid: number;
  packetsFromStrangers: number;
}

/** A call as the doctor looks at it. */
export interface ExaminedCall {
  id: string;
  direction: 'inbound' | 'outbound';
  status: string;
  endReason: string | null;
  sipCode: number | null;
  sipReason: string | null;
  from: string;
  to: string;
  answered: boolean;
  durationMs: number | null;
  media: MediaCounts | null;
  messages: readonly SeenMessage[];
}

/** All that a diagnosis rests on. */
export interface TrunkEvidence {
  trunk: Omit<TrunkWithGateways, 'authPasswordSealed' | 'inboundAuthPasswordSealed'> & {
    hasPassword: boolean;
  };
  /** Null: no call is looked at. */
  call: ExaminedCall | null;
  /** Whether the from-number in question is one of the trunk's; null: none is in question. */
  fromIsOnTrunk: boolean | null;
  /** The number in question; null: none. */
  from: string | null;
  probes: readonly GatewayProbe[];
  /** Host names of gateways that have no address, and what the resolver said. */
  unresolved: ReadonlyMap<string, string>;
  /** What we put into SDP and Contact. */
  advertisedHost: string;
}

/** `certain`: the evidence allows nothing else; `likely`; `possible`: worth a look. */
export type Confidence = 'certain' | 'likely' | 'possible';

export interface Finding {
  /** Stable slug. */
  code: string;
  confidence: Confidence;
  title: string;
  /** What was seen, one sentence each. */
  evidence: string[];
  /** What to do. */
  fix: string;
}
