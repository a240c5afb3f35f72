import * as agents from '../db/queries/agents.ts';
import * as rules from '../db/queries/dispatch-rules.ts';
import * as numbers from '../db/queries/numbers.ts';
import type { ApiContext } from './api-context.ts';

/**
 * Deletes an agent and what would lead to it: its numbers and dispatch rules have no agent then,
 * and its calls that were not dialled yet are canceled. Its other calls stay, live ones go on.
 * False when there is no such agent.
 */
export async function deleteAgent(
  context: Pick<ApiContext, 'database' | 'calls'>,
  workspaceId: string,
  agentId: string,
): Promise<boolean> {
  const tenant = context.database.tenant(workspaceId);
  if (!(await agents.get(tenant, workspaceId, agentId))) return false;
  await context.calls.stopQueuedOfAgent(workspaceId, agentId);
  const deleted = await tenant.transaction(async (client) => {
    await numbers.unassignAgent(client, workspaceId, agentId);
    await rules.unassignAgent(client, workspaceId, agentId);
    return agents.softDelete(client, workspaceId, agentId);
  });
  // Those that were placed between the two steps.
  await context.calls.stopQueuedOfAgent(workspaceId, agentId);
  return deleted;
}
