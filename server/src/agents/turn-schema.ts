import { z } from 'zod';

const phrases = (fallback: string[]): z.ZodDefault<z.ZodArray<z.ZodString>> =>
  z.array(z.string().trim().min(1).max(100)).max(100).default(fallback);

/** How the agent and the caller take turns. */
export const turnSchema = z.strictObject({
  /** Silence that ends a turn whose text is complete. */
  endpointing_min_ms: z.number().int().min(200).max(3_000).default(400),
  /** Silence that ends any turn. */
  endpointing_max_ms: z.number().int().min(400).max(10_000).default(3_000),
  /** Silence that ends numbers, dates and what is spelled: people pause within them. */
  endpointing_digits_ms: z.number().int().min(400).max(10_000).default(1_300),
  /** Words, or milliseconds of speech with a word in it, that take the floor from the agent. */
  interruption_words: z.number().int().min(1).max(20).default(2),
  interruption_ms: z.number().int().min(100).max(5_000).default(500),
  /** Whether the caller can interrupt at all. */
  interruptible: z.boolean().default(true),
  /** These take the floor at once, one word or not. */
  interrupting_phrases: phrases(['stop', 'wait', 'hold on', 'excuse me']),
  /** These never take the floor, besides "uh-huh", "okay" and their like. */
  ignored_phrases: phrases([]),
  /** An answer that is later than this gets a filler before it; null: none does. */
  filler_after_ms: z.number().int().min(200).max(10_000).nullable().default(null),
  /** Said in turn. */
  fillers: z.array(z.string().trim().min(1).max(200)).min(1).max(10).default(['One moment.']),
});
