import type { AgentRow } from '../db/queries/agents.ts';
import * as rules from '../db/queries/dispatch-rules.ts';
import * as numbers from '../db/queries/numbers.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import type { InboundLeg } from '../sip/leg.ts';
import type { CallContext } from './call-context.ts';
import { calledNumber, calledNumbers, calledText, callerIdentity } from './inbound-target.ts';
import { encryptionProblem, warningHeader } from './leg-encryption.ts';
import { isSomebodyIn, targetOfRule } from './rooms/join-inbound.ts';
import type { InboundRefusal, InboundTarget } from './store-inbound.ts';

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
/** Numbers as a trunk names them beside others that name them too. */
const SHARED_NUMBERS = 'shared_numbers';
const UNAVAILABLE = { code: 480, reason: 'Temporarily Unavailable' };

/** A call that nobody takes, of somebody whom we know. */
export interface RefusedRoute {
  target: InboundTarget;
  refusal: InboundRefusal;
}

/** A route that can take a call now. */
export interface OpenRoute {
  target: InboundTarget;
  trunk: TrunkWithGateways;
  /** Null: nobody of ours speaks; the caller comes into a room in which somebody is. */
  agent: AgentRow | null;
  /** The dispatch rule that it follows, where no number names the agent. */
  rule: rules.DispatchRuleRow | null;
  /** The room that the rule leads to; null: one that nobody else comes into. */
  roomName: string | null;
}

/**
 * Where a call goes, or why it goes nowhere: the number called has an agent, else a dispatch rule
 * names one. Null: nobody knows whose call it is.
 */
export async function findInboundRoute(
  ctx: CallContext,
  leg: InboundLeg,
  trunkIds: readonly string[],
): Promise<OpenRoute | RefusedRoute | null> {
  const { pool } = ctx.db;
  const caller = callerIdentity(leg.request);
  const route = await findNumber(pool, calledNumbers(leg.request), trunkIds);
  if (!route) {
    return routeByRule(ctx, leg, { trunkIds, called: calledNumber(leg.request), caller });
  }
  const { number, agent } = route;
  const trunk = await trunkFor(pool, route, trunkIds, caller);
  const target: InboundTarget = {
    workspaceId: number.workspaceId,
    trunkId: trunk.id,
    agentId: agent?.id ?? null,
    to: number.e164,
  };
  const refusal = trunkRefusal(trunk, caller, leg);
  if (refusal) return { target, refusal };
  if (agent) return { target, trunk, agent, rule: null, roomName: null };
  const call = { workspaceId: number.workspaceId, trunkId: trunk.id, called: number.e164, caller };
  const rule = await rules.findRule(pool, call);
  return rule
    ? followRule(ctx, { target, trunk, rule, caller })
    : { target, refusal: nobody('the number has no agent') };
}

/** A number of a trunk that this source does not speak for looks like one that does not exist. */
async function findNumber(
  pool: Queryable,
  called: readonly string[],
  trunkIds: readonly string[],
): Promise<numbers.NumberRoute | null> {
  for (const number of called) {
    const route = await numbers.findInbound(pool, number);
    if (route && trunkIds.includes(route.trunk.id)) return route;
  }
  return null;
}

/** Trunks may share a number, each for callers of its own: the one that names this caller, if any. */
async function trunkFor(
  pool: Queryable,
  { number, trunk }: numbers.NumberRoute,
  trunkIds: readonly string[],
  caller: string,
): Promise<TrunkWithGateways> {
  if (!(SHARED_NUMBERS in trunk.doorData) || trunkIds.length < 2) return trunk;
  if (trunk.allowedCallers.includes(caller)) return trunk;
  const others = trunkIds.filter((id) => id !== trunk.id);
  const { workspaceId, e164 } = number;
  const written = [e164, e164.slice(1)];
  const other = await trunks.findForCaller(pool, {
    workspaceId,
    trunkIds: others,
    written,
    caller,
  });
  if (!other) return trunk;
  return other.allowedCallers.length > 0 || trunk.allowedCallers.length > 0 ? other : trunk;
}

/** A number that is none of ours may still match a rule of the trunk that it came by. */
async function routeByRule(
  ctx: CallContext,
  leg: InboundLeg,
  {
    trunkIds,
    called,
    caller,
  }: { trunkIds: readonly string[]; called: string | null; caller: string },
): Promise<OpenRoute | RefusedRoute | null> {
  const { pool } = ctx.db;
  const to = called ?? calledText(leg.request);
  // Where a source speaks for several workspaces, nothing says whose call it is.
  const { workspaceId, trunkIds: candidates } = await ownerOf(pool, trunkIds);
  if (workspaceId === null) return unknownNumber(ctx, leg, called, null);
  const trunkId = candidates.length === 1 ? (candidates[0] ?? null) : null;
  for (const id of candidates) {
    const rule = await rules.findRule(pool, { workspaceId, trunkId: id, called: to, caller });
    const trunk = rule && (await trunks.getWithGateways(pool, workspaceId, id));
    // A rule for every number of every trunk is no answer to a number that nobody has.
    if (!trunk || (rule.trunkIds.length === 0 && rule.calledNumbers.length === 0)) continue;
    const target: InboundTarget = { workspaceId, trunkId: id, agentId: rule.agentId, to };
    const refusal = trunkRefusal(trunk, caller, leg);
    return refusal ? { target, refusal } : followRule(ctx, { target, trunk, rule, caller });
  }
  return unknownNumber(ctx, leg, called, { workspaceId, trunkId, agentId: null, to });
}

/**
 * Whose call it is that came by one of these trunks; a null workspace: nobody can tell. One that is
 * switched off is not in the way of those that are on.
 */
async function ownerOf(
  pool: Queryable,
  trunkIds: readonly string[],
): Promise<{ workspaceId: string | null; trunkIds: readonly string[] }> {
  const owners = await trunks.ownersOf(pool, trunkIds);
  const active = owners.filter((trunk) => trunk.active);
  const speaking = active.length > 0 ? active : owners;
  const workspaces = new Set(speaking.map(({ workspaceId }) => workspaceId));
  const [workspaceId = null] = workspaces.size === 1 ? workspaces : [];
  const ids = new Set(speaking.map(({ id }) => id));
  return { workspaceId, trunkIds: trunkIds.filter((id) => ids.has(id)) };
}

async function followRule(
  ctx: CallContext,
  {
    target,
    trunk,
    rule,
    caller,
  }: Pick<OpenRoute, 'target' | 'trunk'> & { rule: rules.DispatchRuleRow; caller: string },
): Promise<OpenRoute | RefusedRoute> {
  const { pool } = ctx.db;
  const { roomName, agent } = await targetOfRule(pool, rule, { called: target.to, caller });
  const isShared = rule.room !== '' || rule.kind !== 'direct';
  if (!agent && !(isShared && (await isSomebodyIn(pool, rule.workspaceId, roomName)))) {
    return { target, refusal: nobody(`dispatch rule ${rule.id} has no agent`) };
  }
  return {
    target: { ...target, agentId: agent?.id ?? null },
    trunk,
    agent,
    rule,
    roomName: isShared ? roomName : null,
  };
}

function unknownNumber(
  ctx: CallContext,
  leg: InboundLeg,
  number: string | null,
  target: InboundTarget | null,
): RefusedRoute | null {
  const fields = { sipCallId: leg.sipCallId, pii: { number } };
  ctx.logger.info(fields, 'inbound call to no number of ours');
  if (target) return { target, refusal: UNKNOWN_NUMBER };
  leg.reject(UNKNOWN_NUMBER.code, UNKNOWN_NUMBER.reason);
  return null;
}

function trunkRefusal(
  trunk: TrunkWithGateways,
  caller: string,
  { source }: InboundLeg,
): InboundRefusal | null {
  const { active, inboundEnabled, allowedCallers } = trunk;
  if (!active || !inboundEnabled) return { cause: { type: 'trunk-inactive' }, ...UNAVAILABLE };
  if (allowedCallers.length > 0 && !allowedCallers.includes(caller)) return CALLER_NOT_ALLOWED;
  const problem = encryptionProblem(trunk.mediaEncryption, source.transport);
  return problem === null ? null : unsafeKeys(problem);
}

function unsafeKeys(message: string): InboundRefusal {
  return {
    cause: { type: 'bad-sdp' },
    code: 488,
    reason: 'Not Acceptable Here',
    message,
    warning: 'media-encryption',
    headers: [warningHeader({ code: 'unsupported-transport', message })],
  };
}

function nobody(message: string): InboundRefusal {
  return { cause: { type: 'agent-not-ready' }, ...UNAVAILABLE, message };
}
