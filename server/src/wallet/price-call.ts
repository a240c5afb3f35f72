import { RATE_KINDS, type RatePrice } from '../db/queries/rates.ts';

export type CostKind = RatePrice['kind'];

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

const MS_PER_MINUTE = 60_000;
/** A price that was mistyped costs no more than this: sums stay exact, and the call comes to its end. */
const MAX_LINE_MICROS = 1_000_000_000_000_000n;
/** A rate of this provider applies where the provider has none of its own. */
const ANY_PROVIDER = '*';

/**
 * The costs of an answered call: rates times usage, in integer micros, each line rounded up to a
 * whole micro. A kind without a rate costs nothing.
 * @param destination the number called, for network rates by prefix.
 */
export function priceCall(
  usage: CallUsage,
  providers: CostProviders,
  rates: readonly RatePrice[],
  destination = '',
): CallCost {
  const lines = RATE_KINDS.map((kind): CostLine => {
    const provider = providers[kind];
    const amounts = amountsOf(kind, usage);
    const micros = ratesOf(kind, provider, rates, destination).reduce(
      (sum, rate) => sum + priceOf(rate, amounts),
      0,
    );
    return { kind, provider, micros };
  });
  return { total_micros: lines.reduce((sum, line) => sum + line.micros, 0), lines };
}

/** A cost of at most `maxMicros`: what is beyond it is taken off the last lines first. */
export function costWithin(cost: CallCost, maxMicros: number): CallCost {
  let leftMicros = maxMicros;
  const lines = cost.lines.map((line) => {
    const micros = Math.min(line.micros, leftMicros);
    leftMicros -= micros;
    return { ...line, micros };
  });
  return { total_micros: maxMicros - leftMicros, lines };
}

/**
 * A provider's own rates go before those for any provider, then the longest prefix before shorter
 * ones, for all units together.
 */
function ratesOf(
  kind: CostKind,
  provider: string,
  rates: readonly RatePrice[],
  destination: string,
): RatePrice[] {
  const digits = destination.replace(/^\+/, '');
  const fitting = rates.filter((rate) => rate.kind === kind && digits.startsWith(rate.prefix));
  const own = fitting.filter((rate) => rate.provider === provider);
  const chosen = own.length > 0 ? own : fitting.filter((rate) => rate.provider === ANY_PROVIDER);
  const longest = Math.max(0, ...chosen.map((rate) => rate.prefix.length));
  return chosen.filter((rate) => rate.prefix.length === longest);
}

type Amounts = Partial<Record<RatePrice['unit'], { amount: number; per: number }>>;

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

function priceOf(rate: RatePrice, amounts: Amounts): number {
  const used = amounts[rate.unit];
  if (!used) return 0;
  // BigInt: a large rate times a long call in milliseconds may leave the safe integers.
  const exact = BigInt(rate.microsPerUnit) * BigInt(used.amount);
  const per = BigInt(used.per);
  const micros = (exact + per - 1n) / per;
  return Number(micros < MAX_LINE_MICROS ? micros : MAX_LINE_MICROS);
}
