import type { LlmMessage, LlmToolCall } from '../../providers/llm.ts';

/** A tool that ran in an exchange. */
export interface RanTool {
  call: LlmToolCall;
  content: string;
  /** The call ends with it; void when the caller interrupts the goodbye. */
  final: boolean;
}

/** What one side said and what the other heard of the answer. */
export interface Exchange {
  /** Null: the agent spoke of its own accord. */
  caller: string | null;
  /** What the caller heard; null: nothing yet. */
  heard: string | null;
  tools: RanTool[];
}

const MAX_EXCHANGES = 200;

/** The conversation as it happened: an answer that was not heard was not given. */
export class LlmHistory {
  readonly #exchanges: Exchange[] = [];

  /** Adds an exchange that is filled in as it goes on; the oldest are forgotten after 200. */
  add(caller: string | null): Exchange {
    const exchange: Exchange = { caller, heard: null, tools: [] };
    this.#exchanges.push(exchange);
    if (this.#exchanges.length > MAX_EXCHANGES) this.#exchanges.shift();
    return exchange;
  }

  /** What the caller heard last; empty: nothing. */
  get lastHeard(): string {
    return this.#exchanges.findLast(({ heard }) => heard !== null)?.heard ?? '';
  }

  /** @param without an exchange to leave out; null: none. */
  messages(without: Exchange | null = null): LlmMessage[] {
    return this.#exchanges
      .filter((exchange) => exchange !== without)
      .flatMap((exchange) => messagesOf(exchange));
  }
}

function messagesOf({ caller, heard, tools }: Exchange): LlmMessage[] {
  const messages: LlmMessage[] = [];
  if (caller !== null) messages.push({ role: 'user', content: caller });
  messages.push(...toolMessages(tools));
  if (heard !== null && heard !== '') messages.push({ role: 'assistant', content: heard });
  return messages;
}

/** The pair of messages that a model expects of each tool that it called. */
export function toolMessages(tools: readonly RanTool[]): LlmMessage[] {
  if (tools.length === 0) return [];
  return [
    { role: 'assistant', content: '', toolCalls: tools.map(({ call }) => call) },
    ...tools.map(({ call, content }): LlmMessage => ({
      role: 'tool',
      toolCallId: call.id,
      content,
    })),
  ];
}
