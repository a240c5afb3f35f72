import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import * as numbers from '../db/queries/numbers.ts';
import { newId } from '../shared/ids.ts';
import { answerOffer, buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { InboundLeg, LegFailure } from '../sip/leg.ts';
import type { SourceList } from '../trunks/source-list.ts';
import { appendCallEvent } from '../events/event-log.ts';
import type { CallContext } from './call-context.ts';
import type { CallEndCause } from './call-end.ts';
import { calledNumber, callerIdentity } from './inbound-target.ts';
import { LiveCall } from './live-call.ts';
import { planOf } from './load-plan.ts';
import { isUniqueViolation } from './place-call.ts';
import { statusEvent } from './record-status.ts';

/** A route that can take a call now. */
type OpenRoute = numbers.NumberRoute & { agent: NonNullable<numbers.NumberRoute['agent']> };

/**
 * Answers an INVITE: source says which trunks, number says which agent; the agent is made ready
 * before the answer. Never throws; every way out gives the caller a final answer.
 */
export async function answerInbound(
  ctx: CallContext,
  leg: InboundLeg,
  sources: SourceList,
): Promise<void> {
  // Bound before anything is awaited: the caller may give up at any moment.
  const gone = new AbortController();
  let failure: LegFailure | null = null;
  leg.events.on('failed', (failed) => {
    failure = failed;
    gone.abort();
  });
  try {
    const route = await findRoute(ctx, leg, sources);
    if (gone.signal.aborted || !route) return;
    await runInbound(ctx, leg, route, () => failure);
  } catch (error) {
    ctx.logger.error({ err: error, sipCallId: leg.sipCallId }, 'an inbound call was not taken');
    if (leg.state === 'proceeding' || leg.state === 'calling') {
      leg.reject(503, 'Service Unavailable', [{ name: 'Retry-After', value: '5' }]);
    }
  }
}

/** Where the call goes; null when it was refused here. */
async function findRoute(
  ctx: CallContext,
  leg: InboundLeg,
  sources: SourceList,
): Promise<OpenRoute | null> {
  const number = calledNumber(leg.request);
  const route = number === null ? null : await numbers.findByE164(ctx.db.pool, number);
  const trunkIds = sources.trunksOf(leg.source.host);
  // A number of a trunk that this source does not speak for looks like one that does not exist.
  if (!route || !trunkIds.includes(route.trunk.id)) {
    ctx.logger.info(
      { sipCallId: leg.sipCallId, pii: { number } },
      'inbound call to no number of ours',
    );
    leg.reject(404, 'Not Found');
    return null;
  }
  if (!route.trunk.active || !route.agent) {
    ctx.logger.info({ sipCallId: leg.sipCallId, numberId: route.number.id }, 'nobody takes calls');
    leg.reject(480, 'Temporarily Unavailable');
    return null;
  }
  return { ...route, agent: route.agent };
}

async function runInbound(
  ctx: CallContext,
  leg: InboundLeg,
  route: OpenRoute,
  failureNow: () => LegFailure | null,
): Promise<void> {
  const releaseSlot = ctx.slots.tryTake();
  const stored = await store(ctx, leg, route).catch((error: unknown) => {
    releaseSlot?.();
    throw error;
  });
  if (!stored) {
    releaseSlot?.();
    // RFC 3261 §8.2.2.2: the same request came another way.
    leg.reject(482, 'Loop Detected');
    return;
  }
  const live = planAndTrack(ctx, route, stored.call, releaseSlot);
  live.bindLeg(leg, stored.attemptId);
  leg.events.on('failed', (failure) => void live.finish({ failure }));
  const failure = failureNow();
  if (failure) {
    await live.finish({ failure });
    return;
  }
  if (!releaseSlot) {
    await refuse(live, leg, { type: 'no-capacity' }, 486, 'Busy Here');
    return;
  }
  try {
    await live.openVoice();
  } catch (error) {
    ctx.logger.warn({ err: error, callId: live.id }, 'the agent could not be made ready');
    live.record.event({
      type: 'call.warning',
      data: { code: 'agent-not-ready', message: (error as Error).message },
    });
    await refuse(live, leg, { type: 'agent-not-ready' }, 503, 'Service Unavailable');
    return;
  }
  await accept(live, leg, stored.attemptId);
}

/** Rings, then answers, with media where the offer has it. */
async function accept(live: LiveCall, leg: InboundLeg, attemptId: string): Promise<void> {
  // The caller hung up, or the call was stopped, while the agent was made ready.
  if (live.cause || leg.state === 'ended') return;
  const local = live.localAudio();
  const answer = leg.sdp === null ? null : answerOffer(leg.sdp, local);
  if (answer && !answer.ok) {
    await refuse(live, leg, { type: 'bad-sdp' }, 488, 'Not Acceptable Here');
    return;
  }
  leg.events.on('answered', ({ sdp }) => {
    if (!answer) {
      // RFC 3264 §5: our offer went out in the 200, the answer came in the ACK.
      const audio = sdp === null ? null : readAnswer(sdp, local);
      if (!audio?.ok) {
        void live.stop({ type: 'bad-sdp' });
        return;
      }
      live.media(audio.value);
    }
    live.answer({ code: 200, reason: 'OK' });
  });
  leg.ring();
  live.record.status(
    'ringing',
    { ringingAt: new Date(live.nowMs()) },
    {
      id: attemptId,
      dialog: leg.snapshot(),
      answered: false,
    },
  );
  if (answer) live.media(answer.value.audio);
  leg.answer(answer ? answer.value.sdp : buildOffer(local));
}

async function refuse(
  live: LiveCall,
  leg: InboundLeg,
  cause: CallEndCause,
  status: number,
  reason: string,
): Promise<void> {
  const ended = live.end(cause, { code: status, reason });
  if (leg.state !== 'ended') {
    leg.reject(status, reason, status === 503 ? [{ name: 'Retry-After', value: '5' }] : []);
  }
  await ended;
}

function planAndTrack(
  ctx: CallContext,
  route: OpenRoute,
  call: calls.CallRow,
  releaseSlot: (() => void) | null,
): LiveCall {
  const live = new LiveCall(ctx, planOf(ctx, call, route.trunk, route.agent));
  ctx.live.set(call.id, live);
  void live.done.finally(() => {
    ctx.live.delete(call.id);
    releaseSlot?.();
  });
  return live;
}

/** The call and its one attempt; null when this dialog is known already. */
async function store(
  ctx: CallContext,
  leg: InboundLeg,
  { number, trunk, agent }: OpenRoute,
): Promise<{ call: calls.CallRow; attemptId: string } | null> {
  const nowMs = ctx.clock.now();
  const attemptId = newId('attempt', nowMs);
  try {
    const { call, event } = await ctx.db.transaction(async (client) => {
      const row = await calls.insert(client, {
        id: newId('call', nowMs),
        workspaceId: number.workspaceId,
        direction: 'inbound',
        agentId: agent.id,
        trunkId: trunk.id,
        fromNumber: callerIdentity(leg.request),
        toNumber: number.e164,
        status: 'initiated',
        nodeId: ctx.nodeId,
        createdAt: new Date(nowMs),
        initiatedAt: new Date(nowMs),
      });
      await attempts.insertDialing(client, {
        id: attemptId,
        workspaceId: row.workspaceId,
        callId: row.id,
        sequence: 1,
        gatewayId: null,
        gateway: `${leg.source.host}:${leg.source.port};${leg.source.transport}`,
        sipCallId: leg.sipCallId,
        nodeId: ctx.nodeId,
      });
      await attempts.setDialog(client, attemptId, leg.snapshot());
      return { call: row, event: await appendCallEvent(client, row.id, statusEvent(row)) };
    });
    ctx.feed.publish(event);
    return { call, attemptId };
  } catch (error) {
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}
