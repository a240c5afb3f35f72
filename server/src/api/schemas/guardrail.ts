import { isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';
import type { EffectiveSettings } from '../../compliance/settings-store.ts';
import {
  defaultGuardrailSettings,
  guardrailPatchSchema,
  guardrailSettingsSchema,
} from '../../compliance/settings.ts';
import { GUARDRAIL_RULES, type Refusal, type RuleId } from '../../compliance/guardrail-types.ts';
import { timezoneSchema, weekWindowSchema } from '../../compliance/settings.ts';
import type { TrafficRow } from '../../db/queries/traffic.ts';
import type { OverrideRow } from '../../db/queries/guardrail-overrides.ts';
import { isoOrNull, timeOrNull } from './common.ts';

const RULES = Object.keys(GUARDRAIL_RULES) as [RuleId, ...RuleId[]];

export const guardrailsViewSchema = z
  .object({
    settings: guardrailSettingsSchema.describe('In force.'),
    defaults: guardrailSettingsSchema,
    set_by_workspace: z
      .array(z.string())
      .describe('Names such as `attempts.per_24_hours`; what is not here has its default.'),
    paused: z.object({ at: z.iso.datetime(), reason: z.string() }).nullable(),
  })
  .meta({ id: 'Guardrails' });

export function guardrailsView(
  effective: EffectiveSettings,
): z.output<typeof guardrailsViewSchema> {
  const { settings, own, paused } = effective;
  return {
    settings,
    defaults: defaultGuardrailSettings,
    set_by_workspace: own,
    paused: paused && { at: paused.at.toISOString(), reason: paused.reason },
  };
}

/** The settings themselves keep what an older program stored. */
export const guardrailChangeSchema = guardrailPatchSchema.superRefine(requireCountries).meta({
  examples: [
    {
      destinations: { allowed_countries: ['US', 'DE'] },
      spend_caps: { workspace: { day_micros: 50_000_000 } },
      calling_windows: {
        countries: {
          DE: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00' }],
        },
      },
      attempts: { per_24_hours: 2 },
    },
  ],
});

const number = z.string().min(1).max(40);

export const guardrailCheckSchema = z
  .strictObject({
    to: number.describe('Who would be called.'),
    from: number.optional().describe('Default: the first number of the trunk, else the sandbox’s.'),
    trunk_id: z.string().min(1).max(100).optional().describe('Default: the trunk of `from`.'),
    agent_id: z.string().min(1).max(100).optional(),
    campaign_id: z.string().min(1).max(100).optional(),
    purpose: z.enum(['service', 'promotional']).optional(),
    timezone: timezoneSchema.optional().describe('Of the contact, where it is known.'),
    window: weekWindowSchema.optional().describe('Narrows the hours of the callee’s country.'),
    at: z.iso.datetime({ offset: true }).optional().describe('Default: now.'),
  })
  .meta({
    examples: [
      {
        to: '+14155550123',
        trunk_id: 'trunk_01j9zq9c5b8d1f4h7k0m3p6s9v',
        purpose: 'promotional',
        timezone: 'America/Los_Angeles',
        at: '2026-03-02T20:30:00-08:00',
      },
    ],
  });

const refusalSchema = z.object({
  rule: z.enum(RULES),
  code: z.string(),
  message: z.string(),
  retry_at: timeOrNull.describe('When this rule would let the call pass; null: not by waiting.'),
});

export const guardrailCheckViewSchema = z
  .object({
    allowed: z.boolean(),
    refusals: z.array(refusalSchema).describe('Every rule that refuses, the first one first.'),
    at: z.iso.datetime(),
    callee: z.object({
      country: z.string().nullable(),
      region: z.string().nullable().describe('Such as `US-FL`.'),
      zones: z.array(z.object({ timezone: z.string(), local_time: z.string() })),
    }),
    recording: z.object({
      mode: z.enum(['announce', 'ask', 'off']),
      announcement: z.string().nullable(),
      may_record: z.boolean(),
    }),
  })
  .meta({ id: 'GuardrailCheck' });

export function refusalView(refusal: Refusal): z.output<typeof refusalSchema> {
  const { rule, code, message, retryAt } = refusal;
  return { rule, code, message, retry_at: isoOrNull(retryAt) };
}

export const pauseSchema = z
  .strictObject({ reason: z.string().trim().min(3).max(500) })
  .meta({ examples: [{ reason: 'The contact list is being checked.' }] });

/** Rules that no exception is made of are not offered. */
const OVERRIDABLE = RULES.filter(
  (rule) => !['G06', 'G08', 'G09', 'G10', 'G25', 'G26', 'G28'].includes(rule),
) as [RuleId, ...RuleId[]];

export const overrideCreateSchema = z
  .strictObject({
    number: number.describe('The only number that it holds for.'),
    rules: z.array(z.enum(OVERRIDABLE)).min(1).max(20),
    reason: z.string().trim().min(10).max(1_000).describe('Kept for the audit.'),
    expires_in_s: z
      .number()
      .int()
      .min(60)
      .max(30 * 86_400)
      .default(3_600),
  })
  .meta({
    examples: [
      {
        number: '+14155550123',
        rules: ['G20'],
        reason: 'Asked in writing to be called back this evening.',
        expires_in_s: 7_200,
      },
    ],
  });

export const overrideViewSchema = z
  .object({
    id: z.string(),
    number: z.string(),
    rules: z.array(z.string()),
    reason: z.string(),
    key_id: z.string().nullable().describe('Who made it; null: the operator on the machine.'),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    revoked_at: timeOrNull,
  })
  .meta({ id: 'GuardrailOverride' });

export const overrideUseSchema = z.object({
  rule: z.string(),
  stage: z.string(),
  call_id: z.string().nullable(),
  used_at: z.iso.datetime(),
});

export function overrideView(row: OverrideRow): z.output<typeof overrideViewSchema> {
  return {
    id: row.id,
    number: row.number,
    rules: row.rules,
    reason: row.reason,
    key_id: row.keyId,
    created_at: row.createdAt.toISOString(),
    expires_at: row.expiresAt.toISOString(),
    revoked_at: isoOrNull(row.revokedAt),
  };
}

export const trafficViewSchema = z
  .object({
    trunk_id: z.string(),
    name: z.string(),
    calls: z.number().int(),
    asr: z.number().nullable().describe('Answered share of all calls, 0 to 1.'),
    acd_s: z.number().nullable().describe('Average length of answered calls.'),
    pdd_ms: z.number().nullable().describe('Average time from INVITE to ringing.'),
    share_0_s: z.number().nullable().describe('Shares of answered calls, by length.'),
    share_6_s: z.number().nullable(),
    share_12_s: z.number().nullable(),
    share_30_s: z.number().nullable(),
    warnings: z.array(z.string()).describe('Limits at which carriers surcharge or block.'),
  })
  .meta({ id: 'TrunkTraffic' });

export function trafficView(row: TrafficRow): z.output<typeof trafficViewSchema> {
  const { calls, answered } = row;
  const share = (count: number): number | null => (answered === 0 ? null : count / answered);
  const short = share(row.upTo6S) ?? 0;
  const half = share(row.upTo30S) ?? 0;
  const warnings: string[] = [];
  if (answered >= 20 && short > 0.2) {
    warnings.push('more than 20 % of answered calls last 6 s or less (Plivo’s limit)');
  }
  if (answered >= 20 && half > 0.7) {
    warnings.push('more than 70 % of answered calls last 30 s or less (Twilio’s limit)');
  }
  if (calls >= 20 && answered / calls < 0.1) warnings.push('less than 10 % of calls are answered');
  return {
    trunk_id: row.trunkId,
    name: row.name,
    calls,
    asr: calls === 0 ? null : answered / calls,
    acd_s: row.averageDurationMs === null ? null : Math.round(row.averageDurationMs) / 1_000,
    pdd_ms: row.averagePddMs === null ? null : Math.round(row.averagePddMs),
    share_0_s: share(row.zero),
    share_6_s: share(row.upTo6S),
    share_12_s: share(row.upTo12S),
    share_30_s: share(row.upTo30S),
    warnings,
  };
}

function requireCountries(
  { destinations, do_not_call: doNotCall }: z.output<typeof guardrailPatchSchema>,
  ctx: z.RefinementCtx,
): void {
  const lists: [string[], unknown][] = [
    [['destinations', 'allowed_countries'], destinations?.['allowed_countries']],
    [['do_not_call', 'registry_required_for'], doNotCall?.['registry_required_for']],
  ];
  for (const [path, countries] of lists) {
    if (!Array.isArray(countries)) continue;
    const at = countries.findIndex((country) => !isSupportedCountry(String(country)));
    if (at < 0) continue;
    const message = `expected the ISO code of a country with phone numbers, such as US, got ${String(countries[at])}`;
    ctx.addIssue({ code: 'custom', path: [...path, at], message });
  }
}
