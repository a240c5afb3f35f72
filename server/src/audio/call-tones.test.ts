import { describe, expect, it } from 'vitest';
import { CallTones, type CallTone } from './call-tones.ts';
import { decodeMulaw, encodeMulaw } from './g711.ts';
import { BUSY, dtmfTone, RINGBACK, tone, type ToneSegment } from './tone.ts';

const at = (hz: number, durationMs: number): ToneSegment => ({ frequenciesHz: [hz], durationMs });
const pause = (durationMs: number): ToneSegment => ({ frequenciesHz: [], durationMs });

/** As a trunk delivers it, in packets of 20 ms, with noise of a telephone line. */
function hear(segments: readonly ToneSegment[], chunk = 160): CallTone[] {
  const clean = tone(segments);
  let seed = 7;
  const noisy = clean.map((sample) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return sample + Math.round((seed / 2_147_483_648 - 0.5) * 60);
  });
  const line = decodeMulaw(encodeMulaw(noisy));
  const tones = new CallTones();
  const heard: CallTone[] = [];
  for (let from = 0; from < line.length; from += chunk) {
    heard.push(...tones.process(line.subarray(from, from + chunk)));
  }
  return heard;
}

const SIT_SEGMENTS: readonly (readonly [string, readonly ToneSegment[]])[] = [
  ['vacant code', [at(985.2, 380), at(1_370.6, 274), at(1_776.7, 380)]],
  ['intercept', [at(913.8, 274), at(1_370.6, 274), at(1_776.7, 380)]],
  ['no circuit', [at(985.2, 380), at(1_428.5, 380), at(1_776.7, 380)]],
  ['reorder', [at(913.8, 274), at(1_428.5, 380), at(1_776.7, 380)]],
  ['E.180 with gaps', [at(950, 330), pause(20), at(1_400, 330), pause(20), at(1_800, 330)]],
];

describe('tones of a call', () => {
  it.each([440, 620, 850, 1_000, 1_400, 2_000])('a beep of %i Hz is told when it is over', (hz) => {
    const [beep, ...others] = hear([pause(300), at(hz, 400), pause(200)]);
    expect(others).toEqual([]);
    expect(beep?.type).toBe('beep');
    if (beep?.type !== 'beep') return;
    expect(Math.abs(beep.frequencyHz - hz)).toBeLessThanOrEqual(25);
    expect(Math.abs(beep.atMs - 300)).toBeLessThanOrEqual(40);
    expect(Math.abs(beep.atMs + beep.durationMs - 700)).toBeLessThanOrEqual(40);
  });

  it.each(SIT_SEGMENTS)(
    'three rising tones are an announcement of the network: %s',
    (_name, plan) => {
      const types = hear([pause(200), ...plan, pause(500)]).map(({ type }) => type);
      expect(types).toContain('sit');
    },
  );

  it('a beep, and another one of another tone, are no announcement', () => {
    const plan = [at(985, 300), pause(400), at(1_400, 300), pause(400), at(1_776, 300), pause(200)];
    expect(hear(plan).map(({ type }) => type)).toEqual(['beep', 'beep', 'beep']);
    const falling = [at(1_776, 300), at(1_400, 300), at(985, 300), pause(200)];
    expect(hear(falling).map(({ type }) => type)).not.toContain('sit');
  });

  it('a fax that answers is known after a second of its tone, while it sounds', () => {
    const tones = hear([pause(400), at(2_100, 3_000)]);
    expect(tones.map(({ type }) => type)).toEqual(['fax-answer']);
    expect(tones[0]?.durationMs).toBeLessThan(1_200);
  });

  it('a modem whose tone is broken up by phase reversals is one too', () => {
    const pieces = Array.from({ length: 5 }, () => [at(2_100, 430), pause(20)]).flat();
    expect(hear([pause(200), ...pieces]).map(({ type }) => type)).toEqual(['fax-answer']);
  });

  it('a fax that calls is known by its second tone, in time', () => {
    const calling = [at(1_100, 500), pause(3_000), at(1_100, 500), pause(200)];
    expect(hear(calling).map(({ type }) => type)).toEqual(['beep', 'fax-calling']);
    const tooSoon = [at(1_100, 500), pause(1_000), at(1_100, 500), pause(200)];
    expect(hear(tooSoon).map(({ type }) => type)).toEqual(['beep', 'beep']);
  });

  it('ringing, busy, keys, a hum and silence are none of these', () => {
    const keys = Array.from('0123456789*#').flatMap((digit) =>
      Array.from(dtmfTone(digit, 200) ?? []),
    );
    const tones = new CallTones();
    expect(tones.process(Int16Array.from(keys))).toEqual([]);
    expect(hear(RINGBACK)).toEqual([]);
    expect(hear([...BUSY, ...BUSY, ...BUSY])).toEqual([]);
    expect(hear([at(50, 2_000), at(120, 2_000)])).toEqual([]);
    expect(hear([pause(2_000)])).toEqual([]);
  });

  it('a tone of several seconds is no beep of a mailbox', () => {
    expect(hear([at(1_000, 4_000), pause(300)])).toEqual([]);
  });

  it('hears the same whatever the size of the chunks', () => {
    const plan = [
      pause(330),
      at(1_000, 400),
      pause(210),
      at(950, 330),
      at(1_400, 330),
      at(1_800, 330),
      pause(300),
    ];
    expect(hear(plan, 77)).toEqual(hear(plan, 480));
  });
});
