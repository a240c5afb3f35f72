import { describe, expect, it } from 'vitest';
import { mixAll, mixMinusSelf } from './mix.ts';

const frame = (...samples: number[]) => Int16Array.from(samples);

describe('mixing', () => {
  it('gives each speaker the sum of the others', () => {
    const frames = [frame(1, 10), frame(2, 20), frame(4, 40)];
    const targets = frames.map(() => new Int16Array(2));
    expect(mixMinusSelf(frames, targets)).toEqual([frame(6, 60), frame(5, 50), frame(3, 30)]);
    expect(frames).toEqual([frame(1, 10), frame(2, 20), frame(4, 40)]);
  });

  it('saturates the result, not the sum on the way to it', () => {
    const frames = [frame(30_000, -30_000), frame(30_000, -30_000), frame(-30_000, 30_000)];
    const targets = frames.map(() => new Int16Array(2));
    expect(mixMinusSelf(frames, targets)).toEqual([
      frame(0, 0),
      frame(0, 0),
      frame(32_767, -32_768),
    ]);
    expect(mixAll(frames.slice(0, 2), new Int16Array(2))).toEqual(frame(32_767, -32_768));
  });

  it('says null to who hears nobody, and the mix to who is silent', () => {
    const targets = [0, 1, 2].map(() => new Int16Array(1));
    expect(mixMinusSelf([frame(5), null, null], targets)).toEqual([null, frame(5), frame(5)]);
    expect(mixMinusSelf([null, null, null], targets)).toEqual([null, null, null]);
  });

  it('overwrites what was in the target', () => {
    expect(mixAll([frame(1), null, frame(2)], frame(99))).toEqual(frame(3));
    expect(mixAll([], frame(99))).toEqual(frame(0));
  });
});
