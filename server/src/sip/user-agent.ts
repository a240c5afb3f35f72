import type { Clock } from '../shared/clock.ts';
import type { TypedEvents } from '../shared/events.ts';
import type { Logger } from '../shared/logger.ts';
import type { Greylist } from './greylist.ts';
import type { DialogSnapshot, InboundLeg, Leg } from './leg.ts';
import type { SipAddress, SipHeader, SipMessage, SipRequest, SipResponse } from './message.ts';
import type { SessionTimerPolicy } from './session-timer-fsm.ts';
import type { SipServerName } from './sip-locator.ts';
import type { SipResolver } from './sip-resolver.ts';
import { TransportLayer } from './transport-layer.ts';
import type { SipTlsOptions } from './transport-stream.ts';
import { TransportWire } from './transport-wire.ts';
import { UserAgentCore } from './user-agent-core.ts';

export interface UserAgentOptions {
  /** Address to bind. */
  host: string;
  /** Port for UDP and TCP alike; 0 takes a free one. */
  port: number;
  /** Address that is put into Via, Contact and SDP. Default: `host`. */
  advertisedHost?: string;
  /** Default: both. */
  transports?: readonly ('udp' | 'tcp')[];
  /** TLS besides, on a port of its own. */
  tls?: (SipTlsOptions & { port: number }) | undefined;
  /** Value of User-Agent and Server. */
  userAgent: string;
  clock: Clock;
  logger: Logger;
  /** T1 of RFC 3261 §17.1.1.1. Default 500. */
  t1Ms?: number;
  /** Session timers of calls that say nothing else. Default: 1800 s, 90 s at least. */
  sessionTimer?: SessionTimerPolicy | null;
  /** Finds servers by their names (RFC 3263). Default: the name servers of the machine. */
  resolver?: SipResolver;
}

/** What goes out in an INVITE. */
export interface InviteOptions {
  /** Request-URI, such as `sip:+15005550101@carrier.example:5060`. */
  requestUri: string;
  /** Where the request is sent. */
  nextHop: SipAddress;
  /** Fixed by the caller, so that it can be stored before anything leaves. */
  sipCallId: string;
  localTag: string;
  /** Via branch of the first INVITE (with magic cookie), stored for the same reason. */
  branch: string;
  /** From URI without tag; display name optional. */
  from: { uri: string; displayName?: string };
  to: { uri: string };
  headers?: readonly SipHeader[];
  /** SDP offer. */
  sdp: string;
  /**
   * An INVITE to which nothing at all comes for this long, not even 100, fails by `timeout`, so that
   * another gateway can be tried; an answer after that is released. Default 5000.
   */
  noResponseTimeoutMs?: number;
  /** Answers a 401 or 407 (RFC 3261 §22). */
  credentials?: { username: string; password: string };
  /** RFC 4028; null: not spoken of. Default: that of the user agent. */
  sessionTimer?: SessionTimerPolicy | null;
  /** Whether 100rel is offered (RFC 3262). Default true. */
  reliableProvisionals?: boolean;
}

export interface UserAgentEvents {
  /** A new INVITE outside any dialog; 100 has been sent. Answer, ring or reject it. */
  invite: [InboundLeg];
}

/** What came in that could not be used, and how much of everything. */
export interface UserAgentCounters {
  requestsReceived: number;
  responsesReceived: number;
  /** Datagrams or stream bytes that were no SIP message. */
  garbageReceived: number;
  /** Messages that were SIP but broken in a way that RFC 3261 answers with 400 or drops. */
  malformedReceived: number;
  retransmissionsSent: number;
  /** Responses and ACKs that belong to nothing. */
  strayReceived: number;
}

/** A message that crossed the wire, retransmissions too. */
export interface SipTraffic {
  direction: 'sent' | 'received';
  message: SipMessage;
  /** The far end of the wire. */
  peer: SipAddress;
  /** Ours, as it is told to others. */
  local: SipAddress;
}

/** A SIP user agent, client and server (RFC 3261 §8), over UDP and TCP. */
export interface UserAgent {
  /** The port that is bound. */
  readonly port: number;
  /** The port that is bound for TLS; null: none. */
  readonly tlsPort: number | null;
  readonly events: TypedEvents<UserAgentEvents>;
  readonly counters: Readonly<UserAgentCounters>;
  /** Legs that have not ended. */
  readonly legs: ReadonlySet<Leg>;
  /** Sends an INVITE at once. The leg's events tell the rest. */
  invite(options: InviteOptions): Leg;
  /**
   * Where a server's requests are sent, in the order in which it is tried (RFC 3263 §4); those that
   * were noted as away come last. Never empty, never rejects.
   */
  locate(server: SipServerName): Promise<SipAddress[]>;
  /** Servers that are better not asked now; told of what became of INVITEs. */
  readonly greylist: Greylist;
  /** A request outside any dialog, such as OPTIONS. Resolves with the final response; a timeout is a 408 made here, a transport error a 503 made here (RFC 3261 §8.1.3.1). */
  request(options: {
    method: string;
    requestUri: string;
    /** A name is looked up, by its addresses where it says nothing else. */
    nextHop: SipAddress & Partial<Pick<SipServerName, 'lookup'>>;
    from: string;
    to: string;
    headers?: readonly SipHeader[];
    body?: { contentType: string; content: string };
    /** Answers a 401 or 407 (RFC 3261 §22). */
    credentials?: { username: string; password: string };
    /** Default: a new Call-ID; RFC 3261 §10.2 wants the same for all REGISTERs. */
    callId?: string;
    /** CSeq of each try. Default: 1, 2, ... */
    nextCseq?: () => number;
  }): Promise<SipResponse>;
  /** Decides about requests from outside dialogs; `drop` answers nothing. Default: accept. */
  screen: (request: SipRequest, source: SipAddress) => 'accept' | 'drop';
  /** Whether replies to a request over UDP go to the port that it came from, unasked (RFC 3581). Default: no. */
  forcesRport: (request: SipRequest, source: SipAddress) => boolean;
  /** Told of every message in the tick in which it crosses the wire. Must not throw or wait. */
  onTraffic: (traffic: SipTraffic) => void;
  /** When set, OPTIONS outside dialogs and new INVITEs are answered 503 (draining). Default false. */
  draining: boolean;
  /**
   * Releases the far end of a leg whose process died: BYE for a confirmed dialog, CANCEL for an
   * INVITE that has no final response. Resolves when answered or timed out.
   */
  release(snapshot: DialogSnapshot): Promise<{ status: number }>;
  /** Ends without waiting: legs that live are released with CANCEL or BYE, sockets closed. Idempotent. */
  close(): Promise<void>;
}

/** Binds the sockets. Throws an Error with `code: 'EADDRINUSE'` and the port in its message. */
export async function startUserAgent(options: UserAgentOptions): Promise<UserAgent> {
  const { host, port, transports, clock, logger, userAgent, t1Ms } = options;
  const layer = await TransportLayer.bind({
    host,
    port,
    clock,
    logger,
    ...(transports === undefined ? {} : { transports }),
    tls: options.tls,
  });
  const wire = new TransportWire(layer, options.advertisedHost ?? host);
  const core = new UserAgentCore({
    wire,
    clock,
    logger,
    userAgent,
    ...(t1Ms === undefined ? {} : { t1Ms }),
    ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
    // A socket of IPv4 reaches nothing else.
    reachesIpv6: host.includes(':'),
    ...(options.sessionTimer === undefined ? {} : { sessionTimer: options.sessionTimer }),
  });
  const localOf = ({ transport }: SipAddress): SipAddress => {
    return { host: wire.advertisedHost, port: layer.portOf(transport), transport };
  };
  wire.onSend = (message, peer) =>
    core.onTraffic({ direction: 'sent', message, peer, local: localOf(peer) });
  layer.onMessage = (message, source) => {
    const { host, port, transport } = source;
    const peer = { host, port, transport };
    core.onTraffic({ direction: 'received', message, peer, local: localOf(peer) });
    core.receive(message, source);
  };
  layer.forcesRport = (request, source) => core.forcesRport(request, source);
  layer.onMalformed = (error, source) => core.receiveMalformed(error, source);
  return core;
}
