import * as agents from '../db/queries/agents.ts';
import type * as calls from '../db/queries/calls.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { CallContext } from './call-context.ts';
import { usableAgent } from './admission.ts';
import type { CallPlan } from './live-call.ts';

/**
 * Everything that a stored call is run with, as it is now.
 * @throws Error with one sentence when the agent cannot run; what is wrong with the trunk is a value.
 */
export async function loadPlan(
  ctx: CallContext,
  call: calls.CallRow,
): Promise<CallPlan | 'trunk-inactive' | 'trunk-secret'> {
  const { pool } = ctx.db;
  const trunk =
    call.trunkId === null
      ? null
      : await trunks.getWithGateways(pool, call.workspaceId, call.trunkId);
  if (!trunk?.active || !trunk.outboundEnabled || trunk.gateways.length === 0) {
    return 'trunk-inactive';
  }
  const agent =
    call.agentId === null ? null : await agents.get(pool, call.workspaceId, call.agentId);
  if (!agent) throw new Error('the agent was deleted before the call was dialled');
  const runnable = runnableAgent(ctx, agent);
  try {
    return planOf(call, trunk, runnable, credentialsOf(ctx, trunk));
  } catch (error) {
    ctx.logger.error({ err: error, trunkId: trunk.id }, 'the trunk’s password cannot be opened');
    return 'trunk-secret';
  }
}

/** The plan from what is at hand; cannot fail. */
export function planOf(
  call: calls.CallRow,
  trunk: trunks.TrunkWithGateways,
  runnable: RunnableAgent,
  credentials: CallPlan['credentials'],
): CallPlan {
  return {
    ...runnable,
    call,
    trunk,
    credentials,
    variables: { ...runnable.agent.variables, ...textOnly(call.variables) },
  };
}

/** Throws SecretError when the password was sealed with another master key. */
function credentialsOf(ctx: CallContext, trunk: trunks.TrunkWithGateways): CallPlan['credentials'] {
  const { workspaceId, id, authUsername, authPasswordSealed } = trunk;
  if (authUsername === null || authPasswordSealed === null) return null;
  const place = { workspaceId, table: 'trunks', id };
  return { username: authUsername, password: ctx.secrets.open(place, authPasswordSealed) };
}

/** An agent with everything that it needs besides a call. */
export type RunnableAgent = Pick<CallPlan, 'agent' | 'providerSecrets'>;

/** Throws Error with one sentence when the agent cannot run. */
export function runnableAgent(ctx: CallContext, agentRow: agents.AgentRow): RunnableAgent {
  return {
    agent: usableAgent(agentRow),
    providerSecrets: Object.fromEntries(
      Object.entries(agentRow.secrets).map(([provider, sealed]) => [
        provider,
        ctx.secrets.open(
          { workspaceId: agentRow.workspaceId, table: 'agents', id: agentRow.id },
          sealed,
        ),
      ]),
    ),
  };
}

function textOnly(variables: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}
