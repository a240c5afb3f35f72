import { z } from 'zod';

const KEYS = /^[0-9*#A-Dw]{1,32}$/;

/** What to press when a menu offers something. */
const menuRuleSchema = z.strictObject({
  /** Words of the menu, such as `billing`. */
  heard: z.string().trim().min(1).max(200),
  /** Keys; `w` waits half a second. Null: the key that the menu names for it. */
  press: z.string().regex(KEYS, 'expected keys of 0-9*#A-D, w to wait').nullable().default(null),
});

/**
 * What becomes of an outbound call that nobody but a machine answers. `continue` everywhere: the
 * agent goes on as with a person, and its script or model deals with it.
 */
export const answeringSchema = z
  .strictObject({
    /** Whether tones, pauses and words of the far end are judged at all. */
    detect: z.boolean().default(true),
    voicemail: z.enum(['hang-up', 'leave-message', 'continue']).default('continue'),
    /** Left behind the beep; `{name}` is a variable. */
    message: z.string().trim().min(1).max(2_000).nullable().default(null),
    /** A mailbox that has not beeped is spoken to after so much silence. */
    message_after_silence_ms: z.number().int().min(1_000).max(15_000).default(4_000),
    /** `navigate`: keys are pressed by `keys`, and where none fits, by the model of an agent that has one. */
    ivr: z.enum(['hang-up', 'navigate', 'continue']).default('continue'),
    keys: z.array(menuRuleSchema).max(50).default([]),
    /** What asks who is calling and why, before the phone rings. */
    screening: z.enum(['hang-up', 'answer', 'continue']).default('continue'),
    /** Who is calling and why; `{name}` is a variable. */
    screening_answer: z.string().trim().min(1).max(500).nullable().default(null),
    /** The network says that the number cannot be reached. */
    unavailable: z.enum(['hang-up', 'continue']).default('hang-up'),
    fax: z.enum(['hang-up', 'continue']).default('hang-up'),
  })
  .superRefine((answering, ctx) => {
    const needs = (field: 'message' | 'screening_answer', because: string): void => {
      if (answering[field] !== null) return;
      ctx.addIssue({ code: 'custom', path: [field], message: `${because} needs words to say` });
    };
    if (answering.voicemail === 'leave-message') needs('message', 'voicemail leave-message');
    if (answering.screening === 'answer') needs('screening_answer', 'screening answer');
  });

export type AnsweringConfig = z.output<typeof answeringSchema>;
