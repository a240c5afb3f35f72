import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '../shared/clock.ts';

/** A port of a call that ended must not hear the next one's packets, nor the other way round. */
const QUARANTINE_MS = 30_000;
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** RTP on an even port, RTCP on the next (RFC 3550 §11). */
export interface SocketPair {
  rtp: dgram.Socket;
  rtcp: dgram.Socket;
  port: number;
}

/** Every port of the range is in use, in quarantine, or bound by somebody else. */
export class NoPortError extends Error {
  constructor(portMin: number, portMax: number, cause?: Error) {
    super(`no free pair of RTP ports from ${portMin} to ${portMax}`, { cause });
    this.name = 'NoPortError';
  }
}

/** Hands out pairs of bound sockets, round the range, so that a port rests as long as can be. */
export class PortPool {
  readonly #host: string;
  readonly #portMin: number;
  readonly #portMax: number;
  readonly #clock: Clock;
  readonly #inUse = new Set<number>();
  readonly #freeAtMs = new Map<number, number>();
  #next: number;

  constructor(options: { host: string; portMin: number; portMax: number; clock: Clock }) {
    this.#host = options.host;
    this.#portMin = options.portMin + (options.portMin % 2);
    this.#portMax = options.portMax;
    this.#clock = options.clock;
    this.#next = this.#portMin;
  }

  /** @throws NoPortError */
  async open(): Promise<SocketPair> {
    let cause: Error | undefined;
    const pairCount = Math.floor((this.#portMax - this.#portMin + 1) / 2);
    for (let tried = 0; tried < pairCount; tried++) {
      const port = this.#next;
      this.#next = port + 2 > this.#portMax - 1 ? this.#portMin : port + 2;
      if (this.#inUse.has(port) || this.#resting(port)) continue;
      this.#inUse.add(port);
      const pair = await this.#bindPair(port);
      if (!(pair instanceof Error)) return pair;
      this.#inUse.delete(port);
      cause = pair;
      // Another process may hold a port; any other reason holds for every port of the range.
      if (errorCode(pair) !== 'EADDRINUSE') break;
    }
    throw new NoPortError(this.#portMin, this.#portMax, cause);
  }

  /** Closes both sockets and rests the port. */
  release(pair: SocketPair): void {
    if (!this.#inUse.delete(pair.port)) return;
    this.#freeAtMs.set(pair.port, this.#clock.monotonicMs() + QUARANTINE_MS);
    pair.rtp.close();
    pair.rtcp.close();
  }

  #resting(port: number): boolean {
    const freeAtMs = this.#freeAtMs.get(port);
    if (freeAtMs === undefined) return false;
    if (freeAtMs > this.#clock.monotonicMs()) return true;
    this.#freeAtMs.delete(port);
    return false;
  }

  async #bindPair(port: number): Promise<SocketPair | Error> {
    const rtp = await this.#bind(port);
    if (rtp instanceof Error) return rtp;
    const rtcp = await this.#bind(port + 1);
    if (!(rtcp instanceof Error)) return { rtp, rtcp, port };
    rtp.close();
    return rtcp;
  }

  #bind(port: number): Promise<dgram.Socket | Error> {
    const family = isIPv6(this.#host) ? 6 : 4;
    const socket = dgram.createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Without it every send() goes through dns.lookup, for an address as well.
      lookup: (host, _options, done) => done(null, host, family),
    });
    return new Promise((resolve) => {
      socket.once('error', (error) => {
        socket.close();
        resolve(error);
      });
      socket.bind(port, this.#host, () => {
        socket.removeAllListeners('error');
        resolve(socket);
      });
    });
  }
}

function errorCode(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
