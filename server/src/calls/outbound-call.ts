import type { TimerHandle } from '../shared/clock.ts';
import { buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { Leg, LegFailure, ProvisionalResponse } from '../sip/leg.ts';
import { nextGatewayAllowed } from '../trunks/routing.ts';
import type { AttemptIdentity } from './attempt-identity.ts';
import type { CallContext } from './call-context.ts';
import { claimNextGateway } from './claim.ts';
import { followRedirect, RedirectTrail } from './follow-redirect.ts';
import { inviteTurn } from './invite-pacing.ts';
import type { LiveCall } from './live-call.ts';

/** How often a ring timer that fired before any 1xx looks again (Timer B decides until then). */
const RING_TIMER_RECHECK_MS = 500;
/** Longer than this a failover does not stand in line: somebody may be waiting for that call. */
const FAILOVER_TURN_WAIT_MS = 10_000;

/**
 * Runs a call whose first attempt is committed: dials gateway after gateway, and where a carrier
 * redirects to, where that is allowed, each its own committed attempt. Resolves when the call is answered or over.
 */
export async function runOutbound(
  ctx: CallContext,
  live: LiveCall,
  identities: readonly AttemptIdentity[],
): Promise<void> {
  const waiting = [...identities];
  const trail = new RedirectTrail();
  for (let sequence = 1; ; sequence++) {
    const identity = waiting.shift();
    if (!identity) return;
    // Named first: should the INVITE fail to leave, the attempt ends with the call.
    live.nameAttempt(identity.attemptId);
    // Stopped after the commit and before the INVITE: nothing leaves.
    if (live.cause) {
      await live.finish({ sip: null });
      return;
    }
    const failure = await dialOnce(ctx, live, identity);
    noteTarget(ctx, live, identity, failure);
    if (!failure) return;
    const contacts = live.cause ? [] : await followRedirect(ctx, live, identity, failure, trail);
    waiting.unshift(...contacts);
    const [next] = waiting;
    const mayGoOn = contacts.length > 0 || nextGatewayAllowed(failure);
    if (!next || live.cause || !mayGoOn) {
      await live.finish({ failure });
      return;
    }
    // The next gateway's INVITE counts in the trunk's pace like any other.
    const turn = await inviteTurn(ctx, live.plan.trunk, FAILOVER_TURN_WAIT_MS);
    if (turn === 'later') {
      const trunkId = live.plan.trunk.id;
      ctx.logger.warn(
        { callId: live.id, trunkId },
        'the next gateway was not tried: the line is too long',
      );
      await live.finish({ failure });
      return;
    }
    await ctx.clock.sleep(Math.max(0, turn.leftMs()), live.stopping).catch(() => undefined);
    if (live.cause) {
      await live.finish({ failure });
      return;
    }
    const ours = await claimNextGateway(ctx, live.plan.call, next, sequence + 1, {
      attemptId: identity.attemptId,
      failure,
    });
    if (!ours) {
      await live.discard();
      return;
    }
  }
}

/** Calls after this one ask a server last that was silent, or asked to be left alone (RFC 3263 §4.3). */
function noteTarget(
  ctx: CallContext,
  live: LiveCall,
  { invite }: AttemptIdentity,
  failure: LegFailure | null,
): void {
  if (live.plan.trunk.sandbox) return;
  if (failure) ctx.ua.greylist.noteFailure(invite.nextHop, failure);
  else ctx.ua.greylist.noteAnswer(invite.nextHop);
}

/** Sends one INVITE, in this tick. Resolves with its failure, or with null when it was answered. */
function dialOnce(
  ctx: CallContext,
  live: LiveCall,
  identity: AttemptIdentity,
): Promise<LegFailure | null> {
  const { trunk, credentials } = live.plan;
  const { transport } = identity.invite.nextHop;
  const local = live.localAudio(transport);
  const leg = ctx.ua.invite({
    ...identity.invite,
    sdp: buildOffer(local),
    ...(credentials && { credentials }),
  });
  live.bindLeg(leg, identity.attemptId, transport);
  live.record.dialog(identity.attemptId, leg.snapshot());
  const ringTimer = armRingTimer(ctx, live, leg, trunk.ringTimeoutMs);
  let earlySdp: string | null = null;
  let ringing = false;
  return new Promise((resolve) => {
    leg.events.on('provisional', (response) => {
      if (response.sdp !== null) {
        earlySdp = response.sdp;
        const early = readAnswer(response.sdp, local);
        if (early.ok) live.media(early.value);
      }
      if (!isRinging(response) || ringing) return;
      ringing = true;
      live.record.status(
        'ringing',
        { ringingAt: new Date(ctx.clock.now()) },
        { id: identity.attemptId, dialog: leg.snapshot(), answered: false },
      );
    });
    leg.events.on('answer-headers', (headers) => live.learnHeaders(headers));
    leg.events.on('answered', ({ sdp }) => {
      ringTimer.cancel();
      const body = sdp ?? earlySdp;
      const audio = body === null ? null : readAnswer(body, local);
      if (audio?.ok) {
        live.media(audio.value);
        live.answer({ code: 200, reason: 'OK' });
      } else {
        ctx.logger.warn(
          { callId: live.id, error: audio?.error ?? 'no session description' },
          'the answer’s session description cannot be used',
        );
        void live.stop({ type: 'bad-sdp' });
      }
      resolve(null);
    });
    leg.events.on('failed', (failure) => {
      ringTimer.cancel();
      resolve(failure);
    });
  });
}

/** 180 and 183 alike: carriers send 183 with their ringback tone. */
function isRinging(response: ProvisionalResponse): boolean {
  return response.status === 180 || response.status === 183;
}

/**
 * RFC 3261 §9.1: before the first 1xx a CANCEL cannot leave, and silence is the gateway's fault, not
 * a phone that rings; Timer B decides then.
 */
function armRingTimer(
  ctx: CallContext,
  live: LiveCall,
  leg: Leg,
  ringTimeoutMs: number,
): TimerHandle {
  let timer: TimerHandle;
  const fire = (): void => {
    if (leg.state === 'calling') timer = ctx.clock.setTimer(RING_TIMER_RECHECK_MS, fire);
    else if (leg.state === 'proceeding') void live.stop({ type: 'ring-timeout' });
  };
  timer = ctx.clock.setTimer(ringTimeoutMs, fire);
  return { cancel: () => timer.cancel() };
}
