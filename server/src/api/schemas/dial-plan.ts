import { z } from 'zod';
import { dialPlan } from '../../trunks/dial-plan.ts';
import { parseE164 } from '../../trunks/e164.ts';
import { gatewaysInOrder } from '../../trunks/routing.ts';
import type { Trunk } from '../../trunks/trunk-store.ts';
import { invalidRequest } from '../validate.ts';

const number = z.string().min(1).max(40).describe('E.164, such as +14155550123.');

export const dialPlanQuery = z.strictObject({ from: number, to: number });

export const dialPlanViewSchema = z
  .object({
    from: z.string(),
    to: z.string(),
    problems: z
      .array(z.string())
      .describe('Why a call like this would not leave; empty: it would.'),
    attempts: z
      .array(
        z.object({
          gateway: z.string(),
          request_uri: z.string(),
          from_header: z.string(),
          to_header: z.string(),
          headers: z.array(z.object({ name: z.string(), value: z.string() })),
        }),
      )
      .describe('The INVITEs in the order in which they would be tried.'),
    codecs: z.array(z.string()),
    media_encryption: z.string(),
    auth: z.object({ type: z.string(), username: z.string().nullable() }),
    ring_timeout_ms: z.number().int(),
  })
  .meta({ id: 'DialPlan' });

/**
 * What `calls/` would send over the trunk.
 * @param ownsFrom whether the from-number is one of the trunk's.
 * @throws ApiError where a number is none.
 */
export function dialPlanView(
  trunk: Trunk,
  numbers: { from: string; to: string },
  ownsFrom: boolean,
  sipHost: string,
): z.output<typeof dialPlanViewSchema> {
  const from = e164('from', numbers.from, { sandbox: true, check: 'form' });
  const to = e164('to', numbers.to, { sandbox: trunk.sandbox });
  const problems: string[] = [];
  if (!trunk.active) problems.push('the trunk is switched off: set active to true');
  if (!trunk.outboundEnabled) {
    problems.push('the trunk makes no calls: set outbound_enabled to true');
  }
  if (trunk.gateways.length === 0) problems.push('the trunk has no gateway: add one');
  if (!ownsFrom) {
    problems.push(`the from-number is not on this trunk: add ${from} to it with POST /v1/numbers`);
  }
  return {
    from,
    to,
    problems,
    attempts: gatewaysInOrder(trunk.gateways).map((gateway) => {
      const plan = dialPlan(trunk, gateway, { from, to }, sipHost);
      return {
        gateway: plan.gateway,
        request_uri: plan.requestUri,
        from_header: `<${plan.from.uri}>`,
        to_header: `<${plan.to.uri}>`,
        headers: plan.headers,
      };
    }),
    codecs: trunk.codecs,
    media_encryption: trunk.mediaEncryption,
    auth: { type: trunk.authType, username: trunk.authUsername },
    ring_timeout_ms: trunk.ringTimeoutMs,
  };
}

function e164(field: string, text: string, options: Parameters<typeof parseE164>[1]): string {
  const parsed = parseE164(text, options);
  if (!parsed.ok) throw invalidRequest([{ field, problem: parsed.message }]);
  return parsed.e164;
}
