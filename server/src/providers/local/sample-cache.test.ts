import { describe, expect, it } from 'vitest';
import { SampleCache } from './sample-cache.ts';

describe('SampleCache', () => {
  it('forgets the least recently used when it grows beyond its bound', () => {
    const cache = new SampleCache(300);
    for (const key of ['a', 'b', 'c']) cache.set(key, new Int16Array(100));
    expect(cache.get('a')).toHaveLength(100);
    cache.set('d', new Int16Array(100));
    expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined)).toEqual([
      'a',
      'c',
      'd',
    ]);
    expect(cache.sampleCount).toBe(300);
  });

  it('keeps its contents from what callers do with theirs', () => {
    const cache = new SampleCache(10);
    const samples = Int16Array.of(1, 2);
    cache.set('a', samples);
    samples[0] = 99;
    cache.get('a')?.fill(99);
    expect(cache.get('a')).toEqual(Int16Array.of(1, 2));
  });

  it('counts a key that is set again once, and refuses what is larger than itself', () => {
    const cache = new SampleCache(10);
    cache.set('a', new Int16Array(8));
    cache.set('a', new Int16Array(9));
    cache.set('b', new Int16Array(11));
    expect(cache.sampleCount).toBe(9);
    expect(cache.get('b')).toBeUndefined();
  });
});
