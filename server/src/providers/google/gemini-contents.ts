import type { LlmMessage, LlmToolCall } from '../llm.ts';
import { parsedArguments } from '../net/tool-arguments.ts';
import type { ThoughtSignatures } from './thought-signatures.ts';

type Part = Record<string, unknown>;
type Role = 'user' | 'model';

/** A talk as Gemini takes it: the system text apart, roles in turn, tool results by name. */
export function toGeminiContents(
  messages: readonly LlmMessage[],
  signatures: ThoughtSignatures,
): { system: string; contents: { role: Role; parts: Part[] }[] } {
  const system: string[] = [];
  const contents: { role: Role; parts: Part[] }[] = [];
  const calls = new Map<string, LlmToolCall>();
  const add = (role: Role, parts: Part[]): void => {
    const last = contents.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else if (parts.length > 0) contents.push({ role, parts });
  };
  for (const message of messages) {
    switch (message.role) {
      case 'system':
        system.push(message.content);
        break;
      case 'user':
        add('user', textParts(message.content));
        break;
      case 'tool':
        add('user', [resultPart(message, calls, signatures)]);
        break;
      case 'assistant': {
        const parts = textParts(message.content);
        for (const call of message.toolCalls ?? []) {
          calls.set(call.id, call);
          parts.push(callPart(call, signatures));
        }
        add('model', parts);
        break;
      }
    }
  }
  if (contents[0]?.role !== 'user') {
    contents.unshift({ role: 'user', parts: [{ text: '[The call has begun.]' }] });
  }
  return { system: system.join('\n\n'), contents };
}

function textParts(text: string): Part[] {
  return text.trim() === '' ? [] : [{ text }];
}

function callPart({ id, name, argumentsJson }: LlmToolCall, signatures: ThoughtSignatures): Part {
  const signature = signatures.of(id);
  if (signature === undefined) return { text: `[I used the tool ${name}: ${argumentsJson}]` };
  return {
    functionCall: { id, name, args: parsedArguments(argumentsJson) },
    ...(signature !== null && { thoughtSignature: signature }),
  };
}

function resultPart(
  { toolCallId, content }: Extract<LlmMessage, { role: 'tool' }>,
  calls: ReadonlyMap<string, LlmToolCall>,
  signatures: ThoughtSignatures,
): Part {
  const name = calls.get(toolCallId)?.name;
  if (name === undefined || signatures.of(toolCallId) === undefined) {
    return { text: `[The tool ${name ?? ''} answered: ${content}]` };
  }
  return { functionResponse: { id: toolCallId, name, response: { output: content } } };
}
