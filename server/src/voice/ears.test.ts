import { describe, expect, it } from 'vitest';
import { createFakeVad } from '../providers/fake/fake-vad.ts';
import type { VadProvider } from '../providers/vad.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { Ears } from './ears.ts';
import { scriptedStt } from './testing/scripted-speech.ts';

/** Voice activity whose first session stops judging after `frames` frames. */
function stallingVad(frames: number): VadProvider & { opened: number } {
  const working = createFakeVad();
  const vad = {
    frameMs: working.frameMs,
    opened: 0,
    open: (onFrame: (probability: number) => void) => {
      const isFirst = vad.opened++ === 0;
      let judged = 0;
      return working.open((probability) => {
        if (!isFirst || judged++ < frames) onFrame(probability);
      });
    },
  };
  return vad;
}

describe('ears', () => {
  it('begin anew when voice activity is judged no more, and hear what is said then', () => {
    const clock = new FakeClock();
    const vad = stallingVad(25);
    const signals: string[] = [];
    const stalls: string[] = [];
    const ears = new Ears({
      vad,
      openStt: () => scriptedStt(clock).open({ language: 'en' }),
      clock,
      onSignal: ({ type }) => signals.push(type),
      onStalled: ({ message }) => stalls.push(message),
    });
    const loud = new Int16Array(160).fill(8_000);
    const quiet = new Int16Array(160);
    for (let i = 0; i < 50; i++) ears.hear(quiet);
    for (let i = 0; i < 100; i++) ears.hear(loud);
    expect(signals).not.toContain('started');
    expect(vad.opened).toBe(1);
    for (let i = 0; i < 100; i++) ears.hear(loud);
    expect(vad.opened).toBe(2);
    expect(stalls).toEqual([expect.stringContaining('started anew')]);
    expect(signals).toContain('started');
    ears.close();
  });

  it('give a recogniser up that does not answer, and open another one', async () => {
    const clock = new FakeClock();
    const stt = scriptedStt(clock);
    let opened = 0;
    const ears = new Ears({
      vad: createFakeVad(),
      openStt: () => {
        opened++;
        return stt.open({ language: 'en' });
      },
      clock,
      onSignal: () => undefined,
      onStalled: () => undefined,
    });
    stt.latencyMs = 3_600_000;
    const { signal } = new AbortController();
    const asked = ears.transcribe({ expectDigits: false, signal });
    const refused = expect(asked).rejects.toThrow('no transcript within 8000 ms');
    await clock.advance(8_000);
    await refused;
    expect(opened).toBe(2);
    stt.latencyMs = 50;
    const again = ears.transcribe({ expectDigits: false, signal });
    await clock.advance(50);
    await expect(again).resolves.toMatchObject({ text: 'Yes, that works.' });
    ears.close();
  });
});
