import { z } from 'zod';
import { checkScript } from './scripted/check-script.ts';

const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'a name has 1 to 64 letters, digits, hyphens and underscores and starts with a letter or digit',
  );

const slotNameSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_]{0,63}$/,
    'a slot name has 1 to 64 letters, digits and underscores and starts with a letter',
  );

const sentenceSchema = z.string().trim().min(1).max(2_000);

/** One text, or variants used in turn. `{name}` is a variable or a slot as it is spoken. */
const saySchema = z.union([sentenceSchema, z.array(sentenceSchema).min(1).max(20)]);

const setSchema = z.record(slotNameSchema, z.string().max(500));

const slugSchema = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'write it in lower case with hyphens, such as agent-goodbye')
  .max(64);

const endSchema = z.strictObject({
  /** The call's end reason. */
  reason: slugSchema.default('agent-goodbye'),
  /** What came of the conversation, for the record. Default: what transitions said before. */
  outcome: slugSchema.optional(),
});

/** Where an expected intent leads: a state's name, or more about it. */
const transitionSchema = z.union([
  nameSchema,
  z.strictObject({
    next: nameSchema,
    /** Said before the next state's words. */
    say: saySchema.optional(),
    set: setSchema.optional(),
    /** What came of the conversation so far; a later one replaces it. */
    outcome: slugSchema.optional(),
  }),
]);

const slotSchema = z.strictObject({
  name: slotNameSchema,
  type: z.enum(['digits', 'date', 'yes-no', 'name', 'text']),
  next: nameSchema,
  /** `digits` only: how many. */
  length: z.number().int().min(1).max(40).optional(),
  /** `date` only: a day alone is not enough, ask for the time as well. */
  require_time: z.boolean().default(false),
  /** Read the value back: always, never, or when recognition was unsure. */
  confirm: z.enum(['always', 'never', 'when-unsure']).default('when-unsure'),
  /** How it is read back; `{value}` is the value as it is spoken. */
  confirm_say: sentenceSchema.default('I understood {value}. Is that right?'),
  /** What came of the conversation once the value is known. */
  outcome: slugSchema.optional(),
});

/** What a key stands for: an intent, or an intent and how the offer of the key goes on. */
const keySchema = z.union([
  nameSchema,
  z.strictObject({
    intent: nameSchema,
    /** Follows "press 1": `to confirm`. */
    offer: z.string().trim().min(1).max(100),
  }),
]);

const stateSchema = z.strictObject({
  say: saySchema.optional(),
  expects: z.record(nameSchema, transitionSchema).default({}),
  slot: slotSchema.optional(),
  /** Key to intent. */
  dtmf: z
    .record(z.string().regex(/^[0-9*#]$/, 'a key is one of 0-9, * and #'), keySchema)
    .default({}),
  /** Said instead of the built-in words when the first, second, ... answer was not understood. */
  reprompts: z.array(sentenceSchema).max(10).default([]),
  max_reprompts: z.number().int().min(0).max(10).default(3),
  /** Where to go after the last reprompt. Default: the script's `fallback`. */
  fallback: nameSchema.optional(),
  /** A fact for the record when the state is entered. */
  on_enter: z
    .strictObject({
      note: nameSchema,
      data: z.record(z.string().max(64), z.string().max(500)).default({}),
    })
    .optional(),
  /** The call ends here, after `say`. */
  end: endSchema.optional(),
});

const intentSchema = z.strictObject({
  examples: z.array(sentenceSchema.max(200)).min(1).max(100),
  /** Regular expressions, case ignored. */
  patterns: z.array(z.string().min(1).max(300)).max(50).default([]),
});

const globalSchema = z.strictObject({
  say: saySchema.optional(),
  next: nameSchema.optional(),
  end: endSchema.optional(),
  afterwards: z.enum(['ask-again', 'say-again', 'wait']).optional(),
  set: setSchema.optional(),
});

const thresholdsSchema = z.strictObject({
  /** Recognition below this is not acted on: the agent asks again. */
  low_confidence: z.number().min(0).max(1).default(0.35),
  /** A slot recognised below this is read back. */
  sure_confidence: z.number().min(0).max(1).default(0.8),
  /** An intent below this score was not meant. */
  intent_score: z.number().min(0).max(1).default(0.5),
});

/** A scripted conversation: states, what is expected in each, and where it leads. */
export const scriptSchema = z
  .strictObject({
    start: nameSchema,
    states: z.record(nameSchema, stateSchema),
    intents: z.record(nameSchema, intentSchema).default({}),
    /** Reactions that hold in every state. Null switches a built-in one off. */
    globals: z.record(nameSchema, globalSchema.nullable()).default({}),
    /** Where a state goes that has no fallback of its own. Default: a polite end of the call. */
    fallback: nameSchema.optional(),
    thresholds: thresholdsSchema.prefault({}),
  })
  .superRefine((script, context) => {
    for (const problem of checkScript(script)) {
      context.addIssue({ code: 'custom', path: problem.path, message: problem.message });
    }
  });

/** A script, complete. */
export type Script = z.output<typeof scriptSchema>;
