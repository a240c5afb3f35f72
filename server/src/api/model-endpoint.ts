import type { AgentConfig } from '../agents/agent-config.ts';
import type { ApiContext } from './api-context.ts';

/**
 * Why an agent's language model may not be where its `base_url` says; null: it may. The operator's
 * own workspaces may use one on this machine or beside it; a sub-account may not look around there.
 */
export async function modelEndpointProblem(
  { safeFetch, workspaces }: Pick<ApiContext, 'safeFetch' | 'workspaces'>,
  workspaceId: string,
  { llm }: Pick<AgentConfig, 'llm'>,
): Promise<string | null> {
  const problem = llm.base_url === undefined ? null : safeFetch.checkTargetUrl(llm.base_url);
  if (problem === null) return null;
  const workspace = await workspaces.get(workspaceId, workspaceId);
  return workspace !== null && workspace.parentId === null ? null : problem;
}
