import { createSocket, type Socket } from 'node:dgram';
import { lookup as dnsLookup } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';
import { TypedEvents, type ListenerErrorHandler } from '../shared/events.ts';
import { bindError } from './bind-error.ts';
import type { SipAddress } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { plainHost } from './plain-host.ts';
import type { SipSource, SipTransport, SipTransportEvents } from './transport.ts';

export interface UdpTransportOptions {
  /** Address to bind. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Told of a listener that threw. Default: the error is thrown again outside. */
  onListenerError?: ListenerErrorHandler;
}

/** Room for a burst of some thousand INVITEs while the event loop is busy. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** Datagrams up to this size may be NAT keep-alives: line ends, zeros or spaces. */
const KEEP_ALIVE_MAX_BYTES = 4;

/** SIP over UDP: one datagram is one message (RFC 3261 §18). */
export class UdpTransport implements SipTransport {
  readonly name = 'udp';
  readonly events: TypedEvents<SipTransportEvents>;
  readonly #socket: Socket;
  readonly #localPort: number;
  #closing: Promise<void> | undefined;

  private constructor(socket: Socket, onListenerError: ListenerErrorHandler | undefined) {
    this.events = new TypedEvents(onListenerError);
    this.#socket = socket;
    this.#localPort = socket.address().port;
    socket.on('message', (bytes, remote) => {
      const { address: host, port } = remote;
      this.#receive(bytes, { host: plainHost(host), port, transport: 'udp' });
    });
  }

  /** Binds. Throws an Error that keeps `code` and names the port. */
  static async bind(options: UdpTransportOptions): Promise<UdpTransport> {
    const isV6 = isIPv6(options.host);
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      lookup: isV6 ? lookupV6 : lookupV4,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(bindError(error, 'udp', options));
      });
      socket.bind(options.port, options.host, resolve);
    });
    socket.removeAllListeners('error');
    // Send errors come to the callback of send; what is left here concerns no message.
    socket.on('error', () => undefined);
    return new UdpTransport(socket, options.onListenerError);
  }

  get localPort(): number {
    return this.#localPort;
  }

  send(bytes: Uint8Array, to: SipAddress): Promise<void> {
    if (this.#closing) return Promise.reject(new Error('udp transport is closed'));
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, to.port, to.host, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#socket.close(() => resolve());
    });
    return this.#closing;
  }

  #receive(bytes: Buffer, source: SipSource): void {
    if (isKeepAlive(bytes)) return;
    const result = parseMessage(bytes);
    if (result.ok) this.events.emit('message', result.message, source, this);
    else if (result.error.code === 'not-sip') this.events.emit('garbage', source);
    else if (result.error.code !== 'empty') this.events.emit('malformed', result.error, source);
  }
}

function isKeepAlive(bytes: Buffer): boolean {
  return (
    bytes.length <= KEEP_ALIVE_MAX_BYTES &&
    bytes.every((byte) => byte === 0 || byte === 0x0d || byte === 0x0a || byte === 0x20)
  );
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string,
  family: number,
) => void;

// The default lookup visits the thread pool even for IP literals: a millisecond a packet and a
// queue behind every slow name.
function lookupV4(host: string, _options: unknown, callback: LookupCallback): void {
  if (isIP(host) === 4) callback(null, host, 4);
  else dnsLookup(host, 4, callback);
}

function lookupV6(host: string, _options: unknown, callback: LookupCallback): void {
  const family = isIP(host);
  if (family === 6) callback(null, host, 6);
  else if (family === 4) callback(null, `::ffff:${host}`, 6);
  else dnsLookup(host, { family: 6, hints: 0 }, callback);
}
