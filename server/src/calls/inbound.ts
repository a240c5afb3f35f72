import { variablesProblem, type JsonValue } from '../agents/variables.ts';
import { answerOffer, buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { InboundLeg, LegFailure } from '../sip/leg.ts';
import type { SipHeader } from '../sip/message.ts';
import type { CallContext } from './call-context.ts';
import { holdMoney } from './call-money.ts';
import { LOOKUP_TOKEN, lookUpCaller } from './caller-lookup.ts';
import { inboundRefusal, overCapacity, type InboundCandidate } from './inbound-policy.ts';
import { findInboundRoute, type OpenRoute } from './inbound-route.ts';
import { callerIdentity } from './inbound-target.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { DispatchRuleRow } from '../db/queries/dispatch-rules.ts';
import { warningHeader } from './leg-encryption.ts';
import { LiveCall } from './live-call.ts';
import { variablesOf } from './rooms/room-agents.ts';
import { agentMetadata, joinInbound } from './rooms/join-inbound.ts';
import type { RoomSeat } from './room-seat.ts';
import { recordingConsent, withConsent } from './recording-consent.ts';
import { planOf, runnableAgent, runnableLine, type RunnableAgent } from './load-plan.ts';
import {
  storeInbound,
  storeRefusal,
  type InboundRefusal,
  type InboundTarget,
} from './store-inbound.ts';
import { idsFor } from './system-variables.ts';
import { limitsOf } from './workspace-limits.ts';

const RETRY_LATER = [{ name: 'Retry-After', value: '5' }];
const AGENT_NOT_READY: InboundRefusal = {
  cause: { type: 'agent-not-ready' },
  code: 503,
  reason: 'Service Unavailable',
};

const UNKNOWN_CALLER: InboundRefusal = {
  cause: { type: 'caller-not-allowed' },
  code: 403,
  reason: 'Forbidden',
};

/**
 * Answers an INVITE over one of these trunks: the number called says which agent; the agent is made ready
 * before the answer. Never throws; every way out gives the caller a final answer.
 */
export async function answerInbound(
  ctx: CallContext,
  leg: InboundLeg,
  trunkIds: readonly string[],
): Promise<void> {
  // Bound before anything is awaited: the caller may give up at any moment.
  const gone = new AbortController();
  let failure: LegFailure | null = null;
  leg.events.on('failed', (failed) => {
    failure = failed;
    gone.abort();
  });
  try {
    const route = await findInboundRoute(ctx, leg, trunkIds);
    if (!route) return;
    if (gone.signal.aborted) await storeGone(ctx, leg, route.target);
    else if ('refusal' in route) await refuseAtOnce(ctx, leg, route.target, route.refusal);
    else await runInbound(ctx, leg, route, () => failure);
  } catch (error) {
    ctx.logger.error({ err: error, sipCallId: leg.sipCallId }, 'an inbound call was not taken');
    if (leg.state === 'proceeding' || leg.state === 'calling') {
      leg.reject(503, 'Service Unavailable', RETRY_LATER);
    }
  }
}

/** The answer does not wait for the record. */
async function refuseAtOnce(
  ctx: CallContext,
  leg: InboundLeg,
  target: InboundTarget,
  refusal: InboundRefusal,
): Promise<void> {
  if (leg.state !== 'ended') {
    leg.reject(refusal.code, refusal.reason, headersOf(refusal));
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
  const { target, trunk } = route;
  let runnable: RunnableAgent;
  try {
    runnable = route.agent
      ? await runnableAgent(ctx, ctx.db.pool, route.agent)
      : await runnableLine(ctx, target.workspaceId);
  } catch (error) {
    ctx.logger.warn({ err: error, agentId: target.agentId }, 'the agent of a number cannot run');
    const { message } = error as Error;
    await refuseAtOnce(ctx, leg, target, { ...AGENT_NOT_READY, message });
    return;
  }
  const { agent, workspace } = runnable;
  const candidate: InboundCandidate = {
    workspaceId: target.workspaceId,
    trunkId: trunk.id,
    agentId: target.agentId,
    caller: callerIdentity(leg.request),
    agent,
    limits: limitsOf(workspace, trunk, agent),
  };
  const releaseSlot = ctx.slots.tryTake();
  const stored = await storeInbound(ctx, leg, target, (client) =>
    inboundRefusal(client, candidate, ctx.clock.now()),
  ).catch((error: unknown) => {
    releaseSlot?.();
    throw error;
  });
  if (!stored || 'refusal' in stored) {
    releaseSlot?.();
    if (stored) await refuseAtOnce(ctx, leg, target, stored.refusal);
    // RFC 3261 §8.2.2.2: the same request came another way.
    else leg.reject(482, 'Loop Detected');
    return;
  }
  // The trunk is not dialled, so its password is not needed.
  const parts = { trunk, runnable, credentials: null, sipCallId: leg.sipCallId };
  const [seat, consent] = await Promise.all([
    seatOf(ctx, leg, route, stored.call),
    recordingConsent(ctx, stored.call, trunk),
  ]);
  const caller = route.rule ? variablesOf(agentMetadata(route.rule)) : {};
  const plan = planOf(ctx, { ...parts, call: stored.call, seat, caller });
  const live = new LiveCall(ctx, withConsent(plan, consent));
  ctx.live.set(live.id, live);
  void live.done.finally(() => {
    ctx.live.delete(live.id);
    releaseSlot?.();
    ctx.placeFree();
  });
  live.bindLeg(leg, stored.attemptId, leg.source.transport);
  leg.events.on('failed', (failure) => void live.finish({ failure }));
  const failure = failureNow();
  if (failure) {
    await live.finish({ failure });
    return;
  }
  if (!releaseSlot) {
    await refuse(live, leg, overCapacity(agent.inbound, { type: 'no-capacity' }));
    return;
  }
  if (!(await holdCredit(ctx, live))) {
    await refuse(live, leg, { cause: { type: 'no-credit' }, code: 403, reason: 'Forbidden' });
    return;
  }
  if (!(await knowCaller(ctx, live, leg))) {
    await refuse(live, leg, UNKNOWN_CALLER);
    return;
  }
  try {
    const pin = route.rule && pinOf(ctx, route.rule);
    await (pin === null ? live.openVoice() : live.openGate(pin));
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

/** Throws SecretError when it was sealed with another master key: then nobody comes in. */
function pinOf(
  { secrets }: Pick<CallContext, 'secrets'>,
  { id, workspaceId, pinSealed }: DispatchRuleRow,
): string | null {
  return pinSealed && secrets.open({ workspaceId, table: 'dispatch_rules', id }, pinSealed);
}

/** The call's place in the room of its rule; null where it has a room of its own. */
async function seatOf(
  ctx: CallContext,
  leg: InboundLeg,
  { rule, roomName, agent, trunk }: OpenRoute,
  call: CallRow,
): Promise<RoomSeat | null> {
  if (!rule || roomName === null) return null;
  const target = { roomName, agent };
  try {
    return await joinInbound(ctx, { call, rule, target, trunk, request: leg.request });
  } catch (error) {
    // The caller is talked to all the same; a line without an agent has nobody to talk to.
    if (!agent) throw error;
    ctx.logger.error({ err: error, callId: call.id }, 'a call did not come into its room');
    return null;
  }
}

/** Asks who calls, before the greeting. False: somebody whom this agent does not talk to. */
async function knowCaller(ctx: CallContext, live: LiveCall, leg: InboundLeg): Promise<boolean> {
  const { call, agent, providerSecrets, usesUuids } = live.plan;
  const { lookup, unknown_callers: unknownCallers } = agent.inbound;
  if (lookup === null) return true;
  const result = await lookUpCaller({
    lookup,
    caller: call.fromNumber,
    ...idsFor(call, usesUuids),
    token: providerSecrets[LOOKUP_TOKEN] ?? null,
    fetch: ctx.safeFetch,
    signal: ctx.closing,
  });
  switch (result.type) {
    case 'known': {
      const problem = variablesProblem(result.variables as Record<string, JsonValue>);
      if (problem !== null) return warnOfLookup(live, problem);
      live.learn(result.variables, leg.sipCallId);
      return true;
    }
    case 'unknown':
      return unknownCallers === 'accept';
    // A list that cannot be read must not cost the calls of those who are on it.
    case 'failed':
      return warnOfLookup(live, result.message);
  }
}

function warnOfLookup(live: LiveCall, message: string): true {
  live.record.event({ type: 'call.warning', data: { code: 'caller-lookup', message } });
  return true;
}

/** Reserves the first period of the call. */
async function holdCredit(ctx: CallContext, { plan }: LiveCall): Promise<boolean> {
  const { ok } = await ctx.db.transaction((client) =>
    holdMoney(ctx, client, plan.call, plan.agent),
  );
  return ok;
}

/** Rings, then answers, with media where the offer has it. */
async function accept(live: LiveCall, leg: InboundLeg, attemptId: string): Promise<void> {
  // The caller hung up, or the call was stopped, while the agent was made ready.
  if (live.cause || leg.state === 'ended') return;
  const local = live.localAudio();
  const answer = leg.sdp === null ? null : answerOffer(leg.sdp, local);
  if (answer && !answer.ok) {
    await refuse(live, leg, {
      cause: { type: 'bad-sdp' },
      code: 488,
      reason: 'Not Acceptable Here',
      headers: [warningHeader(answer.error)],
    });
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

function headersOf({ code, headers = [] }: InboundRefusal): readonly SipHeader[] {
  return code === 503 ? [...RETRY_LATER, ...headers] : headers;
}

async function refuse(live: LiveCall, leg: InboundLeg, refusal: InboundRefusal): Promise<void> {
  const { cause, code, reason } = refusal;
  const ended = live.end(cause, { code, reason });
  if (leg.state !== 'ended') leg.reject(code, reason, headersOf(refusal));
  await ended;
}
