import type { TypedEvents } from '../shared/events.ts';
import type { SipAddress, SipMessage, SipTransportName } from './message.ts';
import type { SipParseError } from './parse-message.ts';

/** A stream connection that a message came in on. */
export interface SipConnection {
  /** False once it is closed or closing. */
  readonly open: boolean;
  /** Whether the far end opened it. */
  readonly isAccepted: boolean;
  /** Resolves when the bytes are with the operating system; rejects when the connection is gone. */
  send(bytes: Uint8Array): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** Where a message came from; responses to it go back by `connection` where there is one. */
export interface SipSource extends SipAddress {
  connection?: SipConnection;
}

export interface SipTransportEvents {
  message: [message: SipMessage, source: SipSource, transport: SipTransport];
  /** SIP, but broken; `error.request` can be answered where it is set. */
  malformed: [error: SipParseError, source: SipSource];
  /** Bytes that are no SIP. */
  garbage: [source: SipSource];
}

/** One protocol on one port (RFC 3261 §18). */
export interface SipTransport {
  readonly name: SipTransportName;
  readonly localPort: number;
  readonly events: TypedEvents<SipTransportEvents>;
  /** Rejects when the bytes could not be handed over. */
  send(bytes: Uint8Array, to: SipAddress): Promise<void>;
  /**
   * Whether the far host says that nothing listens there, asked where sending alone does not tell;
   * false where nothing is known. Never rejects.
   */
  isRefused?(to: SipAddress): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}
