import { describe, expect, it } from 'vitest';
import { PlayoutBuffer } from './playout-buffer.ts';

const frame = (value: number, samples = 160) => new Int16Array(samples).fill(value);

/** Speech: a loud frame of its own value, so that order and completeness can be seen. */
const spoken = (n: number) => frame(4_000 + n);

function firstSample(played: Int16Array | null): number | null {
  return played?.[0] ?? null;
}

describe('playout buffer', () => {
  it('T41: starts when 40 ms are there, then gives 20 ms a tick in order', () => {
    const buffer = new PlayoutBuffer();
    expect(buffer.pop()).toBeNull();
    buffer.push(spoken(1));
    expect(buffer.pop()).toBeNull();
    buffer.push(spoken(2));
    expect(firstSample(buffer.pop())).toBe(4_001);
    buffer.push(spoken(3));
    expect(firstSample(buffer.pop())).toBe(4_002);
    expect(firstSample(buffer.pop())).toBe(4_003);
  });

  it('T41: starts deeper where jitter is high, up to 200 ms', () => {
    const buffer = new PlayoutBuffer();
    buffer.setTarget({ jitterMs: 500, packetMs: 20 });
    for (let n = 0; n < 9; n++) buffer.push(spoken(n));
    expect(buffer.pop()).toBeNull();
    buffer.push(spoken(9));
    expect(firstSample(buffer.pop())).toBe(4_000);
  });

  it.each([10, 20, 30, 40, 60])(
    'RFC 3551 §4.2: plays packets of %i ms without a hole',
    (ptimeMs) => {
      const buffer = new PlayoutBuffer();
      const packet = frame(5_000, ptimeMs * 8);
      const played: (number | null)[] = [];
      // Packets come a little before the tick that needs them.
      for (let ms = 0, nextPacketMs = 0; ms < 3_000; ms += 20) {
        for (; nextPacketMs <= ms; nextPacketMs += ptimeMs) buffer.push(packet);
        const out = buffer.pop();
        played.push(out && out.every((sample) => sample === 5_000) ? 5_000 : firstSample(out));
      }
      const started = played.indexOf(5_000);
      expect(started).toBeLessThanOrEqual(3);
      const holes = played.slice(started).filter((value) => value !== 5_000).length;
      // A packet longer than the buffer's start depth may be awaited once.
      expect(holes).toBeLessThanOrEqual(ptimeMs > 20 ? 2 : 0);
    },
  );

  it('T41: keeps every sample in its place, whatever the sizes that come, round its whole ring', () => {
    const buffer = new PlayoutBuffer();
    const level = (n: number): number => 4_000 + (n % 9_973);
    const played: number[] = [];
    let pushed = 0;
    for (let tick = 0; tick < 500; tick++) {
      for (const size of [80, 137, 480, 211]) {
        if (pushed - played.length > 600) break;
        const from = pushed;
        buffer.push(Int16Array.from({ length: size }, (_, i) => level(from + i)));
        pushed += size;
      }
      played.push(...(buffer.pop() ?? []));
    }
    expect(played.length).toBeGreaterThan(70_000);
    expect(played.every((sample, n) => sample === level(n))).toBe(true);
  });

  it('T41: conceals a drought by the last frame, halved three times, then says nothing', () => {
    const buffer = new PlayoutBuffer();
    buffer.push(frame(8_000, 320));
    buffer.pop();
    buffer.pop();
    expect([1, 2, 3, 4].map(() => firstSample(buffer.pop()))).toEqual([4_000, 2_000, 1_000, null]);
  });

  it('T41: stands in for a lost packet in its place', () => {
    const buffer = new PlayoutBuffer();
    buffer.push(frame(8_000));
    buffer.pushLost(160);
    buffer.push(frame(6_000));
    expect([1, 2, 3].map(() => firstSample(buffer.pop()))).toEqual([8_000, 4_000, 6_000]);
  });

  it('T41: does not make up a loss twice that it has concealed while waiting', () => {
    const buffer = new PlayoutBuffer();
    buffer.push(frame(8_000, 320));
    for (let i = 0; i < 3; i++) buffer.pop();
    buffer.pushLost(160);
    expect(buffer.depthMs).toBe(0);
  });

  it('T41: leaves out a quiet frame where the far end sends faster than we play', () => {
    const buffer = new PlayoutBuffer();
    for (let n = 0; n < 5; n++) buffer.push(frame(1));
    for (let tick = 0; tick < 400; tick++) {
      buffer.pop();
      buffer.push(frame(1));
    }
    expect(buffer.depthMs).toBeLessThanOrEqual(60);
  });

  it('T41: leaves no frame out in the middle of speech for a small surplus', () => {
    const buffer = new PlayoutBuffer();
    for (let n = 0; n < 4; n++) buffer.push(spoken(n));
    const played = Array.from({ length: 200 }, (_, n) => {
      const value = firstSample(buffer.pop());
      buffer.push(spoken(n + 4));
      return value;
    });
    expect(played).toEqual(Array.from({ length: 200 }, (_, n) => 4_000 + n));
  });

  it('T41: repeats a quiet frame before it runs dry', () => {
    const buffer = new PlayoutBuffer();
    buffer.push(frame(1));
    buffer.push(frame(1));
    buffer.pop();
    // From here each packet comes just in time.
    buffer.pop();
    for (let tick = 0; tick < 60; tick++) {
      buffer.push(frame(1));
      expect(buffer.pop()).not.toBeNull();
    }
    expect(buffer.depthMs).toBe(20);
  });

  it('T41: follows a clock that is off by 200 ppm for half an hour within 80 ms of delay', () => {
    for (const packetMs of [20 * 1.0002, 20 / 1.0002]) {
      const buffer = new PlayoutBuffer();
      let arrivalMs = 0;
      let silentTicks = 0;
      let deepestMs = 0;
      for (let tick = 0; tick < 90_000; tick++) {
        for (; arrivalMs <= tick * 20; arrivalMs += packetMs) {
          // Two seconds of speech, one of pause.
          buffer.push(frame(Math.floor(tick / 50) % 3 === 2 ? 3 : 6_000));
        }
        if (!buffer.pop() && tick > 10) silentTicks++;
        deepestMs = Math.max(deepestMs, buffer.depthMs);
      }
      expect(silentTicks).toBe(0);
      expect(deepestMs).toBeLessThanOrEqual(80);
    }
  });

  it('T41: holds at most 600 ms and drops the oldest', () => {
    const buffer = new PlayoutBuffer();
    for (let n = 0; n < 100; n++) buffer.push(spoken(n));
    expect(buffer.depthMs).toBe(600);
    expect(firstSample(buffer.pop())).toBe(4_070);
  });
});
