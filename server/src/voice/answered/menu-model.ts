import type { LlmProvider } from '../../providers/llm.ts';

const KEYS = /^[0-9*#]{1,16}$/;
const GOAL_CHARS = 4_000;
const MENU_CHARS = 2_000;
/** Enough for the keys, and for a model that thinks aloud to be noticed. */
const MAX_TOKENS = 20;

/**
 * Asks the agent's model which keys to press in a menu.
 * @param goal what the agent is on the phone for.
 * @returns null where the menu has nothing for it, or goes on.
 */
export async function chooseKeys(
  llm: LlmProvider,
  goal: string,
  menu: string,
  signal: AbortSignal,
): Promise<string | null> {
  const request = {
    messages: [
      {
        role: 'system',
        content:
          'A phone menu has answered a call of ours. Choose the key that leads to a person or to what the call is about. ' +
          'Answer with the keys alone, such as 2, or with NONE when no option fits or the menu has not named its options yet.\n\n' +
          `What the call is about:\n${goal.slice(0, GOAL_CHARS)}`,
      },
      { role: 'user', content: `The menu said: ${menu.slice(-MENU_CHARS)}` },
    ],
    tools: [],
    temperature: 0,
    maxTokens: MAX_TOKENS,
    signal,
  } as const;
  let answer = '';
  for await (const event of llm.stream(request)) {
    if (event.type === 'text') answer += event.delta;
    if (answer.length > 200) break;
  }
  const keys = answer.trim().replace(/[.\s"'`]+/g, '');
  return KEYS.test(keys) ? keys : null;
}
