import type { SipAddress, SipMessage, SipResponse, SipTransportName } from './message.ts';
import type { SipSource } from './transport.ts';

/** What the transaction layer needs of the transport layer below it. */
export interface Wire {
  /** Address and port that go into Via and Contact. */
  readonly advertisedHost: string;
  readonly port: number;
  /** Port of a transport, where it has one of its own. */
  portOf(transport: SipTransportName): number;
  /** Datagrams or stream bytes so far that were no SIP message. */
  readonly garbageReceived: number;
  /** Whether messages can leave by this transport. */
  supports(transport: SipTransportName): boolean;
  /** Size on the wire (RFC 3261 §18.1.1). */
  sizeBytes(message: SipMessage): number;
  /** Resolves when handed to the network; rejects when it cannot be (RFC 3261 §18.4). */
  send(message: SipMessage, to: SipAddress): Promise<void>;
  /**
   * Whether the far host says that nothing listens there, which UDP does not tell by sending; false
   * where nothing is known. Never rejects.
   */
  isRefused(to: SipAddress): Promise<boolean>;
  /** Sends a response where RFC 3261 §18.2.2 and RFC 3581 §4 say, given where the request came from. */
  respond(response: SipResponse, source: SipSource): Promise<void>;
  /** Resolves when what was sent so far has left, or failed. */
  flush(): Promise<void>;
  /** Closes the sockets. Idempotent. */
  close(): Promise<void>;
}

/** Whether a transport retransmits by itself. */
export function isReliable(transport: SipTransportName): boolean {
  return transport !== 'udp';
}
