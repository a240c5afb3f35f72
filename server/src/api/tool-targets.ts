import type { AgentConfig } from '../agents/agent-config.ts';
import type { FieldProblem } from './errors.ts';

/** The first tool of an agent whose address would never be asked; null: there is none. */
export function toolTargetProblem(
  { tools }: Pick<AgentConfig, 'tools'>,
  checkTargetUrl: (url: string) => string | null,
): FieldProblem | null {
  for (const [index, tool] of tools.entries()) {
    if (tool.type !== 'http') continue;
    // What stands for a placeholder is behind the host.
    const problem = checkTargetUrl(tool.request.url.replace(/\{\{?[^{}]*\}\}?/g, 'x'));
    if (problem !== null) return { field: `tools.${index}.request.url`, problem };
  }
  return null;
}
