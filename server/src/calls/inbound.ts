import * as numbers from '../db/queries/numbers.ts';
import * as trunks from '../db/queries/trunks.ts';
import { answerOffer, buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { InboundLeg, LegFailure } from '../sip/leg.ts';
import type { SourceList } from '../trunks/source-list.ts';
import type { CallContext } from './call-context.ts';
import { costProviders } from './cost-providers.ts';
import { calledNumber, calledText, callerIdentity } from './inbound-target.ts';
import { LiveCall } from './live-call.ts';
import { planOf, runnableAgent, type RunnableAgent } from './load-plan.ts';
import {
  storeInbound,
  storeRefusal,
  type InboundRefusal,
  type InboundTarget,
} from './store-inbound.ts';

const RETRY_LATER = [{ name: 'Retry-After', value: '5' }];
const UNKNOWN_NUMBER: InboundRefusal = {
  cause: { type: 'unknown-number' },
  code: 404,
  reason: 'Not Found',
};
const CALLER_NOT_ALLOWED: InboundRefusal = {
  cause: { type: 'caller-not-allowed' },
  code: 403,
  reason: 'Forbidden',
};
const AGENT_NOT_READY: InboundRefusal = {
  cause: { type: 'agent-not-ready' },
  code: 503,
  reason: 'Service Unavailable',
};

/** A call that nobody takes, of somebody whom we know. */
interface RefusedRoute {
  target: InboundTarget;
  refusal: InboundRefusal;
}

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
    if (!route) return;
    if (gone.signal.aborted) await storeGone(ctx, leg, targetOf(route));
    else if ('refusal' in route) await refuseAtOnce(ctx, leg, route.target, route.refusal);
    else await runInbound(ctx, leg, route, () => failure);
  } catch (error) {
    ctx.logger.error({ err: error, sipCallId: leg.sipCallId }, 'an inbound call was not taken');
    if (leg.state === 'proceeding' || leg.state === 'calling') {
      leg.reject(503, 'Service Unavailable', RETRY_LATER);
    }
  }
}

/** Where the call goes, or why it goes nowhere; null when it was refused here. */
async function findRoute(
  ctx: CallContext,
  leg: InboundLeg,
  sources: SourceList,
): Promise<OpenRoute | RefusedRoute | null> {
  const number = calledNumber(leg.request);
  const route = number === null ? null : await numbers.findInbound(ctx.db.pool, number);
  const trunkIds = sources.trunksOf(leg.source.host);
  // A number of a trunk that this source does not speak for looks like one that does not exist.
  if (!route || !trunkIds.includes(route.trunk.id)) {
    ctx.logger.info(
      { sipCallId: leg.sipCallId, pii: { number } },
      'inbound call to no number of ours',
    );
    const target = await targetOfSource(ctx, trunkIds, number ?? calledText(leg.request));
    if (target) return { target, refusal: UNKNOWN_NUMBER };
    leg.reject(UNKNOWN_NUMBER.code, UNKNOWN_NUMBER.reason);
    return null;
  }
  const caller = callerIdentity(leg.request);
  const { allowedCallers } = route.trunk;
  if (allowedCallers.length > 0 && !allowedCallers.includes(caller)) {
    return { target: targetOf(route), refusal: CALLER_NOT_ALLOWED };
  }
  const takesCalls = route.trunk.active && route.trunk.inboundEnabled;
  if (!takesCalls || !route.agent) {
    ctx.logger.info({ sipCallId: leg.sipCallId, numberId: route.number.id }, 'nobody takes calls');
    const refusal: InboundRefusal = {
      cause: { type: takesCalls ? 'agent-not-ready' : 'trunk-inactive' },
      code: 480,
      reason: 'Temporarily Unavailable',
      ...(takesCalls && { message: 'the number has no agent' }),
    };
    return { target: targetOf(route), refusal };
  }
  return { ...route, agent: route.agent };
}

function targetOf(route: numbers.NumberRoute | RefusedRoute): InboundTarget {
  if ('target' in route) return route.target;
  const { number, trunk, agent } = route;
  return {
    workspaceId: number.workspaceId,
    trunkId: trunk.id,
    agentId: agent?.id ?? null,
    to: number.e164,
  };
}

/** Whose call it was when the number says nothing; null where the source speaks for several. */
async function targetOfSource(
  ctx: CallContext,
  trunkIds: readonly string[],
  to: string,
): Promise<InboundTarget | null> {
  const owners = await trunks.workspacesOf(ctx.db.pool, trunkIds);
  const [workspaceId] = owners;
  if (workspaceId === undefined || owners.length > 1) return null;
  const trunkId = trunkIds.length === 1 ? (trunkIds[0] ?? null) : null;
  return { workspaceId, trunkId, agentId: null, to };
}

/** The answer does not wait for the record. */
async function refuseAtOnce(
  ctx: CallContext,
  leg: InboundLeg,
  target: InboundTarget,
  refusal: InboundRefusal,
): Promise<void> {
  if (leg.state !== 'ended') {
    leg.reject(refusal.code, refusal.reason, refusal.code === 503 ? RETRY_LATER : []);
  }
  await storeRefusal(ctx, leg, target, refusal);
}

/** The caller gave up before the call was looked at. */
async function storeGone(ctx: CallContext, leg: InboundLeg, target: InboundTarget): Promise<void> {
  await storeRefusal(ctx, leg, target, {
    cause: { type: 'caller-gone' },
    code: 487,
    reason: 'Request Terminated',
  });
}

async function runInbound(
  ctx: CallContext,
  leg: InboundLeg,
  route: OpenRoute,
  failureNow: () => LegFailure | null,
): Promise<void> {
  const target = targetOf(route);
  let runnable: RunnableAgent;
  try {
    runnable = runnableAgent(ctx, route.agent);
  } catch (error) {
    ctx.logger.warn({ err: error, agentId: route.agent.id }, 'the agent of a number cannot run');
    const { message } = error as Error;
    await refuseAtOnce(ctx, leg, target, { ...AGENT_NOT_READY, message });
    return;
  }
  const releaseSlot = ctx.slots.tryTake();
  const stored = await storeInbound(ctx, leg, target).catch((error: unknown) => {
    releaseSlot?.();
    throw error;
  });
  if (!stored) {
    releaseSlot?.();
    // RFC 3261 §8.2.2.2: the same request came another way.
    leg.reject(482, 'Loop Detected');
    return;
  }
  // The trunk is not dialled, so its password is not needed.
  const live = new LiveCall(ctx, planOf(stored.call, route.trunk, runnable, null));
  ctx.live.set(live.id, live);
  void live.done.finally(() => {
    ctx.live.delete(live.id);
    releaseSlot?.();
  });
  live.bindLeg(leg, stored.attemptId);
  leg.events.on('failed', (failure) => void live.finish({ failure }));
  const failure = failureNow();
  if (failure) {
    await live.finish({ failure });
    return;
  }
  if (!releaseSlot) {
    await refuse(live, leg, { cause: { type: 'no-capacity' }, code: 486, reason: 'Busy Here' });
    return;
  }
  if (!(await holdCredit(ctx, live))) {
    await refuse(live, leg, { cause: { type: 'no-credit' }, code: 403, reason: 'Forbidden' });
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
    await refuse(live, leg, AGENT_NOT_READY);
    return;
  }
  await accept(live, leg, stored.attemptId);
}

/** Reserves the first period of the call. */
async function holdCredit(ctx: CallContext, { plan }: LiveCall): Promise<boolean> {
  const { call, agent, trunk } = plan;
  const { workspaceId, id: callId } = call;
  return ctx.db.transaction(async (client) => {
    const estimate = await ctx.wallet.estimate(client, {
      workspaceId,
      providers: costProviders(agent, trunk.id),
      destination: call.toNumber,
    });
    const { ok } = await ctx.wallet.hold(client, { workspaceId, callId, estimate });
    return ok;
  });
}

/** Rings, then answers, with media where the offer has it. */
async function accept(live: LiveCall, leg: InboundLeg, attemptId: string): Promise<void> {
  // The caller hung up, or the call was stopped, while the agent was made ready.
  if (live.cause || leg.state === 'ended') return;
  const local = live.localAudio();
  const answer = leg.sdp === null ? null : answerOffer(leg.sdp, local);
  if (answer && !answer.ok) {
    const reason = 'Not Acceptable Here';
    await refuse(live, leg, { cause: { type: 'bad-sdp' }, code: 488, reason });
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
  { cause, code, reason }: InboundRefusal,
): Promise<void> {
  const ended = live.end(cause, { code, reason });
  if (leg.state !== 'ended') leg.reject(code, reason, code === 503 ? RETRY_LATER : []);
  await ended;
}
