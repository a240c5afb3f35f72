import { z } from 'zod';

/** Ends after which a person may be called again. `voicemail` is a call that a machine answered. */
export const RETRY_OUTCOMES = ['no-answer', 'busy', 'failed', 'error', 'voicemail'] as const;

export type RetryOutcome = (typeof RETRY_OUTCOMES)[number];

/** Whether, when and how often a person who was not reached is called again. */
export const retrySchema = z.strictObject({
  on: z
    .array(z.enum(RETRY_OUTCOMES))
    .max(RETRY_OUTCOMES.length)
    .default(['no-answer', 'busy', 'failed'])
    .describe(
      'Ends after which it is tried again. A decline, a number that does not exist and a refusal ' +
        'of the carrier for good are never tried again.',
    ),
  intervals_s: z
    .array(z.number().int().min(1).max(604_800))
    .min(1)
    .max(10)
    .default([1_800, 3_600, 7_200])
    .describe('Seconds before the second, third, ... call; the last one stays.'),
  max_attempts: z.number().int().min(1).max(10).default(3).describe('Calls in all.'),
});

export type RetryPolicy = z.output<typeof retrySchema>;
