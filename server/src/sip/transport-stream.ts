import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, rootCertificates } from 'node:tls';
import type { Clock } from '../shared/clock.ts';
import { TypedEvents, type ListenerErrorHandler } from '../shared/events.ts';
import { bindError } from './bind-error.ts';
import type { SipAddress } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { plainHost } from './plain-host.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { SipSource, SipTransport, SipTransportEvents } from './transport.ts';

/** What TLS needs: PEM texts. */
export interface SipTlsOptions {
  key: string;
  cert: string;
  /** PEM of authorities that servers are believed by, besides those of the system; clients by these alone. */
  ca?: readonly string[] | undefined;
  /** Whether a far end that connects must show a certificate of these authorities too. Default false. */
  requireClientCert?: boolean | undefined;
}

export interface StreamTransportOptions {
  /** Address to bind. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  clock: Clock;
  /** TLS 1.2 or newer instead of plain TCP. */
  tls?: SipTlsOptions | undefined;
  /** A connection without traffic is closed after so long. Default 600,000. */
  idleTimeoutMs?: number;
  /** A message must be complete after so long. Default 30,000. */
  partialTimeoutMs?: number;
  /** An attempt to connect is given up after so long. Default 10,000. */
  connectTimeoutMs?: number;
  /** A handshake of TLS that was begun by a far end is given up after so long. Default 10,000. */
  handshakeTimeoutMs?: number;
  /** Connections of both directions; more from outside are refused. Default 4,096. */
  maxConnections?: number;
  /** Connections that one host may have made to us, those that still shake hands included. Default 128. */
  maxConnectionsPerHost?: number;
  /** Bytes that may wait on one connection. Default 1 MiB. */
  maxPendingBytes?: number;
  /** Told of a listener that threw. Default: the error is thrown again outside. */
  onListenerError?: ListenerErrorHandler;
}

/**
 * SIP over TCP or TLS (RFC 3261 §18, §26.3.1): one connection to a far end, used for all that goes
 * there.
 */
export class StreamTransport implements SipTransport {
  readonly name: 'tcp' | 'tls';
  readonly events: TypedEvents<SipTransportEvents>;
  readonly #options: StreamTransportOptions;
  readonly #server: Server;
  readonly #localPort: number;
  /** By far end; of two to one far end the later one is found here. */
  readonly #byAddress = new Map<string, TcpConnection>();
  readonly #connections = new Set<TcpConnection>();
  /** How many connections each host has made to us. */
  readonly #byHost = new Map<string, number>();
  /** What was accepted, before the handshake of TLS too. */
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;

  private constructor(server: Server, options: StreamTransportOptions) {
    this.name = nameOf(options);
    this.events = new TypedEvents(options.onListenerError);
    this.#options = options;
    this.#server = server;
    const address = server.address();
    this.#localPort = address !== null && typeof address === 'object' ? address.port : 0;
    // Before the handshake, which costs us more than the far end.
    server.on('connection', (socket: Socket) => this.#count(socket));
    // Of TLS only what has shaken hands is a connection.
    const event = options.tls ? 'secureConnection' : 'connection';
    server.on(event, (socket: Socket) => this.#accept(socket));
    // A handshake that failed or took too long leaves its socket open to us to close.
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    server.on('error', () => undefined);
  }

  /** Listens. Throws an Error that keeps `code` and names the port. */
  static async bind(options: StreamTransportOptions): Promise<StreamTransport> {
    const server = serverOf(options);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(bindError(error, nameOf(options), options)));
      server.listen({ port: options.port, host: options.host, backlog: 1024 }, resolve);
    });
    server.removeAllListeners('error');
    return new StreamTransport(server, options);
  }

  get localPort(): number {
    return this.#localPort;
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Hosts that have connections to us, handshakes included. */
  get hostCount(): number {
    return this.#byHost.size;
  }

  /** Sends on the connection to this far end, opening one where there is none. */
  async send(bytes: Uint8Array, to: SipAddress): Promise<void> {
    if (this.#closing) throw new Error(`${this.name} transport is closed`);
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
        for (const socket of this.#sockets) socket.destroy();
      });
    });
    return this.#closing;
  }

  /** One host cannot take the places of all others. */
  #count(socket: Socket): void {
    const host = socket.remoteAddress ?? '';
    const count = (this.#byHost.get(host) ?? 0) + 1;
    this.#byHost.set(host, count);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#byHost.get(host) ?? 1) - 1;
      if (left > 0) this.#byHost.set(host, left);
      else this.#byHost.delete(host);
    });
    const full = this.#sockets.size > (this.#options.maxConnections ?? 4096);
    if (full || count > (this.#options.maxConnectionsPerHost ?? 128)) socket.destroy();
  }

  #accept(socket: Socket): void {
    const limit = this.#options.maxConnections ?? 4096;
    const remote = this.#remoteOf(socket);
    if (this.#closing || this.#connections.size >= limit || !remote || socket.destroyed) {
      socket.destroy();
      return;
    }
    this.#add(socket, remote, true);
  }

  /** Null: gone already. */
  #remoteOf({ remoteAddress: host, remotePort: port }: Socket): SipAddress | null {
    if (host === undefined || !port) return null;
    return { host: plainHost(host), port, transport: this.name };
  }

  #connect(to: SipAddress): TcpConnection {
    if (this.#closing) throw new Error(`${this.name} transport is closed`);
    const { host, port, serverName } = to;
    const socket = this.#options.tls ? dialTls(this.#options.tls, to) : connect({ host, port });
    const far = {
      host,
      port,
      transport: this.name,
      ...(serverName !== undefined && { serverName }),
    };
    const connection = this.#add(socket, far, false);
    const timer = this.#options.clock.setTimer(this.#options.connectTimeoutMs ?? 10_000, () =>
      socket.destroy(new Error(`${this.name} connection to port ${port} was not made in time`)),
    );
    socket.once(this.#options.tls ? 'secureConnect' : 'connect', () => timer.cancel());
    socket.once('close', () => timer.cancel());
    return connection;
  }

  #add(socket: Socket, far: SipAddress, isAccepted: boolean): TcpConnection {
    let remote = far;
    const keys = new Set([addressKey(far)]);
    const connection: TcpConnection = new TcpConnection({
      socket,
      clock: this.#options.clock,
      idleTimeoutMs: this.#options.idleTimeoutMs ?? 600_000,
      partialTimeoutMs: this.#options.partialTimeoutMs ?? 30_000,
      maxPendingBytes: this.#options.maxPendingBytes ?? 1_048_576,
      isAccepted,
      onMessage: (bytes) => this.#receive(bytes, { ...remote, connection }),
      onGarbage: () => this.events.emit('garbage', { ...remote, connection }),
      onClose: () => {
        this.#connections.delete(connection);
        for (const key of keys) {
          if (this.#byAddress.get(key) === connection) this.#byAddress.delete(key);
        }
      },
    });
    this.#connections.add(connection);
    this.#byAddress.set(addressKey(far), connection);
    // A far end that was named is known by its address too: what it sends comes from there, and its
    // Contact names it so, by which no certificate would be right (RFC 5923 §5).
    socket.once('connect', () => {
      remote = this.#remoteOf(socket) ?? far;
      const key = addressKey(remote);
      if (this.#byAddress.get(key)?.open) return;
      keys.add(key);
      this.#byAddress.set(key, connection);
    });
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

/** RFC 5923 §5: a connection that proved one name is not the way to another. */
function addressKey({ host, port, serverName = '' }: SipAddress): string {
  return `${host} ${port} ${serverName}`;
}

function nameOf({ tls }: StreamTransportOptions): 'tcp' | 'tls' {
  return tls ? 'tls' : 'tcp';
}

function serverOf({ tls, handshakeTimeoutMs = 10_000 }: StreamTransportOptions): Server {
  if (!tls) return createServer();
  const { key, cert, ca, requireClientCert = false } = tls;
  return createTlsServer({
    key,
    cert,
    minVersion: 'TLSv1.2',
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: requireClientCert,
    rejectUnauthorized: requireClientCert,
    // Who may call in is said by these alone: everybody can have a certificate of the web's.
    ...(ca && { ca: [...ca] }),
  });
}

/** The far end must prove its name, or its address where it has no name (RFC 5922 §7). */
function dialTls({ key, cert, ca }: SipTlsOptions, to: SipAddress): Socket {
  const { host, port } = to;
  const name = to.serverName ?? host;
  return connectTls({
    host,
    port,
    key,
    cert,
    minVersion: 'TLSv1.2',
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca && { ca: [...rootCertificates, ...ca] }),
  });
}
