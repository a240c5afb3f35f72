import { asksNotToBeCalled } from '../compliance/do-not-call-wish.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import { readAnswer } from '../sdp/offer-answer.ts';
import type { LocalAudio, NegotiatedAudio } from '../sdp/sdp.ts';
import type { Leg, LegFailure, OfferAnswer } from '../sip/leg.ts';
import type { SipAddress, SipHeader } from '../sip/message.ts';
import type { VoiceCallHandle } from '../voice/voice-pool.ts';
import type { CallReport, VoiceCallEvent, OpenCall } from '../voice/worker-protocol.ts';
import type { CallContext } from './call-context.ts';
import { hearsVoicemail } from './answerer.ts';
import { callEnd, type CallEndCause } from './call-end.ts';
import type { CallPlan } from './call-plan.ts';
import { CallRecord } from './call-record.ts';
import { cappedWallet } from './capped-wallet.ts';
import { watchCredit } from './credit-watch.ts';
import { hangupOptions } from './hangup-options.ts';
import { headerAttributes } from './header-attributes.ts';
import { infoDigit } from './info-digit.ts';
import { MediaSession, NOT_ACCEPTABLE } from './media-session.ts';
import { pressKeys } from './press-keys.ts';
import { pinAgent, PinGate, type PinResult } from './pin-gate.ts';
import { withDuration } from './recording-duration.ts';
import { addAttributes, findSeat, setAutomation, takeRoom } from './room-seat.ts';
import { planKnowing } from './plan-knowing.ts';
import { factOf } from './voice-facts.ts';
import { referCall, type ReferOrder, type ReferResult } from './transfer/refer-call.ts';

/** A goodbye that takes longer than this is cut. */
const GOODBYE_LIMIT_MS = 15_000;
/** Ends that the far end is told of in words. */
const WITH_GOODBYE: ReadonlySet<CallEndCause['type']> = new Set([
  'api-stop',
  'no-credit',
  'wrong-pin',
]);
/** A worker that does not hand its report over is left behind. */
const REPORT_LIMIT_MS = 10_000;

/** How a call's leg came to its end, as far as it is known. */
export interface CallOutcome {
  /** Of the last attempt, when it was not answered. */
  failure?: LegFailure;
  /** The final answer that we gave, or got, where `failure` does not say it. */
  sip?: { code: number; reason: string } | null;
  reasonHeader?: string | null;
}

/**
 * One call on this node: wires its leg to its voice and both to the record. Whatever happens,
 * the first cause of the end counts and the end is recorded once.
 */
export class LiveCall {
  readonly record: CallRecord;
  /** Resolves when the end is stored and the far end released. */
  readonly done: Promise<void>;
  readonly #ctx: CallContext;
  readonly #resolveDone: () => void;
  readonly #session: MediaSession;
  #plan: CallPlan;
  #voice: VoiceCallHandle | null = null;
  #leg: Leg | null = null;
  #attemptId: string | null = null;
  #cause: CallEndCause | null = null;
  #answeredAtMs: number | null = null;
  #answeredMonotonicMs = 0;
  #firstAgentAudioAtMs: number | null = null;
  #ending: Promise<void> | null = null;
  #isGated = false;
  #isGateOpen = false;
  readonly #over = new AbortController();
  readonly #stopping = new AbortController();
  #credit: { close(): void } | null = null;

  constructor(ctx: CallContext, plan: CallPlan) {
    this.#ctx = ctx;
    this.#plan = plan;
    this.record = new CallRecord(ctx, plan.call);
    const sessionId = ctx.clock.now();
    this.#session = new MediaSession({ host: ctx.localHost, trunk: plan.trunk, sessionId });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolveDone = resolve;
  }

  /** What it is run with. */
  get plan(): CallPlan {
    return this.#plan;
  }

  get id(): string {
    return this.plan.call.id;
  }

  /** Why it ends; null while it goes on. */
  get cause(): CallEndCause | null {
    return this.#cause;
  }

  /** Aborts when the call is stopped: whoever waits for its turn need not wait on. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get answered(): boolean {
    return this.#answeredAtMs !== null;
  }

  /** Its audio, while it has some. */
  get voice(): VoiceCallHandle | null {
    return this.#ending ? null : this.#voice;
  }

  /** Whether the caller has not told the PIN yet, so that no agent speaks. */
  get isAskedForPin(): boolean {
    return this.#isGated && !this.#isGateOpen;
  }

  /** Lets others come into the call; its agent goes on. Rejects when its audio has gone. */
  async shareRoom(roomId: string): Promise<void> {
    if (!this.voice) throw new Error('the call is over');
    await this.voice.shareRoom(roomId);
  }

  /** Asks the far end's carrier to connect it with somebody else. @throws AdmissionError */
  async refer(order: ReferOrder): Promise<ReferResult> {
    const leg = this.#leg;
    if (!leg || !this.answered || this.#cause) return { type: 'call-over' };
    return referCall(this.#ctx, this.#plan, leg, order);
  }

  /** Whether it has, or had, a line of its own: then its end is ours to make. */
  get dialled(): boolean {
    return this.#leg !== null;
  }

  /** Adds what is known about the caller; before the agent is made ready. */
  learn(values: Readonly<Record<string, unknown>>, sipCallId: string): void {
    this.#plan = planKnowing(this.#plan, values, sipCallId, this.#ctx.clock.now());
    this.record.variables(this.#plan.call.variables);
  }

  /** Makes the agent ready. Rejects when it cannot be made ready. */
  async openVoice(): Promise<void> {
    const { call, agent, variables, providerSecrets, toolSecrets, trunk, seat } = this.plan;
    if (seat) await takeRoom(this.#ctx, seat);
    const recordingPath = agent.recording
      ? await this.#ctx.recordings.pathFor(call.workspaceId, call.id)
      : null;
    const voice = await this.#ctx.voice.open(
      {
        callId: call.id,
        direction: call.direction,
        agent,
        variables,
        secrets: providerSecrets,
        toolSecrets,
        guarded: this.plan.guarded,
        recordingPath,
        ...(seat && {
          room: { id: seat.roomId, ringback: seat.leg.ringback ?? false },
          silent: call.agentId === null,
        }),
        mediaTimeouts: mediaTimeoutsOf(trunk),
      },
      (event) => this.#onVoiceEvent(event),
      (request) => this.#ctx.askedByAgent(this, request),
    );
    this.#voice = voice;
    // The call ended meanwhile, and its end found no voice to close.
    if (this.#ending) await voice.close();
  }

  /**
   * Makes somebody ready who asks for the PIN and connects the agent to those who know it. Rejects
   * when that cannot be made ready.
   */
  async openGate(pin: string): Promise<void> {
    const { call, agent, providerSecrets, trunk } = this.plan;
    const gate = new PinGate(pin);
    this.#isGated = true;
    const voice = await this.#ctx.voice.open(
      {
        callId: call.id,
        direction: call.direction,
        agent: pinAgent(agent),
        variables: {},
        secrets: providerSecrets,
        guarded: this.plan.guarded,
        recordingPath: null,
        mediaTimeouts: mediaTimeoutsOf(trunk),
      },
      (event) => this.#onGateEvent(event, gate),
    );
    this.#voice = voice;
    if (this.#ending) await voice.close();
  }

  /** What is said before the PIN is known belongs to no transcript. */
  #onGateEvent(event: VoiceCallEvent, gate: PinGate): void {
    if (this.#isGateOpen || event.type === 'turn' || event.type === 'first-agent-audio') return;
    if (event.type !== 'dtmf') this.#onVoiceEvent(event);
    else if (event.from === 'caller') this.#onPinDigit(gate.press(event.digit));
  }

  #onPinDigit(result: PinResult): void {
    if (result === 'refused') void this.stop({ type: 'wrong-pin' });
    if (result !== 'open' || this.#cause) return;
    this.#isGateOpen = true;
    this.#connectAgent().catch((error: unknown) => {
      this.#ctx.logger.warn({ err: error, callId: this.id }, 'the agent behind a PIN did not come');
      void this.stop({ type: 'agent-not-ready' });
    });
  }

  /** The agent takes the line over: its audio has a port of its own, which an offer tells. */
  async #connectAgent(): Promise<void> {
    await this.#voice?.close();
    this.#voice = null;
    // It may have been moved while the PIN was asked for.
    const seat = this.#plan.seat && (await findSeat(this.#ctx.db.pool, this.id));
    this.#plan = { ...this.#plan, seat };
    await this.openVoice();
    const leg = this.#leg;
    if (!leg || this.#cause) return;
    const offer = this.#session.offer(this.#rtpPort());
    const { sdp } = await leg.reinvite(offer.sdp);
    const answer = sdp === null ? null : offer.read(sdp);
    if (!answer?.ok) {
      void this.stop({ type: 'bad-sdp' });
      return;
    }
    this.media(answer.value);
    (this.#voice as VoiceCallHandle | null)?.answered(this.#ctx.clock.now());
  }

  /** Our side of the media; the agent must be ready. `transport`: of the leg that it is for. */
  localAudio(transport?: SipAddress['transport']): LocalAudio {
    if (transport) this.#session.transport = transport;
    return this.#session.local(this.#rtpPort());
  }

  #rtpPort(): number {
    if (!this.#voice) throw new Error('expected a ready agent, got none');
    return this.#voice.rtpPort;
  }

  /** The leg that carries the call from now on. Bound in the tick in which it was made. */
  bindLeg(leg: Leg, attemptId: string | null, transport: SipAddress['transport']): void {
    this.#leg = leg;
    this.#session.transport = transport;
    this.#attemptId = attemptId;
    this.#ctx.sipTrace.claim(this.plan.call, leg.sipCallId);
    leg.onOffer = (sdp) => this.#onOffer(sdp);
    leg.onRefer = (request) => this.#ctx.referred(this, request);
    leg.events.on('renegotiated', ({ sdp }) => this.#onLateAnswer(sdp));
    leg.events.on('info', (info) => {
      const pressed = infoDigit(info);
      if (pressed) this.voice?.hearDigit(pressed.digit, pressed.durationMs);
    });
    leg.events.on('ended', (end) => {
      if (this.#leg !== leg) return;
      this.#cause ??= { type: 'leg-ended', end };
      void this.finish({ reasonHeader: end.reasonHeader });
    });
  }

  nowMs(): number {
    return this.#ctx.clock.now();
  }

  /** Records the end of a call whose leg is refused elsewhere. The first cause counts. */
  end(cause: CallEndCause, sip: { code: number; reason: string }): Promise<void> {
    this.#cause ??= cause;
    return this.finish({ sip });
  }

  /** Names the attempt whose INVITE never left. */
  nameAttempt(attemptId: string): void {
    this.#attemptId = attemptId;
  }

  media(audio: NegotiatedAudio): void {
    this.#voice?.media({ ...audio, symmetric: this.plan.trunk.rtpSymmetric });
  }

  /** The far end has answered: the agent may speak. */
  answer(sip: { code: number; reason: string }): void {
    const leg = this.#leg;
    if (!leg || this.#answeredAtMs !== null) return;
    const atMs = this.#ctx.clock.now();
    this.#answeredAtMs = atMs;
    this.#answeredMonotonicMs = this.#ctx.clock.monotonicMs();
    this.record.status(
      'in-progress',
      { answeredAt: new Date(atMs), sipCode: sip.code, sipReason: sip.reason },
      this.#attemptId === null
        ? null
        : { id: this.#attemptId, dialog: leg.snapshot(), answered: true },
    );
    this.#letSpeak(atMs);
    const { wallet, clock, logger } = this.#ctx;
    const onGone = (): void => void this.stop({ type: 'no-credit' });
    const capped = cappedWallet(this.#ctx, wallet, this.plan.call, (message) =>
      this.record.event({ type: 'call.warning', data: { code: 'guardrail', message } }),
    );
    this.#credit = watchCredit({ wallet: capped, clock, logger, callId: this.id, onGone });
  }

  /** What the answer's headers tell of a participant of a room. */
  learnHeaders(headers: readonly SipHeader[]): void {
    const { seat, trunk } = this.plan;
    if (!seat) return;
    const attributes = headerAttributes(
      { ...trunk, includeHeaders: seat.leg.includeHeaders ?? trunk.includeHeaders },
      headers,
    );
    if (Object.keys(attributes).length === 0) return;
    addAttributes(this.#ctx, this.id, attributes).catch((error: unknown) => {
      this.#ctx.logger.warn({ err: error, callId: this.id }, 'headers of the answer were not kept');
    });
  }

  /** Keys that open the way to a person are pressed before anybody speaks. */
  #letSpeak(answeredAtMs: number): void {
    const voice = this.#voice;
    const { seat } = this.plan;
    if (!voice || !seat || (seat.leg.dtmf ?? '') === '') {
      voice?.answered(answeredAtMs);
      return;
    }
    const { clock, logger, closing } = this.#ctx;
    const signal = AbortSignal.any([closing, this.#over.signal]);
    void setAutomation(this.#ctx, this.id, true)
      .then(() => pressKeys(voice, seat.leg.dtmf ?? '', { clock, signal }))
      .catch((error: unknown) => {
        logger.warn({ err: error, callId: this.id }, 'keys could not be pressed after the answer');
      })
      .then(() => setAutomation(this.#ctx, this.id, false))
      .catch((error: unknown) => {
        logger.warn({ err: error, callId: this.id }, 'the end of the keys was not stored');
      })
      .finally(() => {
        if (!signal.aborted) voice.answered(answeredAtMs);
      });
  }

  /** Ends the call for `cause`, unless it is ending already. Resolves when that is recorded. */
  async stop(cause: CallEndCause): Promise<void> {
    if (this.#cause === null) {
      this.#cause = cause;
      this.#stopping.abort();
      await this.#release(cause);
    }
    await this.done;
  }

  /** The call is over; resolves when that is recorded. The first time counts. */
  finish(outcome: CallOutcome = {}): Promise<void> {
    this.#ending ??= this.#recordEnd(outcome);
    return this.#ending;
  }

  /** Lets go of a call that is not ours after all; nothing is recorded. */
  async discard(): Promise<void> {
    this.#ending ??= Promise.resolve();
    await this.#voice?.close();
    this.#resolveDone();
  }

  async #release(cause: CallEndCause): Promise<void> {
    const leg = this.#leg;
    // Not dialled yet, or between two gateways: whoever is dialling sees the cause.
    if (!leg) return;
    const { goodbye } = this.plan.agent;
    if (this.answered && WITH_GOODBYE.has(cause.type) && goodbye !== null) {
      const limit = new AbortController();
      await Promise.race([
        this.#voice?.finish(goodbye).catch(() => undefined),
        this.#ctx.clock.sleep(GOODBYE_LIMIT_MS, limit.signal).catch(() => undefined),
      ]);
      limit.abort();
    }
    const options = hangupOptions(cause);
    const confirmed = leg.state === 'confirmed';
    const hangup = leg.hangup(options);
    // The line is cut for us with BYE; its answer, or 32 s without one, changes nothing.
    if (confirmed) void this.finish();
    else if (leg.direction === 'inbound') {
      void this.finish({ sip: { code: options.status, reason: options.reason } });
    }
    await hangup;
  }

  async #recordEnd({ failure, sip, reasonHeader }: CallOutcome): Promise<void> {
    this.#over.abort(new Error('the call is over'));
    this.#credit?.close();
    const atMs = this.#ctx.clock.now();
    const durationMs = this.answered
      ? this.#ctx.clock.monotonicMs() - this.#answeredMonotonicMs
      : 0;
    this.#cause ??= failure ? { type: 'leg-failed', failure } : { type: 'platform-error' };
    const { call } = this.plan;
    const report = await this.#closeVoice();
    const end = callEnd(this.#cause, {
      direction: call.direction,
      answered: this.answered,
      sip: sip === undefined ? this.#finalAnswer(failure ?? null) : sip,
    });
    await this.record.end({
      end,
      atMs,
      answered: this.answered,
      durationMs,
      report: this.answered ? await withDuration(report) : null,
      attempt: this.#attemptId
        ? { id: this.#attemptId, reasonHeader: failure?.reasonHeader ?? reasonHeader ?? null }
        : null,
      recordingKey: this.#ctx.recordings.keyOf(call.workspaceId, call.id),
      firstAgentAudioAtMs: this.#wallClockOf(report?.firstAgentAudioAtMs),
    });
    this.#ctx.sipTrace.end(this.id);
    this.#resolveDone();
  }

  /** The voice worker counts from the answer. */
  #wallClockOf(reported: number | null | undefined): number | null {
    const sinceAnswerMs = reported ?? this.#firstAgentAudioAtMs;
    return sinceAnswerMs === null || this.#answeredAtMs === null
      ? null
      : this.#answeredAtMs + sinceAnswerMs;
  }

  /** The final answer to the INVITE that really crossed the wire. */
  #finalAnswer(failure: LegFailure | null): { code: number; reason: string } | null {
    if (failure) {
      return failure.local ? null : { code: failure.status, reason: failure.reason };
    }
    return this.answered || this.#leg?.direction === 'outbound'
      ? { code: 200, reason: 'OK' }
      : null;
  }

  async #closeVoice(): Promise<CallReport | null> {
    if (!this.#voice) return null;
    const limit = new AbortController();
    try {
      return await Promise.race([
        this.#voice.close(),
        this.#ctx.clock.sleep(REPORT_LIMIT_MS, limit.signal).then(() => null),
      ]);
    } catch (error) {
      this.#ctx.logger.error({ err: error, callId: this.id }, 'the call left no report');
      return null;
    } finally {
      limit.abort();
    }
  }

  #onVoiceEvent(event: VoiceCallEvent): void {
    if (event.type === 'note' && asksNotToBeCalled(event.data)) this.record.doNotCall();
    if (event.type === 'end-requested' && asksNotToBeCalled(event)) this.record.doNotCall();
    if (hearsVoicemail(event)) this.record.voicemail();
    switch (event.type) {
      case 'turn':
        this.record.turn(event.turn);
        return;
      case 'answered-by': {
        this.record.answering(event.report);
        const told = factOf(event);
        if (told) this.record.event(told.draft);
        return;
      }
      case 'first-agent-audio':
        this.#firstAgentAudioAtMs ??= event.atMs;
        return;
      case 'end-requested':
        void this.stop(
          event.reason === 'voice-worker-crashed'
            ? { type: 'voice-crashed' }
            : { type: 'agent', reason: event.reason },
        );
        return;
      case 'media-timeout':
        void this.stop({ type: 'media-timeout', phase: event.phase });
        return;
      default: {
        const fact = factOf(event);
        if (fact?.stored) this.record.event(fact.draft);
        else if (fact) this.record.live(fact.draft);
      }
    }
  }

  #onOffer(sdp: string | null): OfferAnswer {
    if (!this.#voice || this.#cause) return NOT_ACCEPTABLE;
    const { reply, audio } = this.#session.answer(this.#rtpPort(), sdp);
    if (audio) this.media(audio);
    return reply;
  }

  /** RFC 3261 §14.2: our offer went out in the 200 to a re-INVITE; this came in its ACK. */
  #onLateAnswer(sdp: string): void {
    if (!this.#voice || this.#cause) return;
    const answer = readAnswer(sdp, this.localAudio());
    if (answer.ok) this.media(answer.value);
    else {
      this.#ctx.logger.warn(
        { callId: this.id, error: answer.error },
        'the answer in an ACK cannot be used; the media stay as they were',
      );
    }
  }
}

function mediaTimeoutsOf({ mediaTimeouts }: TrunkWithGateways): OpenCall['mediaTimeouts'] {
  return {
    firstPacketMs: mediaTimeouts.first_packet_ms,
    lostMs: mediaTimeouts.lost_ms,
    holdMs: mediaTimeouts.hold_ms,
  };
}
