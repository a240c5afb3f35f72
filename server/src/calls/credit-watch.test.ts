import { describe, expect, it } from 'vitest';
import { silentLogger as logger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { RESERVATION_PERIOD_MS } from '../wallet/estimate.ts';
import { EXTEND_LEAD_MS, watchCredit } from './credit-watch.ts';

const FIRST_MS = RESERVATION_PERIOD_MS - EXTEND_LEAD_MS;

/** Drives a watch; `answers` are what the wallet says in turn, an error where it is away. */
function watch(answers: readonly (boolean | Error)[]) {
  const clock = new FakeClock();
  const asked: number[] = [];
  let gone = 0;
  const startMs = clock.now();
  const watching = watchCredit({
    clock,
    logger,
    callId: 'call_1',
    wallet: {
      extend: () => {
        const answer = answers[Math.min(asked.length, answers.length - 1)] ?? true;
        asked.push(clock.now() - startMs);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    onGone: () => void gone++,
  });
  return { clock, asked, watching, gone: () => gone };
}

describe('the credit of a live call', () => {
  it('is reserved for each next minute before the last one is over', async () => {
    const { clock, asked, watching, gone } = watch([true]);
    await clock.advance(FIRST_MS + 2 * RESERVATION_PERIOD_MS);
    expect(asked).toEqual([0, 1, 2].map((minute) => FIRST_MS + minute * RESERVATION_PERIOD_MS));
    watching.close();
    await clock.advance(10 * RESERVATION_PERIOD_MS);
    expect(asked).toHaveLength(3);
    expect(gone()).toBe(0);
  });

  it('ends the call once when it is gone, with time for a goodbye', async () => {
    const { clock, asked, gone } = watch([true, false]);
    await clock.advance(5 * RESERVATION_PERIOD_MS);
    expect(asked).toEqual([FIRST_MS, FIRST_MS + RESERVATION_PERIOD_MS]);
    expect(gone()).toBe(1);
  });

  it('outlasts a database that is away, for one minute that nobody reserved and no longer', async () => {
    const away = new Error('the database is away');
    const short = watch([away, away, true]);
    await short.clock.advance(FIRST_MS + RESERVATION_PERIOD_MS);
    expect(short.asked.slice(0, 3)).toEqual([FIRST_MS, FIRST_MS + 2_000, FIRST_MS + 4_000]);
    // The grid of the minutes stays where it was.
    expect(short.asked[3]).toBe(FIRST_MS + RESERVATION_PERIOD_MS);
    expect(short.gone()).toBe(0);
    const long = watch([away]);
    await long.clock.advance(FIRST_MS + RESERVATION_PERIOD_MS);
    expect(long.gone()).toBe(1);
  });
});
