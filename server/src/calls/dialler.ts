import * as calls from '../db/queries/calls.ts';
import { downGateways } from '../db/queries/trunk-health.ts';
import * as line from '../db/queries/waiting-line.ts';
import { appendCallEvent } from '../events/event-log.ts';
import type { SipAddress } from '../sip/message.ts';
import { carrierProfile } from '../trunks/carrier-profiles.ts';
import { downLast, gatewaysInOrder } from '../trunks/routing.ts';
import { attemptIdentity, newSipCallId, type AttemptIdentity } from './attempt-identity.ts';
import type { CallContext } from './call-context.ts';
import { callEnd, type CallEndCause } from './call-end.ts';
import { zeroCost } from './call-cost.ts';
import { claimCall, type Claim } from './claim.ts';
import { inviteTurn } from './invite-pacing.ts';
import { glanceAtLimits } from './limits.ts';
import { encryptionProblem } from './leg-encryption.ts';
import type { CallPlan } from './call-plan.ts';
import { LiveCall } from './live-call.ts';
import { loadPlan, type KnownCall } from './load-plan.ts';
import { recordStatus } from './record-status.ts';
import { RoomElsewhereError } from './room-seat.ts';
import { runOutbound } from './outbound-call.ts';
import { PACE, park } from './waiting-line.ts';

/** A job that waited so long for a free slot goes back to the queue. */
const SLOT_WAIT_MS = 10_000;
/** A call whose turn in the trunk's line of INVITEs is later than this waits aside. */
const MAX_TURN_WAIT_MS = 5_000;
/** A gateway that was last asked so many periods ago says nothing about now. */
const HEALTH_PERIODS = 3;
/** What the commit of an attempt takes on a busy database. */
const CLAIM_LEAD_MS = 100;

/**
 * Does the job `call.dial`: waits for a free slot, makes the agent ready, commits the attempt, and
 * only then lets the INVITE leave. Resolves when the call is on its way, waits in line, or is not
 * ours to dial; rejects when the job should be delivered again. Delivering it twice is harmless.
 * @param signal ends the waiting for a slot.
 * @param known saves reading it; the claim looks at the stored call in any case.
 */
export function dialCall(
  ctx: CallContext,
  callId: string,
  signal: AbortSignal,
  known?: KnownCall,
): Promise<void> {
  // The same job delivered again while this node is at it.
  const begun = ctx.dialling.get(callId);
  if (begun) return begun;
  const dialled = dial(ctx, callId, signal, known).finally(() => ctx.dialling.delete(callId));
  ctx.dialling.set(callId, dialled);
  return dialled;
}

async function dial(
  ctx: CallContext,
  callId: string,
  signal: AbortSignal,
  known?: KnownCall,
): Promise<void> {
  if (ctx.live.has(callId)) return;
  const call = known?.call ?? (await calls.get(ctx.db.pool, callId));
  if (call?.status !== 'queued') return;
  const planned = await plan(ctx, call, known);
  if (!planned) return;
  const full = await whatIsFull(ctx, planned.plan);
  if (full !== null) {
    await park(ctx, callId, full);
    return;
  }
  const releaseSlot = await takeSlot(ctx, signal);
  let running = false;
  try {
    // A slot may have come late: it may be canceled by now.
    if (ctx.live.has(callId)) return;
    const live = await prepare(ctx, planned.plan);
    if (!live) return;
    running = true;
    void live.done.finally(() => {
      ctx.live.delete(callId);
      releaseSlot();
      ctx.placeFree();
    });
    await launch(ctx, live, planned.identities);
  } finally {
    if (!running) releaseSlot();
  }
}

interface Planned {
  plan: CallPlan;
  /** One for each gateway, in the order in which they are dialled. */
  identities: readonly AttemptIdentity[];
}

/** What the call is run with; null when it ended here. */
async function plan(
  ctx: CallContext,
  call: calls.CallRow,
  known: KnownCall | undefined,
): Promise<Planned | null> {
  const sipCallId = newSipCallId();
  let loaded: Awaited<ReturnType<typeof loadPlan>>;
  try {
    loaded = await loadPlan(ctx, call, sipCallId, known);
  } catch (error) {
    await refuse(ctx, call, { type: 'agent-not-ready' }, error);
    return null;
  }
  if (typeof loaded === 'string') {
    await refuse(ctx, call, { type: loaded }, null);
    return null;
  }
  const { trunk } = loaded;
  const targets = await targetsToTry(ctx, trunk);
  const problems = targets.map(({ address }) =>
    encryptionProblem(trunk.mediaEncryption, address.transport),
  );
  const [problem = null] = problems;
  if (problem !== null && !problems.includes(null)) {
    await refuse(ctx, call, { type: 'bad-sdp' }, new Error(problem), 'media-encryption');
    return null;
  }
  const usable = targets.filter((_target, index) => problems[index] === null);
  const { reliableProvisionals } = carrierProfile(trunk.provider);
  const identities = usable.map(({ gateway, address }, index) =>
    attemptIdentity({
      nowMs: ctx.clock.now(),
      trunk,
      gateway,
      target: address,
      reliableProvisionals,
      fromNumber: call.fromNumber,
      toNumber: call.toNumber,
      localHost: ctx.localHost,
      ...(index === 0 && { sipCallId }),
      displayName: loaded.seat?.leg.displayName,
    }),
  );
  return { plan: loaded, identities };
}

/** One address of a gateway. */
interface DialTarget {
  gateway: CallPlan['trunk']['gateways'][number];
  address: SipAddress;
}

/** More addresses than this are not tried for one call. */
const MAX_TARGETS = 20;

/**
 * Every address of every gateway (RFC 3263 §4); those that asked to be left alone, or were silent a
 * moment ago, come last. The sandbox's are there to be tried.
 */
async function targetsToTry(ctx: CallContext, trunk: CallPlan['trunk']): Promise<DialTarget[]> {
  const gateways = await gatewaysToTry(ctx, trunk);
  const found = await Promise.all(
    gateways.map(async (gateway) => {
      const addresses = await ctx.ua.locate(gateway);
      return addresses.map((address): DialTarget => ({ gateway, address }));
    }),
  );
  const all = found.flat();
  const ordered = trunk.sandbox ? all : ctx.ua.greylist.last(all, ({ address }) => address);
  return ordered.slice(0, MAX_TARGETS);
}

/** Every gateway, those that are known to be down last. */
async function gatewaysToTry(
  ctx: CallContext,
  { id, workspaceId, gateways, qualifyFrequencyS }: CallPlan['trunk'],
): Promise<CallPlan['trunk']['gateways']> {
  const inOrder = gatewaysInOrder(gateways);
  if (qualifyFrequencyS === 0 || inOrder.length < 2) return inOrder;
  const since = new Date(ctx.clock.now() - HEALTH_PERIODS * qualifyFrequencyS * 1_000);
  const down = await downGateways(ctx.db.pool, workspaceId, id, since);
  return downLast(inOrder, ({ host, port, transport }) =>
    down.has(`${host.includes(':') ? `[${host}]` : host}:${port};${transport}`),
  );
}

/** What the call would have to wait for now; null: nothing. A glance: the claim looks again. */
async function whatIsFull(
  ctx: CallContext,
  { call, trunk, limits }: CallPlan,
): Promise<string | null> {
  const { pool } = ctx.db;
  const { workspaceId, id: callId } = call;
  const scope = { workspaceId, trunkId: trunk.id, agentId: call.agentId ?? '', callId };
  const full = await glanceAtLimits(pool, scope, limits);
  if (full) return full.key;
  if (trunk.callsPerSecond === null) return null;
  // Where the last turn taken here was due at once there is no line worth a look.
  if ((ctx.linesUntilMs.get(trunk.id) ?? 0) <= ctx.clock.monotonicMs()) return null;
  return (await line.aheadMs(pool, trunk.id)) > MAX_TURN_WAIT_MS ? paceKey(trunk) : null;
}

/** Waits for a while only: another node may have a free slot. */
async function takeSlot(ctx: CallContext, signal: AbortSignal): Promise<() => void> {
  const limit = new AbortController();
  const timer = ctx.clock.setTimer(SLOT_WAIT_MS, () =>
    limit.abort(new Error('every call slot of this node is taken')),
  );
  try {
    return await ctx.slots.take(AbortSignal.any([signal, limit.signal, ctx.closing]));
  } finally {
    timer.cancel();
  }
}

/** The call with its agent ready to speak; null when it ended here. */
async function prepare(ctx: CallContext, callPlan: CallPlan): Promise<LiveCall | null> {
  const { call } = callPlan;
  const live = new LiveCall(ctx, callPlan);
  ctx.live.set(call.id, live);
  try {
    await live.openVoice();
    return live;
  } catch (error) {
    ctx.live.delete(call.id);
    // A node that is ending refuses everything, and a room is mixed in one place only: the job goes
    // to another node.
    if (ctx.closing.aborted || error instanceof RoomElsewhereError) throw error;
    await refuse(ctx, call, { type: 'agent-not-ready' }, error);
    return null;
  }
}

/** Waits for the trunk's turn, commits the first attempt, then runs the call in the background. */
async function launch(
  ctx: CallContext,
  live: LiveCall,
  identities: readonly AttemptIdentity[],
): Promise<void> {
  const { call, trunk } = live.plan;
  const [first] = identities as [AttemptIdentity, ...AttemptIdentity[]];
  let claim: Claim = { type: 'lost' };
  let full: string | null = null;
  try {
    const turn = await inviteTurn(ctx, trunk, MAX_TURN_WAIT_MS);
    if (turn === 'later') {
      full = paceKey(trunk);
      return;
    }
    // The commit takes some milliseconds; the INVITE waits for the turn, not for the commit.
    const untilClaimMs = Math.max(0, turn.leftMs() - CLAIM_LEAD_MS);
    await ctx.clock.sleep(untilClaimMs, live.stopping).catch(() => undefined);
    if (live.cause) {
      // The node shuts down, or the worker died: nothing was committed, so another may dial.
      throw new Error(`not dialled here: ${live.cause.type}`);
    }
    claim = await claimCall(ctx, live.plan, first);
    if (claim.type === 'full') full = claim.limit.key;
    if (claim.type === 'ours' && turn.leftMs() > 0) {
      await ctx.clock.sleep(turn.leftMs(), live.stopping).catch(() => undefined);
    }
  } finally {
    if (claim.type !== 'ours') await live.discard();
    if (full !== null) await park(ctx, call.id, full);
  }
  if (claim.type !== 'ours') return;
  void runOutbound(ctx, live, identities).catch((error: unknown) => {
    ctx.logger.error({ err: error, callId: call.id }, 'a call ended by a mistake of ours');
    void live.stop({ type: 'platform-error' });
    void live.finish();
  });
}

function paceKey(trunk: { id: string }): string {
  return `${PACE}:${trunk.id}`;
}

/** Ends a queued call that cannot be dialled. */
async function refuse(
  ctx: CallContext,
  call: calls.CallRow,
  cause: CallEndCause,
  error: unknown,
  code: 'agent-not-ready' | 'media-encryption' = 'agent-not-ready',
): Promise<void> {
  const end = callEnd(cause, { direction: call.direction, answered: false, sip: null });
  const message = error instanceof Error ? error.message : null;
  const events = await ctx.db.transaction(async (client) => {
    const patch = {
      endReason: end.endReason,
      endedBy: end.endedBy,
      endedAt: new Date(ctx.clock.now()),
      cost: zeroCost(),
    };
    const recorded = await recordStatus(client, call.id, end.status, patch, ['queued']);
    if (!recorded) return [];
    if (message === null) return recorded.events;
    const warning = await appendCallEvent(client, call.id, {
      type: 'call.warning',
      data: { code, message },
    });
    return [...recorded.events, warning];
  });
  for (const event of events) ctx.feed.publish(event);
  ctx.logger.warn({ err: error, callId: call.id, endReason: end.endReason }, 'call not dialled');
}
