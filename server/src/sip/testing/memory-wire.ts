import { silentLogger } from '../../shared/logger.ts';
import type { FakeClock } from '../../shared/testing/fake-clock.ts';
import { makeResponse, type ResponseFields } from '../make-response.ts';
import type {
  SipAddress,
  SipMessage,
  SipRequest,
  SipResponse,
  SipTransportName,
} from '../message.ts';
import { parseMessage } from '../parse-message.ts';
import { serializeMessage } from '../serialize-message.ts';
import type { SipSource } from '../transport.ts';
import { UserAgentCore } from '../user-agent-core.ts';
import type { Wire } from '../wire.ts';

/** One message that left, and when. */
export interface SentMessage {
  atMs: number;
  message: SipMessage;
  to: SipAddress;
}

export const PEER: SipAddress = { host: '192.0.2.9', port: 5060, transport: 'udp' };

/**
 * A wire without sockets: what a user agent sends is kept with its time, and a script plays the far
 * end. Every message goes through serializer and parser, as it would on a socket.
 */
export class MemoryWire implements Wire {
  readonly advertisedHost = '192.0.2.1';
  readonly port = 5060;
  readonly garbageReceived = 0;
  readonly sent: SentMessage[] = [];
  readonly core: UserAgentCore;
  /** Transports on which sending is refused. */
  readonly refused = new Set<string>();
  /** Ports of which the far host says that nothing listens there. */
  readonly closedPorts = new Set<number>();
  /** Transports on which sending never comes to an end. */
  readonly hanging = new Set<string>();
  /** Reaction of the far end to what arrives. Default: none. */
  onSent: (message: SipMessage, to: SipAddress) => void = () => undefined;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.core = new UserAgentCore({
      wire: this,
      clock,
      logger: silentLogger,
      userAgent: 'under-test',
    });
  }

  portOf(transport: SipTransportName): number {
    return transport === 'tls' ? 5061 : this.port;
  }

  supports(): boolean {
    return true;
  }

  sizeBytes(message: SipMessage): number {
    return serializeMessage(message).length;
  }

  async send(message: SipMessage, to: SipAddress): Promise<void> {
    if (this.refused.has(to.transport)) throw new Error('connection refused');
    if (this.hanging.has(to.transport)) await new Promise(() => undefined);
    const copy = reparse(message);
    this.sent.push({ atMs: this.#clock.monotonicMs(), message: copy, to });
    this.onSent(copy, to);
  }

  isRefused(to: SipAddress): Promise<boolean> {
    return Promise.resolve(this.closedPorts.has(to.port));
  }

  respond(response: SipResponse, source: SipSource): Promise<void> {
    return this.send(response, source);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A message arrives from the far end. */
  receive(message: SipMessage, from: SipAddress = PEER): void {
    this.core.receive(reparse(message), from);
  }

  /** The far end answers a request that was sent. */
  reply(request: SipRequest, status: number, fields: ResponseFields = {}): void {
    this.receive(makeResponse(request, status, { toTag: 'peer', ...fields }));
  }

  /** Requests of a method that left, with their times in seconds. */
  requests(method: string): SipRequest[] {
    return this.sent
      .map(({ message }) => message)
      .filter((message): message is SipRequest => message.kind === 'request')
      .filter((request) => request.method === method);
  }

  /** Responses of a status that left. */
  responses(status: number): SipResponse[] {
    return this.sent
      .map(({ message }) => message)
      .filter((message): message is SipResponse => message.kind === 'response')
      .filter((response) => response.status === status);
  }

  /** Seconds at which messages left, by a condition. */
  timesS(matches: (message: SipMessage) => boolean): number[] {
    return this.sent.filter(({ message }) => matches(message)).map(({ atMs }) => atMs / 1000);
  }
}

/** What a parser makes of a message on the wire. Throws where it cannot be read. */
export function reparse(message: SipMessage): SipMessage {
  const result = parseMessage(serializeMessage(message));
  if (!result.ok) throw new Error(result.error.message);
  return result.message;
}

/** Reads a message written with plain line ends. */
export function message(text: string): SipMessage {
  const result = parseMessage(Buffer.from(text.trim().replace(/\r?\n/g, '\r\n') + '\r\n\r\n'));
  if (!result.ok) throw new Error(result.error.message);
  return result.message;
}

/** A request of the far end, with any part replaced. */
export function peerRequest(
  method: string,
  over: {
    branch?: string;
    toTag?: string;
    fromTag?: string;
    callId?: string;
    cseq?: number;
    headers?: { name: string; value: string }[];
    body?: string;
    uri?: string;
  } = {},
): SipRequest {
  const cseq = over.cseq ?? 1;
  const to = over.toTag === undefined ? '' : `;tag=${over.toTag}`;
  return {
    kind: 'request',
    method,
    uri: over.uri ?? 'sip:bob@192.0.2.1',
    headers: [
      {
        name: 'Via',
        value: `SIP/2.0/UDP 192.0.2.9:5060;branch=${over.branch ?? `z9hG4bK-${method}-${cseq}`}`,
      },
      { name: 'From', value: `<sip:alice@192.0.2.9>;tag=${over.fromTag ?? 'peer'}` },
      { name: 'To', value: `<sip:bob@192.0.2.1>${to}` },
      { name: 'Call-ID', value: over.callId ?? 'peer-call' },
      { name: 'CSeq', value: `${cseq} ${method}` },
      { name: 'Contact', value: '<sip:alice@192.0.2.9:5060>' },
      ...(over.headers ?? [{ name: 'Max-Forwards', value: '70' }]),
      ...(over.body === undefined ? [] : [{ name: 'Content-Type', value: 'application/sdp' }]),
    ],
    body: over.body ?? '',
  };
}
