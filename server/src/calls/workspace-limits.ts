import type { AgentConfig } from '../agents/agent-config.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import type { WorkspaceRow } from '../db/queries/workspaces.ts';
import type { CallLimits } from './limits.ts';

/** How many calls may run at once where this one would run. */
export function limitsOf(
  workspace: Pick<WorkspaceRow, 'maxConcurrentCalls'> | null,
  trunk: Pick<TrunkRow, 'maxConcurrentCalls'> | null,
  agent: Pick<AgentConfig, 'max_concurrent_calls'> | null,
): CallLimits {
  return {
    workspace: workspace?.maxConcurrentCalls ?? null,
    trunk: trunk?.maxConcurrentCalls ?? null,
    agent: agent?.max_concurrent_calls ?? null,
  };
}
