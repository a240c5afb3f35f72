import type { AgentConfig } from '../agents/agent-config.ts';
import { flattenVariables } from '../agents/variables.ts';
import * as agents from '../db/queries/agents.ts';
import * as bolnaAgents from '../db/queries/bolna-agents.ts';
import type * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as trunks from '../db/queries/trunks.ts';
import * as workspaces from '../db/queries/workspaces.ts';
import { usableAgent } from './admission.ts';
import { agentSecrets, toolSecrets } from './agent-check.ts';
import type { CallContext } from './call-context.ts';
import type { CallPlan } from './call-plan.ts';
import { recordingConsent, withConsent } from './recording-consent.ts';
import { ROOM_LEG } from './room-leg-config.ts';
import { findSeat, type RoomSeat } from './room-seat.ts';
import { firstZone, systemVariables } from './system-variables.ts';
import { limitsOf } from './workspace-limits.ts';

/** A call that was stored a moment ago, with what its admission read; the rest is read anew. */
export interface KnownCall {
  call: calls.CallRow;
  trunk: trunks.TrunkWithGateways;
  /** Null: none of ours speaks. */
  agentRow: agents.AgentRow | null;
  workspace: workspaces.WorkspaceRow | null;
  seat?: RoomSeat | null;
}

/**
 * Everything that a stored call is run with, as it is now.
 * @param sipCallId Call-ID of its first INVITE.
 * @throws Error with one sentence when the agent cannot run; what is wrong with the trunk is a value.
 */
export async function loadPlan(
  ctx: CallContext,
  call: calls.CallRow,
  sipCallId: string,
  known?: KnownCall,
): Promise<CallPlan | 'trunk-inactive' | 'trunk-secret'> {
  const { pool } = ctx.db;
  const trunk =
    call.trunkId === null
      ? null
      : (known?.trunk ?? (await trunks.getWithGateways(pool, call.workspaceId, call.trunkId)));
  if (!trunk?.active || !trunk.outboundEnabled || trunk.gateways.length === 0) {
    return 'trunk-inactive';
  }
  // Asked for beside what the agent needs: nothing of it depends on the other.
  const consent = recordingConsent(ctx, call, trunk);
  const seat = known?.seat === undefined ? await findSeat(pool, call.id) : known.seat;
  const runnable = await runnableOf(ctx, call, seat, known);
  let credentials: CallPlan['credentials'];
  try {
    credentials = credentialsOf(ctx, trunk);
  } catch (error) {
    ctx.logger.error({ err: error, trunkId: trunk.id }, 'the trunk’s password cannot be opened');
    return 'trunk-secret';
  }
  const plan = planOf(ctx, { call, trunk, runnable, credentials, sipCallId, seat });
  return withConsent(plan, await consent);
}

/** The agent that speaks; a leg of a room may have none. @throws Error with one sentence. */
async function runnableOf(
  ctx: CallContext,
  call: calls.CallRow,
  seat: RoomSeat | null,
  known: KnownCall | undefined,
): Promise<RunnableAgent> {
  const { pool } = ctx.db;
  if (call.agentId === null && seat) return runnableLine(ctx, call.workspaceId);
  const agent =
    call.agentId === null
      ? null
      : (known?.agentRow ?? (await agents.get(pool, call.workspaceId, call.agentId)));
  if (!agent) throw new Error('the agent was deleted before the call was dialled');
  return runnableAgent(ctx, pool, agent, known?.workspace ?? null);
}

/** A line of a room in which none of ours speaks. @throws Error with one sentence. */
export async function runnableLine(
  ctx: Pick<CallContext, 'db'>,
  workspaceId: string,
): Promise<RunnableAgent> {
  const workspace = await workspaces.get(ctx.db.pool, workspaceId);
  if (!workspace) throw new Error('the workspace of the call is gone');
  return { agent: ROOM_LEG, workspace, providerSecrets: {}, toolSecrets: {}, isBolnas: false };
}

/** The plan from what is at hand; cannot fail. */
export function planOf(
  ctx: Pick<CallContext, 'clock'>,
  parts: Pick<CallPlan, 'call' | 'trunk' | 'credentials'> & {
    runnable: RunnableAgent;
    sipCallId: string;
    /** What a lookup knows about the caller. */
    caller?: Readonly<Record<string, unknown>>;
    seat?: RoomSeat | null;
  },
): CallPlan {
  const { call, runnable, credentials, sipCallId, caller } = parts;
  const { agent, providerSecrets, workspace } = runnable;
  const given = { ...agent.variables, ...flattenVariables({ ...caller, ...call.variables }) };
  const timezone = firstZone(given['timezone'], call.timezone, workspace.timezone);
  const nowMs = ctx.clock.now();
  const usesUuids = runnable.isBolnas || call.door === 'bolna';
  return {
    call,
    trunk: {
      ...parts.trunk,
      ringTimeoutMs: call.ringTimeoutMs ?? parts.trunk.ringTimeoutMs,
      headers: { ...parts.trunk.headers, ...parts.seat?.leg.headers },
      mediaEncryption: parts.seat?.leg.mediaEncryption ?? parts.trunk.mediaEncryption,
      codecs: parts.seat?.leg.codecs ?? parts.trunk.codecs,
    },
    credentials,
    seat: parts.seat ?? null,
    providerSecrets,
    toolSecrets: runnable.toolSecrets,
    guarded: workspace.parentId !== null,
    agent: { ...agent, max_duration_s: maxDurationOf(call, agent, parts.trunk) },
    limits: limitsOf(workspace, parts.trunk, agent),
    variables: { ...given, ...systemVariables(call, { sipCallId, timezone, nowMs, usesUuids }) },
    usesUuids,
  };
}

function maxDurationOf(
  call: Pick<calls.CallRow, 'maxDurationS'>,
  agent: Pick<AgentConfig, 'max_duration_s'>,
  trunk: Pick<trunks.TrunkRow, 'maxCallDurationS'>,
): number {
  return Math.min(call.maxDurationS ?? agent.max_duration_s, trunk.maxCallDurationS ?? Infinity);
}

/** Throws SecretError when the password was sealed with another master key. */
function credentialsOf(ctx: CallContext, trunk: trunks.TrunkWithGateways): CallPlan['credentials'] {
  const { workspaceId, id, authUsername, authPasswordSealed } = trunk;
  if (authUsername === null || authPasswordSealed === null) return null;
  const place = { workspaceId, table: 'trunks', id };
  return { username: authUsername, password: ctx.secrets.open(place, authPasswordSealed) };
}

/** An agent with everything that it needs besides a call. */
export type RunnableAgent = Pick<CallPlan, 'agent' | 'providerSecrets' | 'toolSecrets'> & {
  workspace: Pick<workspaces.WorkspaceRow, 'timezone' | 'maxConcurrentCalls' | 'parentId'>;
  /** Made at Bolna's API, whose clients know ids as UUIDs. */
  isBolnas: boolean;
};

/** Throws Error with one sentence when the agent cannot run. */
export async function runnableAgent(
  ctx: Pick<CallContext, 'secrets'>,
  client: Queryable,
  agentRow: agents.AgentRow,
  known: workspaces.WorkspaceRow | null = null,
): Promise<RunnableAgent> {
  const agent = usableAgent(agentRow);
  const workspace = known ?? (await workspaces.get(client, agentRow.workspaceId));
  if (!workspace) throw new Error('the workspace of the agent is gone');
  const [isBolnas, providerSecrets] = await Promise.all([
    bolnaAgents.has(client, agentRow.workspaceId, agentRow.id),
    agentSecrets(ctx, client, agentRow),
  ]);
  const own = toolSecrets(ctx, agentRow);
  return { agent, workspace, isBolnas, providerSecrets, toolSecrets: own };
}
