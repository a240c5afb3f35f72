import { describe, expect, it } from 'vitest';
import { decodeMulaw, encodeMulaw } from './g711.ts';
import {
  beepDetector,
  digitOfTone,
  dtmfDetector,
  type ToneDetector,
  type ToneEvent,
} from './goertzel.ts';
import { dtmfTone, tone } from './tone.ts';

const silence = (ms: number) => new Int16Array(ms * 8);

function join(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

/** In network packets, through the codec of the line. */
function hear(detector: ToneDetector, samples: Int16Array, chunkSamples = 160): ToneEvent[] {
  const onLine = decodeMulaw(encodeMulaw(samples));
  const events: ToneEvent[] = [];
  for (let at = 0; at < onLine.length; at += chunkSamples) {
    events.push(...detector.process(onLine.subarray(at, at + chunkSamples)));
  }
  return events;
}

/** A voice-like sound: a pulse of many harmonics whose pitch moves. */
function vowel(ms: number): Int16Array {
  let phase = 0;
  return Int16Array.from({ length: ms * 8 }, (_, i) => {
    phase += (110 + 30 * Math.sin(i / 1_500)) / 8_000;
    let sum = 0;
    for (let harmonic = 1; harmonic <= 20; harmonic++) {
      sum += Math.sin(2 * Math.PI * harmonic * phase) / Math.sqrt(harmonic);
    }
    return 2_000 * sum;
  });
}

function noise(ms: number, peak: number): Int16Array {
  let state = 12_345;
  return Int16Array.from({ length: ms * 8 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state / 2 ** 31 - 1) * peak;
  });
}

describe('beep detector', () => {
  it.each([425, 440, 812, 1_000, 1_390, 2_000])(
    'hears a beep of %i Hz, its start and its end',
    (hz) => {
      const beep = tone([{ frequenciesHz: [hz], durationMs: 400 }]);
      const events = hear(beepDetector(), join(silence(200), beep, silence(100)));
      expect(events.map((event) => event.type)).toEqual(['start', 'end']);
      expect(events[0]?.atMs).toBe(200);
      expect(events[1]).toMatchObject({ atMs: 600, durationMs: 400 });
      expect(Math.abs((events[0]?.frequenciesHz[0] ?? 0) - hz)).toBeLessThanOrEqual(25);
    },
  );

  it('hears it the same in chunks of any size', () => {
    const beep = join(
      silence(210),
      tone([{ frequenciesHz: [1_000], durationMs: 300 }]),
      silence(90),
    );
    expect(hear(beepDetector(), beep, 77)).toEqual(hear(beepDetector(), beep, 480));
  });

  it('takes a voice, noise, ringing and a short blip for no beep', () => {
    const ringback = tone([{ frequenciesHz: [440, 480], durationMs: 1_000 }]);
    const blip = tone([{ frequenciesHz: [1_000], durationMs: 60 }]);
    const loud = join(
      vowel(2_000),
      noise(1_000, 8_000),
      ringback,
      silence(100),
      blip,
      silence(100),
    );
    expect(hear(beepDetector(), loud)).toEqual([]);
  });

  it('takes a tone that is hardly there for none', () => {
    const faint = tone([{ frequenciesHz: [1_000], durationMs: 500, levelDbfs: -50 }]);
    expect(hear(beepDetector(), faint)).toEqual([]);
  });
});

describe('keys in the audio', () => {
  it('T43 ITU-T Q.24: hears every key once, on a noisy line', () => {
    const digits = '1234567890*#ABCD';
    const parts = Array.from(digits, (digit) => [
      dtmfTone(digit) ?? silence(0),
      silence(65),
    ]).flat();
    const line = join(silence(33), ...parts);
    const hiss = noise(line.length / 8, 300);
    const events = hear(
      dtmfDetector(),
      line.map((sample, i) => sample + (hiss[i] ?? 0)),
    );
    const heard = events.filter((event) => event.type === 'start');
    expect(heard.map(({ frequenciesHz }) => digitOfTone(frequenciesHz)).join('')).toBe(digits);
  });

  it('T43 ITU-T Q.24: hears no key of 20 ms, and none in a voice', () => {
    expect(hear(dtmfDetector(), join(dtmfTone('5', 20) ?? silence(0), silence(60)))).toEqual([]);
    expect(hear(dtmfDetector(), vowel(5_000))).toEqual([]);
  });

  it('takes a tone of one frequency for no key', () => {
    expect(hear(dtmfDetector(), tone([{ frequenciesHz: [770], durationMs: 300 }]))).toEqual([]);
    expect(digitOfTone([770])).toBeNull();
  });
});
