/** Kinds of cost, in the order in which they are shown. */
export const COST_KINDS = ['platform', 'network', 'transcriber', 'model', 'synthesizer'] as const;
export type CostKind = (typeof COST_KINDS)[number];

/** One line of a call's costs; JSON, as stored. */
export interface CostLine {
  kind: CostKind;
  /** Whose price it is; null where nothing was used. */
  provider: string | null;
  /** Millionths of the workspace's currency. */
  micros: number;
}

/** What a call cost; JSON, as stored. */
export interface CallCost {
  total_micros: number;
  lines: CostLine[];
}

/** The costs of a call that nobody answered. */
export function zeroCost(): CallCost {
  return {
    total_micros: 0,
    lines: COST_KINDS.map((kind) => ({ kind, provider: null, micros: 0 })),
  };
}
