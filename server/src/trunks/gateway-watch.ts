import type { GatewayState } from '../db/queries/trunk-health.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { getHeader, type SipAddress } from '../sip/message.ts';
import type { SipServerName } from '../sip/sip-locator.ts';
import type { UserAgent } from '../sip/user-agent.ts';

/** Answers missed in a row after which a gateway counts as down. */
const DOWN_AFTER = 3;
/** Not all gateways at once: each period is up to a tenth longer or shorter. */
const JITTER = 0.1;
const PATIENCE_MS = 5_000;

/** What an OPTIONS told. */
export interface GatewayReport {
  state: GatewayState;
  before: GatewayState | null;
  sipCode: number | null;
  sipReason: string | null;
  roundTripMs: number | null;
  misses: number;
}

export interface GatewayWatchOptions {
  gateway: SipAddress & Partial<Pick<SipServerName, 'lookup'>>;
  /** Domain of From. */
  domain: string;
  periodMs: number;
  ua: Pick<UserAgent, 'request'>;
  clock: Clock;
  /** 0 to 1. */
  random: () => number;
  onReport: (report: GatewayReport) => void;
}

/** Asks a gateway by OPTIONS again and again whether it is there (RFC 3261 §11). */
export class GatewayWatch {
  readonly #options: GatewayWatchOptions;
  #timer: TimerHandle | null = null;
  #misses = 0;
  #state: GatewayState | null = null;
  #closed = false;

  constructor(options: GatewayWatchOptions) {
    this.#options = options;
    void this.#ask();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { gateway, domain, periodMs, ua, clock, random, onReport } = this.#options;
    const host = gateway.host.includes(':') ? `[${gateway.host}]` : gateway.host;
    const transport = gateway.transport === 'udp' ? '' : `;transport=${gateway.transport}`;
    // RFC 3263 §4.2: a port would mean that SRV records are not to be asked for.
    const port = (gateway.lookup ?? 'address') === 'address' ? `:${gateway.port}` : '';
    const uri = `sip:${host}${port}${transport}`;
    const beganMs = clock.monotonicMs();
    const late = new AbortController();
    const response = await Promise.race([
      ua.request({
        method: 'OPTIONS',
        requestUri: uri,
        nextHop: gateway,
        from: `sip:trunkline@${domain}`,
        to: uri,
      }),
      clock.sleep(PATIENCE_MS, late.signal).catch(() => null),
    ]);
    late.abort();
    if (this.#closed) return;
    // RFC 3261 §8.2.6.2: what was made here for want of an answer has no To tag.
    const answer = response && /;\s*tag=/i.test(getHeader(response, 'To') ?? '') ? response : null;
    this.#misses = answer ? 0 : this.#misses + 1;
    const before = this.#state;
    this.#state = answer ? 'up' : this.#misses >= DOWN_AFTER ? 'down' : 'degraded';
    onReport({
      state: this.#state,
      before,
      sipCode: answer?.status ?? null,
      sipReason: answer?.reason ?? null,
      roundTripMs: answer ? Math.round(clock.monotonicMs() - beganMs) : null,
      misses: this.#misses,
    });
    const nextMs = periodMs * (1 - JITTER + 2 * JITTER * random());
    this.#timer = clock.setTimer(nextMs, () => void this.#ask());
  }
}
