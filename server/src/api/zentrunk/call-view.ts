import { z } from 'zod';
import type * as calls from '../../db/queries/zentrunk-calls.ts';
import { text } from './zentrunk-schemas.ts';

export const callSchema = z
  .object({
    call_uuid: z.string(),
    call_id: z.string().describe('Call-ID of SIP.'),
    from_number: z.string(),
    to_number: z.string(),
    call_direction: z.enum(['inbound', 'outbound']),
    call_duration: z.number().int().describe('Seconds from the INVITE to the end.'),
    bill_duration: z.number().int().describe('Seconds from the answer to the end.'),
    billed_duration: z.number().int().describe('The same in whole minutes.'),
    initiation_time: z.string().describe('UTC.'),
    answer_time: text,
    end_time: z.string(),
    hangup_cause_name: z.string(),
    hangup_cause_code: z.number().int(),
    hangup_source: z.enum(['customer', 'carrier', 'zentrunk']),
    trunk_domain: z.string(),
    from_country: text,
    to_country: text,
    transport_protocol: z.enum(['udp', 'tcp', 'tls']),
    srtp: z.boolean(),
    secure_trunking: z.boolean(),
    secure_trunking_rate: z.string(),
    total_rate: z.string(),
    total_amount: z.string(),
    stir_verification: z.enum(['Verified', 'Not Verified', 'Not Applicable']),
    attestation_indicator: text,
    cnam_lookup: text,
    cnam_lookup_rate: z.string(),
    guardrail: text.describe('The rule that refused it, such as `G20`.'),
  })
  .meta({ id: 'ZentrunkCall' });

const farEndSchema = z.object({ carrier: text, number: z.string(), region: text });

export const insightsSchema = z
  .object({
    call_uuid: z.string(),
    from: farEndSchema,
    to: farEndSchema,
    hangup_cause: z.string(),
    hangup_source: z.string(),
    rtt: text.describe('Milliseconds there and back on the customer’s side; null: no RTCP came.'),
    jitter: text.describe('Milliseconds.'),
    packet_loss: text.describe('Percent.'),
    post_dial_delay: z.number().nullable().describe('Milliseconds until it rang.'),
    plivo_quality_score: text.describe('1 to 5.'),
  })
  .meta({ id: 'ZentrunkInsights' });

const MINUTE_S = 60;
/** Nobody is charged for calls over one's own carrier. */
const NO_CHARGE = '0.00000';

export function callView(row: calls.ZentrunkCallRow): z.output<typeof callSchema> {
  return {
    call_uuid: row.id,
    call_id: row.sipCallId,
    from_number: row.fromNumber,
    to_number: row.toNumber,
    call_direction: row.direction,
    call_duration: Math.ceil((row.endedAt.getTime() - row.initiatedAt.getTime()) / 1_000),
    bill_duration: row.billDurationS,
    billed_duration: Math.ceil(row.billDurationS / MINUTE_S) * MINUTE_S,
    initiation_time: timeText(row.initiatedAt),
    answer_time: row.answeredAt && timeText(row.answeredAt),
    end_time: timeText(row.endedAt),
    hangup_cause_name: row.hangupName,
    hangup_cause_code: row.hangupCode,
    hangup_source: row.hangupSource,
    trunk_domain: row.trunkDomain,
    from_country: row.fromCountry,
    to_country: row.toCountry,
    transport_protocol: row.transport,
    srtp: row.srtp,
    secure_trunking: row.secure,
    secure_trunking_rate: NO_CHARGE,
    total_rate: NO_CHARGE,
    total_amount: NO_CHARGE,
    stir_verification: 'Not Applicable',
    attestation_indicator: null,
    cnam_lookup: null,
    cnam_lookup_rate: NO_CHARGE,
    guardrail: row.guardrail,
  };
}

/** What came from the customer's side. */
export function insightsOf(row: calls.ZentrunkCallRow): z.output<typeof insightsSchema> {
  const side = (row.direction === 'outbound' ? row.media?.from : row.media?.to) ?? null;
  const lossPercent = side && (100 * side.lost) / Math.max(1, side.packets + side.lost);
  return {
    call_uuid: row.id,
    from: { carrier: null, number: row.fromNumber, region: row.fromCountry },
    to: { carrier: null, number: row.toNumber, region: row.toCountry },
    hangup_cause: row.hangupName,
    hangup_source: row.hangupSource,
    rtt: side && side.rttMs !== null ? String(Math.round(side.rttMs)) : null,
    jitter: side && String(Math.round(side.jitterMs)),
    packet_loss: lossPercent === null ? null : String(Math.round(lossPercent)),
    post_dial_delay: row.postDialDelayMs,
    plivo_quality_score:
      side && lossPercent !== null ? qualityScore({ ...side, lossPercent }).toFixed(1) : null,
  };
}

/**
 * A mean opinion score by the E-model of ITU-T G.107 for G.711: R falls with delay, jitter (twice,
 * as a buffer waits for it) and loss, and is turned into 1 to 4.5 by Annex B.
 */
function qualityScore(side: {
  rttMs: number | null;
  jitterMs: number;
  lossPercent: number;
}): number {
  const delayMs = (side.rttMs ?? 0) / 2 + 2 * side.jitterMs + 10;
  const delayed = delayMs < 160 ? delayMs / 40 : (delayMs - 120) / 10;
  const r = Math.max(0, Math.min(100, 93.2 - delayed - 2.5 * side.lossPercent));
  return Math.max(1, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r));
}

/** `YYYY-MM-DD HH:MM:SS`, UTC. */
function timeText(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}
