import { IANAZone } from 'luxon';
import { z } from 'zod';

/** Names are the API's own: the document is stored and returned as it is written. */
const micros = z.number().int().min(0).max(1_000_000_000_000_000).nullable();
const limit = z.number().int().min(0).max(1_000_000).nullable();
const perSecond = z.number().positive().max(10_000).nullable();
const seconds = z
  .number()
  .int()
  .min(0)
  .max(30 * 86_400);
const prefix = z.string().regex(/^\+[1-9]\d{0,14}$/, 'expected a prefix such as +1809');
const country = z.string().regex(/^[A-Z]{2}$/, 'expected an ISO country code such as US');
const clockTime = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time such as 09:00, at most 24:00');

export const timezoneSchema = z
  .string()
  .max(64)
  .refine((zone) => IANAZone.isValidZone(zone), 'expected an IANA time zone such as Asia/Kolkata');

export const weekWindowSchema = z
  .array(
    z
      .strictObject({
        days: z
          .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
          .min(1)
          .max(7),
        from: clockTime,
        to: clockTime,
      })
      .refine(
        (span) => span.from < span.to,
        'expected `from` to be before `to`; split a span at 24:00',
      ),
  )
  .max(50);

const spendCapSchema = z.strictObject({
  hour_micros: micros.default(null),
  day_micros: micros.default(null),
  month_micros: micros.default(null),
});

/** Every guardrail that a workspace can set. What is left out has the default. */
export const guardrailSettingsSchema = z.strictObject({
  destinations: z
    .strictObject({
      allowed_countries: z
        .array(country)
        .max(250)
        .nullable()
        .default(null)
        .describe('ISO codes; null: the countries of the trunk’s own numbers.'),
      blocked_prefixes: z.array(prefix).max(1_000).default([]),
      allowed_prefixes: z
        .array(prefix)
        .max(1_000)
        .default([])
        .describe('Opens a prefix that is blocked by default; the longest match decides.'),
      max_rate_micros_per_minute: micros
        .default(2_000_000)
        .describe('Price of a minute above which a destination is refused; null: any price.'),
    })
    .prefault({}),
  spend_caps: z
    .strictObject({
      workspace: spendCapSchema.prefault({}),
      trunk: spendCapSchema.prefault({}).describe('Each trunk for itself.'),
      key: spendCapSchema.prefault({}).describe('Each API key for itself.'),
    })
    .prefault({}),
  concurrency: z
    .strictObject({
      workspace: limit.default(null),
      trunk: limit.default(null).describe('Each trunk; its own max_concurrent_calls counts too.'),
      agent: limit.default(null),
      destination: limit.default(1).describe('Live calls to one number at once.'),
    })
    .prefault({}),
  pace: z
    .strictObject({
      workspace_calls_per_second: perSecond.default(null),
      country_calls_per_second: perSecond.default(null),
    })
    .prefault({}),
  max_duration_s: z
    .number()
    .int()
    .min(10)
    .max(14_400)
    .default(14_400)
    .describe('No call lasts longer, whatever its agent says.'),
  calling_windows: z
    .strictObject({
      enabled: z.boolean().default(true),
      purpose: z.enum(['service', 'promotional']).default('service'),
      countries: z
        .record(
          z.string().regex(/^[A-Z]{2}(?:-[A-Z0-9]{1,3})?$/, 'expected a key such as US or US-FL'),
          weekWindowSchema,
        )
        .default({})
        .describe('Replaces the window of a country or a part of it.'),
      agents: z
        .record(
          z.string().max(100),
          z.strictObject({
            timezone: timezoneSchema.optional(),
            window: weekWindowSchema.optional(),
            purpose: z.enum(['service', 'promotional']).optional(),
          }),
        )
        .default({})
        .describe('By agent id: a narrower window, another purpose, a fixed time zone.'),
    })
    .prefault({}),
  do_not_call: z
    .strictObject({
      max_registry_age_days: z.number().int().min(1).max(366).default(31),
      registry_required_for: z
        .array(country)
        .max(250)
        .default(['US'])
        .describe('Promotional calls to these countries need a registry that is fresh enough.'),
    })
    .prefault({}),
  consent: z
    .strictObject({
      required_for: z
        .array(z.enum(['service', 'promotional']))
        .max(2)
        .default([])
        .describe('Purposes for which a consent record of the number must exist.'),
    })
    .prefault({}),
  attempts: z
    .strictObject({
      per_24_hours: limit.default(3),
      per_7_days: limit.default(7),
      gap_after_no_answer_s: seconds.default(1_800),
      gap_after_busy_s: z
        .array(seconds)
        .min(1)
        .max(10)
        .default([900, 1_800, 3_600])
        .describe('After the first, second, ... busy in a row; the last holds for all further.'),
      gap_after_declined_s: seconds.default(86_400),
    })
    .prefault({}),
  anomaly: z
    .strictObject({
      action: z
        .enum(['off', 'warn', 'pause'])
        .default('warn')
        .describe('`pause` refuses further calls until somebody resumes.'),
      short_call_s: z.number().int().min(1).max(60).default(6),
      short_call_share: z.number().min(0).max(1).default(0.2),
      min_answer_share: z.number().min(0).max(1).default(0.2),
      sample_calls: z.number().int().min(10).max(10_000).default(50),
      country_minutes_factor: z.number().min(1).max(1_000).default(3),
      sequential_numbers: z.number().int().min(3).max(1_000).default(10),
      unusual_hour_calls: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .nullable()
        .default(10)
        .describe('Calls of the last hour that are enough to judge its time of day; null: never.'),
      unusual_hour_share: z
        .number()
        .min(0)
        .max(1)
        .default(0.01)
        .describe('Share of the week’s calls that an hour (UTC) and its neighbours had at most.'),
      unusual_hour_days: z
        .number()
        .int()
        .min(1)
        .max(7)
        .default(3)
        .describe('Days with calls that the week before must have for a comparison.'),
    })
    .prefault({}),
  recording: z
    .strictObject({
      mode: z
        .enum(['by-region', 'announce', 'ask', 'off'])
        .default('by-region')
        .describe('How the callee learns of a recording; the sandbox records without a word.'),
      announcement: z.string().trim().min(1).max(500).default('This call is recorded.'),
      agents: z
        .record(z.string().max(100), z.enum(['announce', 'ask', 'off']))
        .default({})
        .describe('By agent id, in place of the mode of the workspace.'),
    })
    .prefault({}),
});

/** The settings of a workspace, complete. */
export type GuardrailSettings = z.output<typeof guardrailSettingsSchema>;

export const defaultGuardrailSettings: GuardrailSettings = guardrailSettingsSchema.parse({});

/**
 * What is stored, completed by the defaults. A section that an older or newer program wrote and this
 * one cannot read has its defaults; the others stand.
 */
export function readSettings(stored: unknown): GuardrailSettings {
  if (stored === null || stored === undefined) return defaultGuardrailSettings;
  const whole = guardrailSettingsSchema.safeParse(stored);
  if (whole.success) return whole.data;
  const readable = Object.entries(stored as Record<string, unknown>).filter(
    ([section, value]) => guardrailSettingsSchema.safeParse({ [section]: value }).success,
  );
  return guardrailSettingsSchema.parse(Object.fromEntries(readable));
}

const shape = guardrailSettingsSchema.shape;

/**
 * A change: any fields of any section, without their defaults; null takes a section back to them.
 */
export const guardrailPatchSchema = z.strictObject({
  destinations: patchOf(shape.destinations),
  spend_caps: patchOf(shape.spend_caps),
  concurrency: patchOf(shape.concurrency),
  pace: patchOf(shape.pace),
  max_duration_s: z.number().int().min(10).max(14_400).nullable().optional(),
  calling_windows: patchOf(shape.calling_windows),
  do_not_call: patchOf(shape.do_not_call),
  consent: patchOf(shape.consent),
  attempts: patchOf(shape.attempts),
  anomaly: patchOf(shape.anomaly),
  recording: patchOf(shape.recording),
});

/** The section's fields, each optional and without a default of its own. */
function patchOf<Shape extends z.ZodRawShape>(section: z.ZodPrefault<z.ZodObject<Shape>>) {
  const fields = Object.entries(section.unwrap().shape).map(([name, field]) => [
    name,
    withoutDefault(field as z.ZodType).optional(),
  ]);
  return z
    .strictObject(Object.fromEntries(fields) as Record<string, z.ZodType>)
    .nullable()
    .optional();
}

function withoutDefault(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault) {
    return withoutDefault(field.unwrap() as z.ZodType);
  }
  return field;
}
