import type { Clock } from '../../shared/clock.ts';
import type { LlmProvider } from '../llm.ts';

export interface FakeLlmOptions {
  clock: Clock;
  /** Time to the first token. Default 0. */
  latencyMs?: number;
  /** Time between tokens. Default 0: the rest follows at once. */
  tokenMs?: number;
  /**
   * The first for the caller's first turn, and so on, from the beginning again after the last: the
   * same request gets the same answer, however often it is made. Default: one polite sentence.
   */
  replies?: readonly string[];
}

const DEFAULT_REPLY = 'Thank you, I have noted that. Is there anything else I can do for you?';
/** Tokens are about this many to a word. */
const TOKENS_PER_WORD = 1.3;

/** A language model that takes its time and knows its answers. */
export function createFakeLlm(options: FakeLlmOptions): LlmProvider {
  const { clock, latencyMs = 0, tokenMs = 0, replies = [] } = options;
  return {
    name: 'fake-llm',
    async *stream({ messages, signal }) {
      signal.throwIfAborted();
      const turn = Math.max(0, messages.filter(({ role }) => role === 'user').length - 1);
      const reply = replies[turn % replies.length] ?? DEFAULT_REPLY;
      await clock.sleep(latencyMs, signal);
      const tokens = reply.match(/\S+\s*/g) ?? [];
      for (const [n, delta] of tokens.entries()) {
        if (n > 0 && tokenMs > 0) await clock.sleep(tokenMs, signal);
        signal.throwIfAborted();
        yield { type: 'text', delta };
      }
      const inputWords = messages.reduce(
        (sum, { content }) => sum + content.split(/\s+/).length,
        0,
      );
      yield {
        type: 'done',
        usage: {
          inputTokens: Math.ceil(inputWords * TOKENS_PER_WORD),
          outputTokens: Math.ceil(tokens.length * TOKENS_PER_WORD),
        },
      };
    },
  };
}
