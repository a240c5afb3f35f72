import { describe, expect, it } from 'vitest';
import { UtteranceBuffer } from './utterance-buffer.ts';

describe('UtteranceBuffer', () => {
  it('gives back what was pushed, in order, and forgets it when cleared', () => {
    const buffer = new UtteranceBuffer();
    for (let n = 0; n < 300; n++) buffer.push(new Int16Array(160).fill(n));
    const copy = buffer.copy();
    expect(copy).toHaveLength(48_000);
    expect([copy[0], copy[160], copy.at(-1)]).toEqual([0, 1, 299]);
    buffer.clear();
    expect(buffer.sampleCount).toBe(0);
  });

  it('never holds more than 30 s, and always the newest', () => {
    const buffer = new UtteranceBuffer();
    for (let n = 0; n < 3_000; n++) {
      buffer.push(new Int16Array(160).fill(n));
      expect(buffer.sampleCount).toBeLessThanOrEqual(240_000);
    }
    expect(buffer.sampleCount).toBeGreaterThanOrEqual(28 * 8_000);
    expect(buffer.copy().at(-1)).toBe(2_999);
    buffer.push(new Int16Array(500_000).fill(7));
    expect(buffer.sampleCount).toBe(240_000);
  });
});
