import type { AgentConfig } from '../agents/agent-config.ts';
import { allChoices } from '../providers/provider-config.ts';
import type { ApiContext } from './api-context.ts';

/** A field of an agent that names an endpoint which may not be asked. */
export interface EndpointProblem {
  /** `llm.base_url`, `stt.fallbacks.0.base_url`. */
  field: string;
  problem: string;
}

/**
 * Why an agent's providers may not be where their `base_url`s say; null: they may. The operator's
 * own workspaces may use some on this machine or beside it; a sub-account may not look around there.
 */
export async function modelEndpointProblem(
  { safeFetch, workspaces }: Pick<ApiContext, 'safeFetch' | 'workspaces'>,
  workspaceId: string,
  { stt, tts, llm }: Pick<AgentConfig, 'stt' | 'tts' | 'llm'>,
): Promise<EndpointProblem | null> {
  // The model of a scripted agent may read its calls afterwards.
  const [first] = allChoices({ type: 'llm', stt, tts, llm }).flatMap(({ path, choice }) => {
    const { base_url: url } = choice;
    const problem = url === undefined ? null : safeFetch.checkTargetUrl(url);
    return problem === null ? [] : [{ field: `${path}.base_url`, problem }];
  });
  if (!first) return null;
  const workspace = await workspaces.get(workspaceId, workspaceId);
  return workspace !== null && workspace.parentId === null ? null : first;
}
