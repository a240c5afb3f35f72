import { RATE_KINDS } from '../db/queries/rates.ts';
import type { CallCost, CostKind, CostLine } from '../wallet/price-call.ts';

/** Kinds of cost, in the order in which they are shown. */
export const COST_KINDS = RATE_KINDS;
export type { CallCost, CostKind, CostLine };

/** The costs of a call that nobody answered. */
export function zeroCost(): CallCost {
  return {
    total_micros: 0,
    lines: COST_KINDS.map((kind) => ({ kind, provider: null, micros: 0 })),
  };
}
