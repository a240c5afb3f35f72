import type { LlmEvent, LlmProvider, LlmRequest } from '../providers/llm.ts';

/** Tokens used so far. */
export interface LlmUsageCount {
  inputTokens: number;
  outputTokens: number;
}

/** `llm`, counting into `count` what it uses. */
export function meteredLlm(llm: LlmProvider, count: LlmUsageCount): LlmProvider {
  return {
    name: llm.name,
    async *stream(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
      for await (const event of llm.stream(request)) {
        if (event.type === 'done' && event.usage !== null) {
          count.inputTokens += event.usage.inputTokens;
          count.outputTokens += event.usage.outputTokens;
        }
        yield event;
      }
    },
  };
}
