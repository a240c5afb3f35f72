import type { GuardrailSettings } from '../settings.ts';
import { countryOf } from './destination.ts';

export interface AnomalyFacts {
  calls: number;
  answered: number;
  short: number;
  recentNumbers: readonly string[];
  spoken: readonly { number: string; hourS: number; weekS: number }[];
  /** Calls that left within the last hour. */
  lastHour: number;
  /** Calls that left in each UTC hour of the week before the last hour. */
  weekHours: readonly { startedAtMs: number; calls: number }[];
}

export interface AnomalySignal {
  code:
    'short-calls' | 'low-answer-rate' | 'country-minutes' | 'sequential-numbers' | 'unusual-hours';
  message: string;
}

const HOURS_A_WEEK = 7 * 24;
const DAY_MS = 86_400_000;
/** Less than this in an hour is no fraud worth an alarm. */
const MIN_HOUR_S = 30 * 60;

/** G07: what fraud and broken lists look like. */
export function anomalySignals(
  facts: AnomalyFacts,
  limits: GuardrailSettings['anomaly'],
  nowMs: number,
): AnomalySignal[] {
  if (limits.action === 'off') return [];
  return [
    ...qualitySignals(facts, limits),
    ...countrySignals(facts, limits),
    ...runSignals(facts, limits),
    ...hourSignals(facts, limits, nowMs),
  ];
}

function qualitySignals(
  facts: AnomalyFacts,
  limits: GuardrailSettings['anomaly'],
): AnomalySignal[] {
  if (facts.calls < limits.sample_calls) return [];
  const signals: AnomalySignal[] = [];
  const shortShare = facts.short / facts.calls;
  if (shortShare > limits.short_call_share) {
    signals.push({
      code: 'short-calls',
      message: `${percent(shortShare)} of the last ${facts.calls} calls lasted ${limits.short_call_s} s or less`,
    });
  }
  const answerShare = facts.answered / facts.calls;
  if (answerShare < limits.min_answer_share) {
    signals.push({
      code: 'low-answer-rate',
      message: `${percent(answerShare)} of the last ${facts.calls} calls were answered`,
    });
  }
  return signals;
}

function countrySignals(
  facts: AnomalyFacts,
  limits: GuardrailSettings['anomaly'],
): AnomalySignal[] {
  const byCountry = new Map<string, { hourS: number; weekS: number }>();
  for (const { number, hourS, weekS } of facts.spoken) {
    const country = countryOf(number) ?? 'unknown';
    const sum = byCountry.get(country) ?? { hourS: 0, weekS: 0 };
    byCountry.set(country, { hourS: sum.hourS + hourS, weekS: sum.weekS + weekS });
  }
  return [...byCountry]
    .filter(([, { hourS, weekS }]) => {
      const usualS = (weekS - hourS) / HOURS_A_WEEK;
      return hourS >= MIN_HOUR_S && hourS > limits.country_minutes_factor * usualS;
    })
    .map(([country, { hourS }]) => ({
      code: 'country-minutes',
      message: `${Math.round(hourS / 60)} minutes to ${country} in an hour are more than ${limits.country_minutes_factor} times what is usual`,
    }));
}

/** Wangiri: somebody works through a block of numbers. */
function runSignals(facts: AnomalyFacts, limits: GuardrailSettings['anomaly']): AnomalySignal[] {
  const numbers = [...new Set(facts.recentNumbers)]
    .map((text) => BigInt(text.slice(1)))
    .sort(ascending);
  let run = 1;
  let longest = Math.min(1, numbers.length);
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1];
    run = before !== undefined && number - before === 1n ? run + 1 : 1;
    longest = Math.max(longest, run);
  }
  if (longest < limits.sequential_numbers) return [];
  return [
    {
      code: 'sequential-numbers',
      message: `${longest} numbers in a row of one block were called within an hour`,
    },
  ];
}

/** Somebody calls when this workspace never does: a stolen key, mostly. */
function hourSignals(
  { lastHour, weekHours }: AnomalyFacts,
  limits: GuardrailSettings['anomaly'],
  nowMs: number,
): AnomalySignal[] {
  const enough = limits.unusual_hour_calls;
  if (enough === null || lastHour < enough) return [];
  const days = new Set(weekHours.map(({ startedAtMs }) => Math.floor(startedAtMs / DAY_MS)));
  const week = sumCalls(weekHours);
  if (days.size < limits.unusual_hour_days || week < limits.sample_calls) return [];
  const hour = hourOfDay(nowMs);
  const usual = sumCalls(
    // 0: the hour itself; 1 and 23: the one after and the one before.
    weekHours.filter(({ startedAtMs }) =>
      [0, 1, 23].includes((hourOfDay(startedAtMs) - hour + 24) % 24),
    ),
  );
  if (usual > limits.unusual_hour_share * week) return [];
  return [
    {
      code: 'unusual-hours',
      message: `${lastHour} calls left in the last hour; around ${hour}:00 UTC only ${usual} of ${week} did in the week before`,
    },
  ];
}

function sumCalls(hours: AnomalyFacts['weekHours']): number {
  return hours.reduce((sum, { calls }) => sum + calls, 0);
}

function hourOfDay(atMs: number): number {
  return new Date(atMs).getUTCHours();
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
