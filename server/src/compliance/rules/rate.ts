import { refuse, type Refusal } from '../guardrail-types.ts';

/** G03: a minute of this destination costs no more than the workspace is willing to pay. */
export function checkRate(microsPerMinute: number, max: number | null): Refusal | null {
  if (max === null || microsPerMinute <= max) return null;
  return refuse(
    'G03',
    'rate-too-high',
    `a minute to this destination costs ${microsPerMinute} micros and ${max} is the most allowed; raise destinations.max_rate_micros_per_minute of /v1/guardrails`,
  );
}
