import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { SipAddress, SipMessage, SipRequest, SipTransportName } from './message.ts';
import type { SipParseError } from './parse-message.ts';
import { noteSource } from './response-address.ts';
import { serializeMessage } from './serialize-message.ts';
import {
  StreamTransport,
  type SipTlsOptions,
  type StreamTransportOptions,
} from './transport-stream.ts';
import { UdpTransport } from './transport-udp.ts';
import type { SipConnection, SipSource, SipTransport } from './transport.ts';

export { responseAddress, topVia } from './response-address.ts';

export interface TransportLayerOptions {
  /** Address to bind. */
  host: string;
  /** Port for UDP and TCP alike; 0 takes a free one. */
  port: number;
  /** TLS besides, on a port of its own; 0 takes a free one. */
  tls?: (SipTlsOptions & { port: number }) | undefined;
  /** Default: both. */
  transports?: readonly ('udp' | 'tcp')[];
  clock: Clock;
  logger: Logger;
  /** Limits of connections. Default: those of `StreamTransport`. */
  tcp?: Pick<
    StreamTransportOptions,
    | 'idleTimeoutMs'
    | 'partialTimeoutMs'
    | 'connectTimeoutMs'
    | 'maxConnections'
    | 'maxConnectionsPerHost'
    | 'maxPendingBytes'
  >;
}

/** What came in. */
export interface TransportCounters {
  /** Datagrams or stream bytes that were no SIP message. */
  garbageReceived: number;
  /** Messages that were SIP but broken. */
  malformedReceived: number;
  requestsReceived: number;
  responsesReceived: number;
}

/** Tries to find a port that is free for UDP and TCP alike. */
const PORT_PAIR_ATTEMPTS = 20;

/** The sockets of a user agent: UDP and TCP on one port, TLS on another (RFC 3261 §18). */
export class TransportLayer {
  readonly counters: TransportCounters = {
    garbageReceived: 0,
    malformedReceived: 0,
    requestsReceived: 0,
    responsesReceived: 0,
  };
  /** Whether replies go to the port that a request came from, unasked. Default: no (RFC 3261 §18.2.2). */
  forcesRport: (request: SipRequest, source: SipSource) => boolean = () => false;
  /** Takes what was parsed; `source` is also where responses go back. Default: dropped. */
  onMessage: (message: SipMessage, source: SipSource) => void = () => undefined;
  /** Takes what was broken; answer `error.request` with `error.status` where it is set. Default: dropped. */
  onMalformed: (error: SipParseError, source: SipSource) => void = () => undefined;

  readonly #transports = new Map<SipTransportName, SipTransport>();
  readonly #logger: Logger;
  #closing: Promise<void> | undefined;

  private constructor(transports: readonly SipTransport[], logger: Logger) {
    this.#logger = logger;
    for (const transport of transports) {
      this.#transports.set(transport.name, transport);
      transport.events.on('message', (message, source) => this.#receive(message, source));
      transport.events.on('malformed', (error, source) => this.#receiveBroken(error, source));
      transport.events.on('garbage', (source) => {
        this.counters.garbageReceived++;
        logger.debug({ transport: source.transport }, 'received bytes that are no sip message');
      });
    }
  }

  /** Binds. Throws an Error that keeps `code` (such as EADDRINUSE) and names the port. */
  static async bind(options: TransportLayerOptions): Promise<TransportLayer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new TransportLayer(await bindAll(options), options.logger);
      } catch (error) {
        // A port that is free for one protocol may be taken for the other.
        const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!taken || options.port !== 0 || attempt === PORT_PAIR_ATTEMPTS) throw error;
      }
    }
  }

  /** The port that is bound. */
  get port(): number {
    return [...this.#transports.values()][0]?.localPort ?? 0;
  }

  /** The port of a transport; that of UDP and TCP where it is not bound. */
  portOf(transport: SipTransportName): number {
    return this.#transports.get(transport)?.localPort ?? this.port;
  }

  /** Whether this transport is bound. */
  has(transport: SipTransportName): boolean {
    return this.#transports.has(transport);
  }

  /**
   * Sends by the connection while it is open (RFC 3261 §18.2.2: responses go back the way the
   * request came), else to the address. Rejects where nothing could be sent; also for a message that
   * `serializeMessage` refuses.
   */
  async send(message: SipMessage, to: SipAddress, viaConnection?: SipConnection): Promise<void> {
    const bytes = serializeMessage(message);
    if (viaConnection?.open) {
      await viaConnection.send(bytes);
      return;
    }
    const transport = this.#transports.get(to.transport);
    if (!transport) throw new Error(`transport ${to.transport} is not bound`);
    await transport.send(bytes, to);
  }

  /** Whether the far host says that nothing listens there; false where nothing is known. Never rejects. */
  async isRefused(to: SipAddress): Promise<boolean> {
    return (await this.#transports.get(to.transport)?.isRefused?.(to)) ?? false;
  }

  /** Closes the sockets. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(
      [...this.#transports.values()].map((transport) => transport.close()),
    ).then(() => undefined);
    return this.#closing;
  }

  #receive(message: SipMessage, source: SipSource): void {
    if (message.kind === 'request') {
      this.counters.requestsReceived++;
      this.#noteSource(message, source);
    } else this.counters.responsesReceived++;
    this.onMessage(message, source);
  }

  #receiveBroken(error: SipParseError, source: SipSource): void {
    this.counters.malformedReceived++;
    this.#logger.debug({ code: error.code, transport: source.transport }, error.message);
    if (error.request) this.#noteSource(error.request, source);
    this.onMalformed(error, source);
  }

  #noteSource(request: SipRequest, source: SipSource): void {
    // The port that a connection comes from takes no connections.
    noteSource(request, source, source.transport === 'udp' && this.forcesRport(request, source));
  }
}

async function bindAll(options: TransportLayerOptions): Promise<SipTransport[]> {
  const { host, clock, logger } = options;
  const bound: SipTransport[] = [];
  const onListenerError = (event: string, err: unknown): void =>
    logger.error({ err, event }, 'listener of sip transport threw');
  try {
    for (const name of options.transports ?? ['udp', 'tcp']) {
      const port = bound[0]?.localPort ?? options.port;
      bound.push(
        name === 'udp'
          ? await UdpTransport.bind({ host, port, clock, onListenerError })
          : await StreamTransport.bind({ ...options.tcp, host, port, clock, onListenerError }),
      );
    }
    if (options.tls) {
      const { port, ...tls } = options.tls;
      const limits = { ...options.tcp, host, clock, onListenerError };
      bound.push(await StreamTransport.bind({ ...limits, port, tls }));
    }
  } catch (error) {
    await Promise.all(bound.map((transport) => transport.close()));
    throw error;
  }
  return bound;
}
