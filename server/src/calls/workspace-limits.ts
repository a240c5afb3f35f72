import type { AgentConfig } from '../agents/agent-config.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import * as workspaces from '../db/queries/workspaces.ts';
import type { CallLimits } from './limits.ts';

/** How many calls may run at once where this one would run. */
export async function limitsOf(
  client: Queryable,
  workspaceId: string,
  trunk: Pick<TrunkRow, 'maxConcurrentCalls'> | null,
  agent: Pick<AgentConfig, 'max_concurrent_calls'> | null,
): Promise<CallLimits> {
  const workspace = await workspaces.get(client, workspaceId);
  return {
    workspace: workspace?.maxConcurrentCalls ?? null,
    trunk: trunk?.maxConcurrentCalls ?? null,
    agent: agent?.max_concurrent_calls ?? null,
  };
}
