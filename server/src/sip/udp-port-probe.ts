import type { Clock } from '../shared/clock.ts';
import type { SipAddress } from './message.ts';
import { createUdpSocket } from './udp-socket.ts';

/** An ICMP error that takes longer than this is waited for no more. */
const PATIENCE_MS = 1000;
/** Destinations asked at one time; the answer for more is that nothing is known. */
const MAX_PROBES = 64;
/** What keeps NAT bindings open: every SIP element ignores it (RFC 3261 §7.5, RFC 5626 §3.5.1). */
const KEEP_ALIVE = Buffer.from('\r\n\r\n');

interface Probe {
  result: Promise<boolean>;
  finish(isClosed: boolean): void;
}

/**
 * Asks whether anything listens on a UDP port. The socket that SIP is spoken by is not connected, and
 * the system tells such a one of no ICMP error (RFC 1122 §4.1.3.3); a connected one, for this only,
 * hears them. It cannot share the SIP port: that would let any program bind it beside us.
 */
export class UdpPortProbe {
  readonly #host: string;
  readonly #clock: Clock;
  readonly #running = new Map<string, Probe>();
  #closed = false;

  /** @param host Address that probes leave from. */
  constructor(host: string, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** True where the far host says that the port is closed; false where nothing is known. Never rejects. */
  isClosed(to: SipAddress): Promise<boolean> {
    const key = `${to.host} ${to.port}`;
    const running = this.#running.get(key);
    if (running) return running.result;
    if (this.#closed || this.#running.size >= MAX_PROBES) return Promise.resolve(false);
    const probe = this.#start(to, () => this.#running.delete(key));
    this.#running.set(key, probe);
    return probe.result;
  }

  /** Ends what is under way with false. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const probe of this.#running.values()) probe.finish(false);
  }

  #start(to: SipAddress, onFinished: () => void): Probe {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = createUdpSocket(this.#host);
    let isFinished = false;
    const finish = (isClosed: boolean): void => {
      if (isFinished) return;
      isFinished = true;
      timer.cancel();
      socket.close();
      onFinished();
      resolve(isClosed);
    };
    const timer = this.#clock.setTimer(PATIENCE_MS, () => finish(false));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED'));
    // Some answer a keep-alive: somebody is there.
    socket.on('message', () => finish(false));
    socket.bind(0, this.#host, () => {
      if (isFinished) return;
      socket.connect(to.port, to.host, (error?: Error) => {
        if (isFinished) return;
        if (error) finish(false);
        else socket.send(KEEP_ALIVE);
      });
    });
    return { result: promise, finish };
  }
}
