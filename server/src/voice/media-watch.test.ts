import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { MediaWatch } from './media-watch.ts';

function watched(): { clock: FakeClock; watch: MediaWatch; seen: string[] } {
  const clock = new FakeClock();
  const seen: string[] = [];
  const watch = new MediaWatch({
    clock,
    timeouts: { firstPacketMs: 30_000, lostMs: 60_000, holdMs: 1_800_000 },
    onTimeout: (phase) => seen.push(phase),
    onOneWay: (seconds, kind) => {
      seen.push(kind === 'silence' ? `silence ${seconds}` : `one-way ${seconds}`);
    },
  });
  return { clock, watch, seen };
}

/** Tells of a gap every second, as a stream does. */
async function gap(clock: FakeClock, watch: MediaWatch, seconds: number, from = 0): Promise<void> {
  for (let second = from + 1; second <= from + seconds; second++) {
    await clock.advance(1_000);
    watch.gap(second * 1_000);
  }
}

describe('media watch', () => {
  it('expects nothing before the answer', async () => {
    const { clock, watch, seen } = watched();
    await clock.advance(120_000);
    watch.gap(120_000);
    expect(seen).toEqual([]);
  });

  it('T46 T47: reports one-way audio after 5 s and a missing first packet after 30 s', async () => {
    const { clock, watch, seen } = watched();
    watch.answered();
    await clock.advance(4_900);
    expect(seen).toEqual([]);
    await clock.advance(200);
    expect(seen).toEqual(['one-way 5']);
    await clock.advance(25_000);
    expect(seen).toEqual(['one-way 5', 'first-packet']);
    expect(clock.pendingCount).toBe(0);
  });

  it('T46: reports packets without anything in them once a call, and not on hold', async () => {
    const { watch, seen } = watched();
    watch.firstPacket();
    watch.silent(20_000);
    watch.answered();
    watch.setHeld(true);
    watch.silent(20_000);
    watch.setHeld(false);
    watch.silent(20_020);
    watch.silent(20_000);
    expect(seen).toEqual(['silence 20']);
    watch.close();
  });

  it('T47: ends a call at its timers to the second, in each phase', async () => {
    for (const [phase, afterMs] of [
      ['first-packet', 30_000],
      ['hold', 1_800_000],
    ] as const) {
      const { clock, watch, seen } = watched();
      watch.answered();
      if (phase === 'hold') watch.setHeld(true);
      await clock.advance(afterMs - 1_000);
      expect(seen).not.toContain(phase);
      await clock.advance(1_000);
      expect(seen.at(-1)).toBe(phase);
    }
    const { clock, watch, seen } = watched();
    watch.firstPacket();
    watch.answered();
    await gap(clock, watch, 59);
    expect(seen).not.toContain('lost');
    await gap(clock, watch, 1, 59);
    expect(seen.at(-1)).toBe('lost');
  });

  it('T46 T47: reports each gap once and a stream that is lost for 60 s', async () => {
    const { clock, watch, seen } = watched();
    watch.firstPacket();
    watch.answered();
    await gap(clock, watch, 8);
    watch.resumed();
    await gap(clock, watch, 59);
    expect(seen).toEqual(['one-way 5', 'one-way 5']);
    await gap(clock, watch, 2, 59);
    expect(seen).toEqual(['one-way 5', 'one-way 5', 'lost']);
  });

  it('T47 T21: does not count the silence of a hold, but ends a hold after 30 minutes', async () => {
    const { clock, watch, seen } = watched();
    watch.firstPacket();
    watch.answered();
    watch.setHeld(true);
    await gap(clock, watch, 120);
    watch.setHeld(false);
    await gap(clock, watch, 4, 120);
    expect(seen).toEqual([]);
    watch.setHeld(true);
    await clock.advance(1_800_000);
    expect(seen).toEqual(['hold']);
  });

  it('says nothing more after close', async () => {
    const { clock, watch, seen } = watched();
    watch.answered();
    watch.close();
    watch.close();
    await clock.advance(60_000);
    expect(seen).toEqual([]);
    expect(clock.pendingCount).toBe(0);
  });
});
