import type { PortPool } from '../rtp/port-pool.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { randomText } from '../shared/ids.ts';
import type { Logger } from '../shared/logger.ts';
import type { InboundLeg, Leg, LegFailure, OfferAnswer } from '../sip/leg.ts';
import { newBranch, newTag } from '../sip/make-request.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import { mayFailOver } from './failover.ts';
import { hangup, hangupOf, type CallOutcome } from './hangup-codes.ts';
import { RelayLeg, type LegEncryption } from './relay-leg.ts';
import { RtpRelay } from './rtp-relay.ts';
import type { TrunkCallRecord, TrunkSide, TrunkTarget } from './trunk-protocol.ts';

/** A phone rings so long at most. */
const RING_LIMIT_MS = 120_000;
const CALL_LIMIT_MS = 4 * 3_600_000;
/** An answered call without a packet of either side is over. */
const RTP_LIMIT_MS = 60_000;
const WATCH_MS = 5_000;
const HANGUP_HEADER = 'X-ZT-Hangup-Code';

export interface TrunkCallParts {
  ua: UserAgent;
  ports: PortPool;
  /** Address that stands in SDP. */
  host: string;
  clock: Clock;
  logger: Logger;
}

export interface TrunkCallOptions extends TrunkCallParts {
  caller: InboundLeg;
  from: string;
  to: string;
  targets: readonly TrunkTarget[];
  /** Trunks that the call runs over; each gets a record. */
  sides: readonly TrunkSide[];
  /** Told with the record of the outbound side. */
  attemptId?: string | undefined;
  callerEncryption: LegEncryption;
  calleeEncryption: LegEncryption;
  /** Milliseconds since 1970 at which the INVITE came. */
  initiatedMs: number;
  record: (record: TrunkCallRecord) => Promise<void>;
}

/**
 * One call through the switch: the leg of who calls, a leg to who is called, and the audio of both
 * relayed. Destinations are tried in turn; one record a trunk is written when it is over.
 */
export class TrunkCall {
  readonly #options: TrunkCallOptions;
  readonly #outcome = Promise.withResolvers<CallOutcome>();
  readonly #timers = new Set<TimerHandle>();
  #over = false;
  #relay: RtpRelay | null = null;
  #from: RelayLeg | null = null;
  #to: RelayLeg | null = null;
  #callee: Leg | null = null;
  #answeredMs: number | null = null;
  #ringingMs: number | null = null;
  #ringing = false;

  constructor(options: TrunkCallOptions) {
    this.#options = options;
    const { caller } = options;
    caller.events.on('failed', ({ cause }) => {
      if (cause === 'cancelled') this.#settle({ type: 'cancelled' });
    });
    caller.events.on('ended', ({ by }) => {
      if (by === 'remote') this.#settle({ type: 'hung-up', by: 'caller' });
      if (by === 'timeout') this.#settle({ type: 'lost', of: 'caller' });
    });
    caller.events.on('info', ({ contentType, body }) => void this.#callee?.info(contentType, body));
    caller.onOffer = (sdp) => this.#renegotiate('from', sdp);
    caller.events.on('renegotiated', ({ sdp }) => void this.#from?.hear(sdp));
  }

  /** Runs the call; resolves when it is over and its records are kept. Never rejects. */
  async run(): Promise<void> {
    const { logger } = this.#options;
    const work = this.#connect().catch((error: unknown) => {
      logger.error({ err: error }, 'a trunk call failed');
      this.#settle({ type: 'refused', hangup: hangup(5250, 'zentrunk') });
    });
    const outcome = await this.#outcome.promise;
    await this.#release(outcome);
    await work;
  }

  /** Ends the call: the switch stops. Idempotent. */
  close(): void {
    this.#settle({ type: 'refused', hangup: hangup(5250, 'zentrunk') });
  }

  async #connect(): Promise<void> {
    const { caller, targets, ports, clock, host, callerEncryption, calleeEncryption } =
      this.#options;
    const relay = await RtpRelay.open(ports, clock).catch((error: unknown) => {
      this.#options.logger.warn({ err: error }, 'no RTP ports for a trunk call');
      return null;
    });
    if (!relay) return this.#settle({ type: 'refused', hangup: hangup(5010, 'zentrunk') });
    this.#relay = relay;
    const sessionId = Math.floor(clock.now() / 1_000);
    this.#from = new RelayLeg({
      relay,
      side: 'from',
      host,
      sessionId,
      encryption: callerEncryption,
    });
    this.#to = new RelayLeg({ relay, side: 'to', host, sessionId, encryption: calleeEncryption });
    if (caller.sdp !== null) {
      const heard = this.#from.hear(caller.sdp);
      if (!heard.ok) {
        this.#options.logger.info({ problem: heard.error.message }, 'offer cannot be taken');
        const code = heard.error.code === 'no-common-codec' ? 4620 : 4430;
        return this.#settle({ type: 'refused', hangup: hangup(code, 'zentrunk') });
      }
    }
    let failure: LegFailure | null = null;
    for (const target of targets) {
      if (this.#over) return;
      failure = await this.#dial(target);
      // A phone that rang was reached: nobody else is tried, whatever came of it.
      if (failure === null || this.#ringing || !mayFailOver(failure)) break;
    }
    if (failure) this.#settle({ type: 'failed', failure });
    else if (targets.length === 0) {
      this.#settle({ type: 'refused', hangup: hangup(5000, 'zentrunk') });
    }
  }

  /** Sends one INVITE. Resolves with why it came to nothing; null: it was answered, or the call is over. */
  #dial(target: TrunkTarget): Promise<LegFailure | null> {
    const to = this.#to;
    if (!to) return Promise.resolve(null);
    to.dialOver(target.nextHop.transport);
    // An INVITE without an offer is offered what a trunk can carry.
    const heard = this.#from?.said ?? ALL_AUDIO;
    const leg = this.#options.ua.invite({
      requestUri: target.requestUri,
      nextHop: target.nextHop,
      sipCallId: target.sipCallId ?? randomText(26),
      localTag: newTag(),
      branch: newBranch(),
      from: { uri: target.from },
      to: { uri: target.to },
      headers: target.headers,
      sdp: to.offer(heard),
      ...(target.credentials && { credentials: target.credentials }),
    });
    this.#callee = leg;
    const ringLimit = this.#after(RING_LIMIT_MS, () => this.#settle({ type: 'time-is-up' }));
    return new Promise((resolve) => {
      void this.#outcome.promise.then(() => resolve(null));
      leg.events.on('provisional', ({ status, sdp }) => this.#ring(status, sdp));
      leg.events.on('failed', (failure) => {
        ringLimit.cancel();
        resolve(failure);
      });
      leg.events.on('answered', ({ sdp }) => {
        ringLimit.cancel();
        this.#answer(sdp);
        resolve(null);
      });
      leg.events.on('ended', ({ by }) => {
        if (by === 'remote') this.#settle({ type: 'hung-up', by: 'callee' });
        if (by === 'timeout') this.#settle({ type: 'lost', of: 'callee' });
      });
      leg.events.on(
        'info',
        ({ contentType, body }) => void this.#options.caller.info(contentType, body),
      );
      leg.onOffer = (sdp) => this.#renegotiate('to', sdp);
      leg.events.on('renegotiated', ({ sdp }) => void to.hear(sdp));
    });
  }

  #ring(status: number, sdp: string | null): void {
    if (this.#over || status <= 100) return;
    this.#ringingMs ??= this.#options.clock.now();
    const { caller } = this.#options;
    const early = sdp === null || caller.sdp === null ? null : this.#to?.hear(sdp);
    const answer = early?.ok ? this.#from?.answer(early.value) : undefined;
    if (answer !== undefined) caller.ring(183, answer);
    else if (!this.#ringing) caller.ring(180);
    this.#ringing = true;
  }

  #answer(sdp: string | null): void {
    const { caller, clock } = this.#options;
    const [from, to] = [this.#from, this.#to];
    if (this.#over || !from || !to) return;
    const heard = sdp === null ? null : to.hear(sdp);
    if (!heard?.ok) {
      const failure = { cause: 'response', status: 488 } as const;
      return this.#settle({ type: 'failed', failure });
    }
    this.#answeredMs = clock.now();
    if (caller.sdp === null) {
      // RFC 3261 §13.2.1: the offer is in our 200, the answer comes in the ACK.
      caller.events.once('answered', ({ sdp: answer }) => {
        if (answer === null || !from.hear(answer).ok) this.#settle(NO_AUDIO);
      });
      caller.answer(from.offer(heard.value));
    } else caller.answer(from.answer(heard.value));
    this.#after(CALL_LIMIT_MS, () => this.#settle({ type: 'time-is-up' }));
    this.#watchAudio(clock.monotonicMs());
  }

  #watchAudio(sinceMs: number): void {
    this.#after(WATCH_MS, () => {
      // RFC 3264 §8.4: who is on hold may send nothing for as long as it likes.
      const held = [this.#from, this.#to].some((leg) => leg?.said?.direction !== 'sendrecv');
      const silentMs = this.#relay?.silentMs() ?? this.#options.clock.monotonicMs() - sinceMs;
      if (!held && silentMs > RTP_LIMIT_MS) this.#settle({ type: 'rtp-timeout' });
      else this.#watchAudio(sinceMs);
    });
  }

  /** A new offer of one side goes to the other, and its answer back. */
  async #renegotiate(by: 'from' | 'to', sdp: string | null): Promise<OfferAnswer> {
    const [own, other] = by === 'from' ? [this.#from, this.#to] : [this.#to, this.#from];
    const otherLeg = by === 'from' ? this.#callee : this.#options.caller;
    if (!own || otherLeg?.state !== 'confirmed' || !other) return REQUEST_PENDING;
    if (sdp === null) {
      const offer = own.repeat();
      return offer === null ? REQUEST_PENDING : { accept: true, sdp: offer };
    }
    const heard = own.hear(sdp);
    if (!heard.ok) return NOT_ACCEPTABLE;
    const answered = await otherLeg.reinvite(other.offer(heard.value));
    if (answered.status !== 200 || answered.sdp === null) {
      const { status, reason } = answered;
      return status < 300 ? NOT_ACCEPTABLE : { accept: false, status, reason };
    }
    const answer = other.hear(answered.sdp);
    return answer.ok ? { accept: true, sdp: own.answer(answer.value) } : NOT_ACCEPTABLE;
  }

  async #release(outcome: CallOutcome): Promise<void> {
    const { caller, clock, sides } = this.#options;
    const endedMs = clock.now();
    for (const timer of this.#timers) timer.cancel();
    const media = this.#relay && {
      from: this.#relay.statsOf('from'),
      to: this.#relay.statsOf('to'),
    };
    this.#relay?.close();
    // Neither is waited for: a far end that is gone must not hold up the record.
    void this.#callee?.hangup();
    const codes = sides.map((side) => hangupOf(outcome, side.direction));
    if (caller.state === 'calling' || caller.state === 'proceeding') {
      const headers = codes.slice(0, 1).map(({ code }) => ({
        name: HANGUP_HEADER,
        value: String(code),
      }));
      const { status, reason } = refusalOf(outcome);
      caller.reject(status, reason, headers);
    } else void caller.hangup();
    await Promise.all(
      sides.map((side, index) => this.#record(side, codes[index] ?? UNKNOWN, endedMs, media)),
    );
  }

  async #record(
    side: TrunkSide,
    code: ReturnType<typeof hangupOf>,
    endedMs: number,
    media: TrunkCallRecord['media'],
  ): Promise<void> {
    const { caller, from, to, initiatedMs, logger, attemptId } = this.#options;
    const customer = side.direction === 'outbound' ? this.#from : this.#to;
    const customerHop = this.#callee?.snapshot().nextHop.transport;
    try {
      await this.#options.record({
        id: crypto.randomUUID(),
        side,
        sipCallId: caller.sipCallId,
        from,
        to,
        initiatedMs,
        answeredMs: this.#answeredMs,
        endedMs,
        hangup: code,
        transport:
          side.direction === 'outbound'
            ? caller.source.transport
            : (customerHop ?? caller.source.transport),
        srtp: customer?.encrypted ?? false,
        postDialDelayMs: postDialDelay(this.#ringingMs ?? this.#answeredMs, initiatedMs),
        media,
        ...(side.direction === 'outbound' && attemptId !== undefined && { attemptId }),
      });
    } catch (error) {
      logger.error({ err: error, trunkId: side.trunkId }, 'the record of a call was not kept');
    }
  }

  #settle(outcome: CallOutcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#outcome.resolve(outcome);
  }

  #after(delayMs: number, run: () => void): TimerHandle {
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#over) run();
    });
    this.#timers.add(timer);
    return timer;
  }
}

const REQUEST_PENDING = { accept: false, status: 491, reason: 'Request Pending' } as const;
const NOT_ACCEPTABLE = { accept: false, status: 488, reason: 'Not Acceptable Here' } as const;
const NO_AUDIO: CallOutcome = { type: 'refused', hangup: hangup(4430, 'zentrunk') };
const UNKNOWN = hangup(5250, 'zentrunk');
const ALL_AUDIO = {
  formats: [
    { payloadType: 0, encoding: 'PCMU', clockRateHz: 8_000, parameters: null },
    { payloadType: 8, encoding: 'PCMA', clockRateHz: 8_000, parameters: null },
    { payloadType: 101, encoding: 'TELEPHONE-EVENT', clockRateHz: 8_000, parameters: null },
  ],
  direction: 'sendrecv',
  ptimeMs: 20,
} as const;

/** What the caller hears of a call that was not answered. */
function refusalOf(outcome: CallOutcome): { status: number; reason?: string } {
  switch (outcome.type) {
    case 'failed': {
      const { cause, status } = outcome.failure;
      if (cause === 'timeout') return { status: 504 };
      // A challenge of the far end is between it and us.
      return cause === 'transport' || status === 401 || status === 407
        ? { status: 503 }
        : { status };
    }
    case 'time-is-up':
      return { status: 408 };
    case 'refused':
      return { status: STATUS_OF_CODE[outcome.hangup.code] ?? 503 };
    default:
      return { status: 480 };
  }
}

const STATUS_OF_CODE: Readonly<Record<number, number>> = { 4430: 488, 4620: 488, 5250: 500 };

function postDialDelay(atMs: number | null, sinceMs: number): number | null {
  return atMs === null ? null : Math.max(0, atMs - sinceMs);
}
