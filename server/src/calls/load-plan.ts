import * as agents from '../db/queries/agents.ts';
import type * as calls from '../db/queries/calls.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { CallContext } from './call-context.ts';
import { usableAgent } from './admission.ts';
import type { CallPlan } from './live-call.ts';

/**
 * Everything that a stored call is run with, as it is now.
 * @throws Error with one sentence when the agent cannot run; `trunk-inactive` is a value.
 */
export async function loadPlan(
  ctx: CallContext,
  call: calls.CallRow,
): Promise<CallPlan | 'trunk-inactive'> {
  const { pool } = ctx.db;
  const trunk =
    call.trunkId === null
      ? null
      : await trunks.getWithGateways(pool, call.workspaceId, call.trunkId);
  if (!trunk?.active || trunk.gateways.length === 0) return 'trunk-inactive';
  const agent =
    call.agentId === null ? null : await agents.get(pool, call.workspaceId, call.agentId);
  if (!agent) throw new Error('the agent was deleted before the call was dialled');
  return planOf(ctx, call, trunk, agent);
}

/** The plan from rows that are at hand. Throws when the agent cannot run. */
export function planOf(
  ctx: CallContext,
  call: calls.CallRow,
  trunk: trunks.TrunkWithGateways,
  agentRow: agents.AgentRow,
): CallPlan {
  const agent = usableAgent(agentRow);
  return {
    call,
    trunk,
    agent,
    variables: { ...agent.variables, ...textOnly(call.variables) },
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
