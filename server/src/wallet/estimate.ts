import type { RatePrice } from '../db/queries/rates.ts';
import { priceCall, type CallUsage, type CostProviders } from './price-call.ts';

/** What a call is expected to cost; one period is reserved at a time. */
export interface CostEstimate {
  periodMs: number;
  /** Of one period, on the high side. */
  periodMicros: number;
}

/** A call reserves a minute at a time. */
export const RESERVATION_PERIOD_MS = 60_000;

/**
 * A minute of a lively call: somebody speaks all the time, the agent says 900 characters (150 words)
 * and answers ten times, each answer reading 2,000 tokens of prompt and talk.
 */
const BUSY_MINUTE: CallUsage = {
  durationMs: RESERVATION_PERIOD_MS,
  sttMs: RESERVATION_PERIOD_MS,
  ttsCharacters: 900,
  llmInputTokens: 20_000,
  llmOutputTokens: 500,
};

/** What the next period of a call may cost, by the same rates as the bill. */
export function estimateCost(
  providers: CostProviders,
  rates: readonly RatePrice[],
  destination: string,
): CostEstimate {
  return {
    periodMs: RESERVATION_PERIOD_MS,
    periodMicros: priceCall(BUSY_MINUTE, providers, rates, destination).total_micros,
  };
}
