import { refuse, type CallPurpose, type Refusal } from '../guardrail-types.ts';

/** G22: where the workspace demands it, the callee has agreed to calls of this purpose. */
export function checkConsent(
  purpose: CallPurpose,
  consents: readonly string[],
  requiredFor: readonly CallPurpose[],
): Refusal | null {
  if (!requiredFor.includes(purpose) || consents.includes(purpose)) return null;
  return refuse(
    'G22',
    'no-consent',
    `there is no consent of the number to ${purpose} calls; record it with POST /v1/consents`,
  );
}
