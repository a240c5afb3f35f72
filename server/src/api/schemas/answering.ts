import { z } from 'zod';

/** How it is known who answered, and what was done about it. */
export const answeringSchema = z
  .object({
    answered_by: z.string(),
    reason: z
      .string()
      .describe(
        '`words`, `beep`, `special-information-tone`, `fax-tone`, `short-greeting`, `long-greeting`, `conversation` or `nothing-known`.',
      ),
    decided_ms: z.number().nullable().describe('Milliseconds since the answer, as all times here.'),
    action: z
      .string()
      .describe('`none`, `hang-up`, `leave-message`, `navigate`, `answer` or `continue`.'),
    taken_for: z.string().nullable().describe('What it was taken for at first.'),
    evidence: z.object({
      first_speech_ms: z.number().nullable(),
      greeting_ms: z.number().describe('How long the far end spoke before it first waited.'),
      pause_ms: z.number().describe('Silence behind it when it was decided.'),
      words: z.string().nullable().describe('The words that told it.'),
      rules: z.array(z.string()),
      text: z.string().nullable().describe('Everything that was understood until then.'),
      tones: z.array(
        z.object({
          type: z.string(),
          frequency_hz: z.number().optional(),
          at_ms: z.number(),
          duration_ms: z.number(),
        }),
      ),
    }),
    message: z
      .object({
        started_ms: z.number(),
        ended_ms: z.number().nullable(),
        after: z.string().describe('`beep` or `silence`.'),
        beep_ended_ms: z.number().nullable(),
        complete: z.boolean(),
      })
      .nullable()
      .describe('The message that was left.'),
    keys: z.array(z.object({ at_ms: z.number(), keys: z.string(), by: z.string() })),
    screening_answered_ms: z.number().nullable(),
    person_ms: z.number().nullable().describe('When a person came on the line behind a machine.'),
  })
  .nullable()
  .describe('Of an answered outbound call whose agent has `answering.detect`.');
