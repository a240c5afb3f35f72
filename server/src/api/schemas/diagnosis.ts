import { z } from 'zod';
import type { Diagnosis } from '../../trunks/doctor/trunk-doctor.ts';

export const findingSchema = z
  .object({
    code: z.string().describe('Stable name, such as `wrong-credentials`.'),
    confidence: z.enum(['certain', 'likely', 'possible']),
    title: z.string(),
    evidence: z.array(z.string()).describe('What was seen.'),
    fix: z.string().describe('What to do.'),
  })
  .meta({ id: 'Finding' });

export const diagnoseSchema = z
  .strictObject({
    call_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('The call to examine. Default: the newest over the trunk that is over.'),
    from: z
      .string()
      .min(1)
      .max(40)
      .optional()
      .describe('A from-number to look at. Default: that of the call.'),
  })
  .meta({ examples: [{}, { from: '+14155550123' }] });

export const diagnosisViewSchema = z
  .object({
    trunk_id: z.string(),
    call_id: z.string().nullable().describe('The call that was examined.'),
    gateways: z.array(
      z.object({
        gateway: z.string(),
        status: z.number().int().nullable().describe('Answer to OPTIONS; null: none.'),
        reason: z.string().nullable(),
        round_trip_ms: z.number().int().nullable(),
        error: z.string().nullable(),
      }),
    ),
    findings: z.array(findingSchema).describe('The surest first; empty: nothing was found.'),
  })
  .meta({ id: 'Diagnosis' });

export function diagnosisView(
  trunkId: string,
  { call, probes, findings }: Diagnosis,
): z.output<typeof diagnosisViewSchema> {
  return {
    trunk_id: trunkId,
    call_id: call?.id ?? null,
    gateways: probes.map(({ gateway, status, reason, roundTripMs, error }) => ({
      gateway,
      status,
      reason,
      round_trip_ms: roundTripMs,
      error,
    })),
    findings,
  };
}
