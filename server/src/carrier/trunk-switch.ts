import { randomBytes } from 'node:crypto';
import type { PortPool } from '../rtp/port-pool.ts';
import type { Clock } from '../shared/clock.ts';
import { randomText } from '../shared/ids.ts';
import type { Logger } from '../shared/logger.ts';
import { DigestVerifier } from '../sip/digest-server.ts';
import type { InboundLeg } from '../sip/leg.ts';
import { getHeader, type SipHeader } from '../sip/message.ts';
import { formatHostPort } from '../sip/parse-host-port.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import { CallLimits } from './call-limits.ts';
import { hangup, type Hangup } from './hangup-codes.ts';
import { TrunkCall } from './trunk-call.ts';
import { calledUser, callingUser, TrunkDoor } from './trunk-door.ts';
import type {
  RouteAnswer,
  TrunkServiceProcedures,
  TrunkSide,
  TrunkTarget,
} from './trunk-protocol.ts';

export interface TrunkSwitchOptions {
  ua: UserAgent;
  ports: PortPool;
  /** Address that the user agent is bound to, for calls to the phones behind it. */
  bindHost: string;
  /** Address that stands in SDP. */
  host: string;
  domain: string;
  sandbox: { username: string; password: string } | null;
  platformSipPort: number | null;
  service: TrunkServiceProcedures;
  /** Hands a leg to a sandbox phone; null: there are none. */
  pickUp: ((leg: InboundLeg) => void) | null;
  clock: Clock;
  logger: Logger;
}

/** Counts how often a call has passed here: an origination URI may lead back to this switch. */
const HOPS_HEADER = 'X-Trunkline-Hops';
const MAX_HOPS = 5;
/** The rule that refused a call. */
const GUARDRAIL_HEADER = 'X-Trunkline-Guardrail';
/** Test numbers are telephones of the sandbox, whoever calls them. */
const TEST_NUMBER = /^\+1500555\d{4}$/;

/** Takes every INVITE of the carrier: says who it is, where it goes, and keeps what was refused. */
export class TrunkSwitch {
  readonly #options: TrunkSwitchOptions;
  readonly #verifier: DigestVerifier;
  readonly #door: TrunkDoor;
  readonly #limits: CallLimits;
  readonly #calls = new Set<TrunkCall>();
  readonly #running = new Set<Promise<void>>();
  /** Call-IDs of our own INVITEs to the phones behind the same port. */
  readonly #toPhones = new Set<string>();
  #draining = false;

  constructor(options: TrunkSwitchOptions) {
    this.#options = options;
    const { clock, domain: realm } = options;
    this.#verifier = new DigestVerifier({
      realm,
      clock,
      secret: randomBytes(32),
      // Clients on libre 1.0 (baresip) give up at a challenge for SHA-256, even beside one for MD5.
      algorithms: ['MD5'],
    });
    this.#door = new TrunkDoor({ ...options, verifier: this.#verifier });
    this.#limits = new CallLimits({ clock });
  }

  get callCount(): number {
    return this.#calls.size;
  }

  take(leg: InboundLeg): void {
    if (this.#toPhones.delete(leg.sipCallId) && this.#options.pickUp) {
      return this.#options.pickUp(leg);
    }
    const work = this.#judge(leg).catch((error: unknown) => {
      this.#options.logger.error({ err: error }, 'an INVITE could not be judged');
      leg.reject(500);
    });
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Trunks get no new calls; resolves when the live ones have ended, or the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const ended = new AbortController();
    await Promise.race([
      Promise.all(this.#running),
      // Rejects when aborted, by when nobody looks at it any more.
      this.#options.clock.sleep(timeoutMs, ended.signal).catch(() => undefined),
    ]);
    ended.abort();
  }

  /** Hangs up what runs; resolves when the records are kept. Idempotent. */
  async close(): Promise<void> {
    this.#draining = true;
    for (const call of this.#calls) call.close();
    await Promise.all(this.#running);
  }

  async #judge(leg: InboundLeg): Promise<void> {
    const to = e164Of(calledUser(leg));
    const verdict = await this.#door.judge(leg, to);
    // The caller may have given up meanwhile.
    if (leg.state === 'ended') return;
    switch (verdict.type) {
      case 'challenge':
        return leg.reject(
          407,
          'Proxy Authentication Required',
          this.#verifier
            .challenges(verdict.stale)
            .map((value) => ({ name: 'Proxy-Authenticate', value })),
        );
      case 'refused':
        return this.#refuse(leg, verdict);
      case 'platform':
        return this.#fromPlatform(leg, to);
      case 'upstream':
        return this.#fromUpstream(leg, to);
      case 'trunk':
        return this.#fromTrunk(leg, verdict.side, to);
    }
  }

  /** A number on an inbound trunk is its customer's; whatever else is dialled, a phone picks up. */
  async #fromPlatform(leg: InboundLeg, to: string | null): Promise<void> {
    const { service, pickUp } = this.#options;
    const route =
      to === null || TEST_NUMBER.test(to)
        ? null
        : await service.routeInbound({ from: numberOf(callingUser(leg)), to });
    if (leg.state === 'ended') return;
    if (route) return this.#connect(leg, { route, to: to ?? '', outbound: null });
    if (pickUp) pickUp(leg);
    else leg.reject(404);
  }

  async #fromUpstream(leg: InboundLeg, to: string | null): Promise<void> {
    const from = numberOf(callingUser(leg));
    const route = to === null ? null : await this.#options.service.routeInbound({ from, to });
    if (leg.state === 'ended') return;
    if (route) return this.#connect(leg, { route, to: to ?? '', outbound: null });
    leg.reject(404);
  }

  async #fromTrunk(leg: InboundLeg, side: TrunkSide, to: string | null): Promise<void> {
    const from = callingUser(leg);
    const refuse = (status: number, code: Parameters<typeof hangup>[0]): Promise<void> =>
      this.#refuse(leg, { status, hangup: hangup(code, 'zentrunk'), side });
    if (this.#draining) return refuse(503, 4330);
    if (to === null) return refuse(404, 4120);
    if (!/^\+?\d+$/.test(from)) return refuse(403, 4130);
    if (from.replace('+', '').length < 6) return refuse(403, 4140);
    const limit = this.#limits.check(side.trunkId, this.#calls.size);
    if (limit !== null) return refuse(503, limit);
    const route = await this.#options.service.routeOutbound({
      trunk: side,
      from: numberOf(from),
      to,
    });
    if (leg.state === 'ended') {
      if (!route.ok || route.attemptId === undefined) return;
      return this.#options.service.abandon({ attemptId: route.attemptId });
    }
    return this.#connect(leg, { route, to, outbound: side });
  }

  async #connect(
    leg: InboundLeg,
    call: { route: RouteAnswer; to: string; outbound: TrunkSide | null },
  ): Promise<void> {
    const { route, to, outbound } = call;
    const sides = [outbound, route.inbound].filter((side) => side !== null);
    if (!route.ok) return this.#refuse(leg, { ...route, side: outbound ?? route.inbound });
    const hops = hopsOf(leg);
    if (hops >= MAX_HOPS) {
      const side = outbound ?? route.inbound;
      const { attemptId } = route;
      return this.#refuse(leg, { status: 483, hangup: hangup(4380, 'zentrunk'), side, attemptId });
    }
    const hopsHeader = { name: HOPS_HEADER, value: String(hops + 1) };
    const targets = route.targets
      .flatMap((target) => this.#reachable(target, to))
      .map((target) => ({ ...target, headers: [...target.headers, hopsHeader] }));
    const running = new TrunkCall({
      ...this.#options,
      caller: leg,
      from: numberOf(callingUser(leg)),
      to,
      targets,
      sides,
      attemptId: route.attemptId,
      callerEncryption: outbound?.secure ? 'required' : 'none',
      calleeEncryption: route.encryption,
      initiatedMs: this.#options.clock.now(),
      record: (record) => this.#options.service.record(record),
    });
    this.#calls.add(running);
    const free = outbound ? this.#limits.begin(outbound.trunkId) : () => undefined;
    try {
      await running.run();
    } finally {
      free();
      this.#calls.delete(running);
      for (const { sipCallId } of targets) if (sipCallId) this.#toPhones.delete(sipCallId);
    }
  }

  /** A phone of the sandbox is at our own port: first over UDP, then over TCP. */
  #reachable(target: TrunkTarget, to: string): TrunkTarget[] {
    if (target.kind === 'remote') return [target];
    if (!this.#options.pickUp) return [];
    const { ua, bindHost } = this.#options;
    const host = bindHost === '0.0.0.0' ? '127.0.0.1' : bindHost;
    const uri = `sip:${to}@${formatHostPort(host, ua.port)}`;
    return (['udp', 'tcp'] as const).map((transport) => {
      const sipCallId = randomText(26);
      this.#toPhones.add(sipCallId);
      return {
        ...target,
        requestUri: transport === 'tcp' ? `${uri};transport=tcp` : uri,
        to: uri,
        nextHop: { host, port: ua.port, transport },
        sipCallId,
      };
    });
  }

  async #refuse(
    leg: InboundLeg,
    refusal: {
      status: number;
      hangup: Hangup;
      side: TrunkSide | null;
      guardrail?: string;
      retryAfterS?: number;
      attemptId?: string | undefined;
    },
  ): Promise<void> {
    const { status, hangup: code, side, guardrail, retryAfterS, attemptId } = refusal;
    const headers: SipHeader[] = [{ name: 'X-ZT-Hangup-Code', value: String(code.code) }];
    if (guardrail !== undefined) headers.push({ name: GUARDRAIL_HEADER, value: guardrail });
    if (retryAfterS !== undefined) {
      headers.push({ name: 'Retry-After', value: String(retryAfterS) });
    }
    leg.reject(status, undefined, headers);
    if (!side) return;
    const atMs = this.#options.clock.now();
    await this.#options.service.record({
      id: crypto.randomUUID(),
      side,
      sipCallId: leg.sipCallId,
      from: numberOf(callingUser(leg)),
      to: numberOf(calledUser(leg)),
      initiatedMs: atMs,
      answeredMs: null,
      endedMs: atMs,
      hangup: code,
      transport: leg.source.transport,
      srtp: false,
      postDialDelayMs: null,
      media: null,
      ...(guardrail !== undefined && { guardrail }),
      ...(attemptId !== undefined && { attemptId }),
    });
  }
}

function hopsOf(leg: InboundLeg): number {
  const value = getHeader(leg.request, HOPS_HEADER) ?? '';
  return /^\d{1,3}$/.test(value) ? Number(value) : 0;
}

/** A number as PBXs dial it: with plus, without, or with 00 or 011; null: it is none. */
export function e164Of(user: string): string | null {
  const compact = (user.split(';')[0] ?? '').replace(/[\s().-]/g, '');
  const digits = compact.startsWith('+') ? compact.slice(1) : compact.replace(/^(00|011)/, '');
  return /^[1-9]\d{6,14}$/.test(digits) ? `+${digits}` : null;
}

/** In E.164 where it is a number, else as it was written. */
function numberOf(user: string): string {
  return e164Of(user) ?? user.slice(0, 64);
}
