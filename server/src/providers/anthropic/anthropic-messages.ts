import type { LlmMessage } from '../llm.ts';
import { parsedArguments } from '../net/tool-arguments.ts';
import type { ThinkingMemory } from './thinking-memory.ts';

type Block = Record<string, unknown>;
type Role = 'user' | 'assistant';

/** A talk as Anthropic takes it: the system text apart, roles in turn, a user first, no empty text. */
export function toAnthropicMessages(
  messages: readonly LlmMessage[],
  memory: ThinkingMemory,
): { system: string; messages: { role: Role; content: Block[] }[] } {
  const system: string[] = [];
  const turns: { role: Role; content: Block[] }[] = [];
  for (const message of messages) {
    if (message.role === 'system') {
      system.push(message.content);
      continue;
    }
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const blocks = blocksOf(message, memory);
    if (blocks.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else turns.push({ role, content: blocks });
  }
  // The agent has the first word on the phone, the API wants a user's.
  if (turns[0]?.role !== 'user') {
    turns.unshift({ role: 'user', content: [{ type: 'text', text: '[The call has begun.]' }] });
  }
  return { system: system.join('\n\n'), messages: turns };
}

function blocksOf(
  message: Exclude<LlmMessage, { role: 'system' }>,
  memory: ThinkingMemory,
): Block[] {
  if (message.role === 'tool') {
    const { toolCallId, content } = message;
    return [{ type: 'tool_result', tool_use_id: toolCallId, content }];
  }
  // Text of white space only is refused.
  const text = message.content.trim();
  const said: Block[] = text === '' ? [] : [{ type: 'text', text }];
  if (message.role !== 'assistant') return said;
  const { toolCalls = [] } = message;
  const calls = toolCalls.map(({ id, name, argumentsJson }) => ({
    type: 'tool_use',
    id,
    name,
    input: parsedArguments(argumentsJson),
  }));
  return [...memory.before(toolCalls[0]?.id), ...said, ...calls];
}
