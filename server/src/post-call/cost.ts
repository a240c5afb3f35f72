import type { RateRow } from '../db/queries/rates.ts';
import { COST_KINDS, type CallCost, type CostKind, type CostLine } from '../calls/call-cost.ts';

/** What a call used. */
export interface CallUsage {
  /** From the answer to the end. */
  durationMs: number;
  /** Speech that was recognised. */
  sttMs: number;
  ttsCharacters: number;
  llmInputTokens: number;
  llmOutputTokens: number;
}

/** Whose rates apply. */
export type CostProviders = Record<CostKind, string>;

const MS_PER_MINUTE = 60_000;
/** A rate of this provider applies where the provider has none of its own. */
const ANY_PROVIDER = '*';

/**
 * The costs of an answered call: rates times usage, in integer micros, each line rounded up to a
 * whole micro. A kind without a rate costs nothing.
 */
export function callCost(
  usage: CallUsage,
  providers: CostProviders,
  rates: readonly RateRow[],
): CallCost {
  const lines = COST_KINDS.map((kind): CostLine => {
    const provider = providers[kind];
    const amounts = amountsOf(kind, usage);
    const micros = rates
      .filter((rate) => rate.kind === kind && applies(rate, provider, rates))
      .reduce((sum, rate) => sum + priceOf(rate, amounts), 0);
    return { kind, provider, micros };
  });
  return { total_micros: lines.reduce((sum, line) => sum + line.micros, 0), lines };
}

/** A provider's own rates go before those for any provider, for all units together. */
function applies(rate: RateRow, provider: string, rates: readonly RateRow[]): boolean {
  const hasOwn = rates.some((other) => other.kind === rate.kind && other.provider === provider);
  return rate.provider === (hasOwn ? provider : ANY_PROVIDER);
}

type Amounts = Partial<Record<RateRow['unit'], { amount: number; per: number }>>;

/** A call is spoken for minutes on the line; only what was recognised is paid as transcription. */
function amountsOf(kind: CostKind, usage: CallUsage): Amounts {
  const whole = (amount: number): { amount: number; per: number } => ({ amount, per: 1 });
  const minutes = (ms: number): { amount: number; per: number } => ({
    amount: Math.ceil(ms),
    per: MS_PER_MINUTE,
  });
  switch (kind) {
    case 'platform':
    case 'network':
      return { minute: minutes(usage.durationMs) };
    case 'transcriber':
      return { minute: minutes(usage.sttMs) };
    case 'model':
      return {
        minute: minutes(usage.durationMs),
        input_token: whole(usage.llmInputTokens),
        output_token: whole(usage.llmOutputTokens),
      };
    case 'synthesizer':
      return { character: whole(usage.ttsCharacters) };
  }
}

function priceOf(rate: RateRow, amounts: Amounts): number {
  const used = amounts[rate.unit];
  if (!used) return 0;
  // BigInt: a large rate times a long call in milliseconds may leave the safe integers.
  const exact = BigInt(rate.microsPerUnit) * BigInt(used.amount);
  const per = BigInt(used.per);
  return Number((exact + per - 1n) / per);
}
