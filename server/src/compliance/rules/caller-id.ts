import { refuse, type Refusal } from '../guardrail-types.ts';

/** G10: what the callee sees is a number of the very trunk that carries the call. */
export function checkCallerId(fromIsOnTrunk: boolean): Refusal | null {
  if (fromIsOnTrunk) return null;
  return refuse(
    'G10',
    'caller-id-not-on-trunk',
    'the from-number is not a number of the trunk that carries the call; use one of the trunk’s numbers or add it with POST /v1/numbers',
  );
}
