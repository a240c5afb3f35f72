import type { AgentConfig } from '../../agents/agent-config.ts';
import { renderVariables } from '../../agents/variables.ts';
import type { LlmProvider } from '../../providers/llm.ts';
import type { AnsweringPlan } from './answering.ts';
import { chooseKeys } from './menu-model.ts';

/** What an agent does about who answers, its variables filled in; null: it does not ask. */
export function answeringPlan(
  config: AgentConfig,
  ownVariables: Readonly<Record<string, string>>,
  llm: LlmProvider | null,
): AnsweringPlan | null {
  const { answering } = config;
  if (!answering.detect) return null;
  const variables = { ...config.variables, ...ownVariables };
  const render = (template: string | null): string | null => {
    const text = template === null ? '' : renderVariables(template, variables).text.trim();
    return text === '' ? null : text;
  };
  const goal = render(config.prompt) ?? config.name;
  return {
    config: answering,
    message: render(answering.message),
    screeningAnswer: render(answering.screening_answer),
    chooseKeys:
      config.type === 'llm' && llm !== null
        ? (menu, signal) => chooseKeys(llm, goal, menu, signal)
        : null,
  };
}
