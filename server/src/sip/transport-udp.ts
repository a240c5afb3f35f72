import type { Socket } from 'node:dgram';
import type { Clock } from '../shared/clock.ts';
import { TypedEvents, type ListenerErrorHandler } from '../shared/events.ts';
import { bindError } from './bind-error.ts';
import type { SipAddress } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { plainHost } from './plain-host.ts';
import type { SipSource, SipTransport, SipTransportEvents } from './transport.ts';
import { UdpPortProbe } from './udp-port-probe.ts';
import { createUdpSocket } from './udp-socket.ts';

export interface UdpTransportOptions {
  /** Address to bind. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  clock: Clock;
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
  readonly #probe: UdpPortProbe;
  #closing: Promise<void> | undefined;

  private constructor(socket: Socket, options: UdpTransportOptions) {
    this.events = new TypedEvents(options.onListenerError);
    this.#probe = new UdpPortProbe(options.host, options.clock);
    this.#socket = socket;
    this.#localPort = socket.address().port;
    socket.on('message', (bytes, remote) => {
      const { address: host, port } = remote;
      this.#receive(bytes, { host: plainHost(host), port, transport: 'udp' });
    });
  }

  /** Binds. Throws an Error that keeps `code` and names the port. */
  static async bind(options: UdpTransportOptions): Promise<UdpTransport> {
    const socket = createUdpSocket(options.host, { recvBufferSize: RECEIVE_BUFFER_BYTES });
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
    return new UdpTransport(socket, options);
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

  isRefused(to: SipAddress): Promise<boolean> {
    return this.#probe.isClosed(to);
  }

  close(): Promise<void> {
    this.#probe.close();
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
