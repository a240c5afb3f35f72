import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../shared/clock.ts';
import { TypedEvents, type ListenerErrorHandler } from '../shared/events.ts';
import { bindError } from './bind-error.ts';
import type { SipAddress } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { plainHost } from './plain-host.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { SipSource, SipTransport, SipTransportEvents } from './transport.ts';

export interface TcpTransportOptions {
  /** Address to bind. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  clock: Clock;
  /** A connection without traffic is closed after so long. Default 600,000. */
  idleTimeoutMs?: number;
  /** A message must be complete after so long. Default 30,000. */
  partialTimeoutMs?: number;
  /** An attempt to connect is given up after so long. Default 10,000. */
  connectTimeoutMs?: number;
  /** Connections of both directions; more from outside are refused. Default 4,096. */
  maxConnections?: number;
  /** Bytes that may wait on one connection. Default 1 MiB. */
  maxPendingBytes?: number;
  /** Told of a listener that threw. Default: the error is thrown again outside. */
  onListenerError?: ListenerErrorHandler;
}

/** SIP over TCP (RFC 3261 §18): one connection to a far end, used for all that goes there. */
export class TcpTransport implements SipTransport {
  readonly name = 'tcp';
  readonly events: TypedEvents<SipTransportEvents>;
  readonly #options: TcpTransportOptions;
  readonly #server: Server;
  readonly #localPort: number;
  /** By far end; of two to one far end the later one is found here. */
  readonly #byAddress = new Map<string, TcpConnection>();
  readonly #connections = new Set<TcpConnection>();
  #closing: Promise<void> | undefined;

  private constructor(server: Server, options: TcpTransportOptions) {
    this.events = new TypedEvents(options.onListenerError);
    this.#options = options;
    this.#server = server;
    const address = server.address();
    this.#localPort = address !== null && typeof address === 'object' ? address.port : 0;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', () => undefined);
  }

  /** Listens. Throws an Error that keeps `code` and names the port. */
  static async bind(options: TcpTransportOptions): Promise<TcpTransport> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(bindError(error, 'tcp', options)));
      server.listen({ port: options.port, host: options.host, backlog: 1024 }, resolve);
    });
    server.removeAllListeners('error');
    return new TcpTransport(server, options);
  }

  get localPort(): number {
    return this.#localPort;
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Sends on the connection to this far end, opening one where there is none. */
  async send(bytes: Uint8Array, to: SipAddress): Promise<void> {
    if (this.#closing) throw new Error('tcp transport is closed');
    const existing = this.#byAddress.get(addressKey(to));
    if (existing?.open) {
      try {
        await existing.send(bytes);
        return;
      } catch {
        // It broke under us: the far end may have restarted, so a new one is tried once.
        existing.destroy();
      }
    }
    await this.#connect(to).send(bytes);
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections) connection.close();
      // A BYE that was just written leaves in this turn of the event loop; nobody waits for more.
      setImmediate(() => {
        for (const connection of this.#connections) connection.destroy();
      });
    });
    return this.#closing;
  }

  #accept(socket: Socket): void {
    const limit = this.#options.maxConnections ?? 4096;
    const host = socket.remoteAddress;
    const port = socket.remotePort;
    if (this.#closing || this.#connections.size >= limit || host === undefined || !port) {
      socket.destroy();
      return;
    }
    this.#add(socket, { host: plainHost(host), port, transport: 'tcp' });
  }

  #connect(to: SipAddress): TcpConnection {
    if (this.#closing) throw new Error('tcp transport is closed');
    const socket = connect({ host: to.host, port: to.port });
    const connection = this.#add(socket, { host: to.host, port: to.port, transport: 'tcp' });
    const timer = this.#options.clock.setTimer(this.#options.connectTimeoutMs ?? 10_000, () =>
      socket.destroy(new Error(`tcp connection to port ${to.port} was not made in time`)),
    );
    socket.once('connect', () => timer.cancel());
    socket.once('close', () => timer.cancel());
    return connection;
  }

  #add(socket: Socket, remote: SipAddress): TcpConnection {
    const key = addressKey(remote);
    const connection: TcpConnection = new TcpConnection({
      socket,
      clock: this.#options.clock,
      idleTimeoutMs: this.#options.idleTimeoutMs ?? 600_000,
      partialTimeoutMs: this.#options.partialTimeoutMs ?? 30_000,
      maxPendingBytes: this.#options.maxPendingBytes ?? 1_048_576,
      onMessage: (bytes) => this.#receive(bytes, { ...remote, connection }),
      onGarbage: () => this.events.emit('garbage', { ...remote, connection }),
      onClose: () => {
        this.#connections.delete(connection);
        if (this.#byAddress.get(key) === connection) this.#byAddress.delete(key);
      },
    });
    this.#connections.add(connection);
    this.#byAddress.set(key, connection);
    return connection;
  }

  #receive(bytes: Buffer, source: SipSource): void {
    const result = parseMessage(bytes, { stream: true });
    if (result.ok) this.events.emit('message', result.message, source, this);
    else if (result.error.code === 'not-sip') {
      this.events.emit('garbage', source);
      source.connection?.close();
    } else {
      this.events.emit('malformed', result.error, source);
      // Where the next message starts is then not sure either.
      if (result.error.code === 'bad-content-length') source.connection?.close();
    }
  }
}

function addressKey(address: SipAddress): string {
  return `${address.host} ${address.port}`;
}
