import { expect, it } from 'vitest';
import type { SttProvider } from '../providers/stt.ts';
import type { VadProvider } from '../providers/vad.ts';
import { PhoneEars } from './phone-ears.ts';

/** Ears whose VAD judges each push by its first sample, and whose STT counts what it was given. */
function openEars() {
  const vad: VadProvider = {
    frameMs: 32,
    open: (onFrame) => ({
      push: (samples) => onFrame((samples[0] ?? 0) / 100),
      close: () => undefined,
    }),
  };
  let pushed = 0;
  const stt: SttProvider = {
    name: 'counting',
    open: () => ({
      begin: () => {
        pushed = 0;
      },
      push: () => pushed++,
      transcribe: () =>
        Promise.resolve({ text: `${pushed} chunks`, confidence: 1, processingMs: 0 }),
      close: () => undefined,
    }),
  };
  const ears = new PhoneEars({ vad, stt, endSilenceMs: 96 });
  const hear = (probability: number, times: number): void => {
    for (let i = 0; i < times; i++) ears.push(Int16Array.of(probability * 100));
  };
  return { ears, hear };
}

it('ends an utterance after the silence that is asked for and transcribes it with its pre-roll', async () => {
  const { ears, hear } = openEars();
  const utterance = ears.nextUtterance(new AbortController().signal);
  hear(0, 5);
  hear(0.9, 10);
  hear(0, 3);
  expect(await utterance).toEqual({ text: '17 chunks', speechMs: 320 });
  ears.close();
});

it('takes two loud frames for a click, not for speech', async () => {
  const { ears, hear } = openEars();
  hear(0.9, 2);
  hear(0, 1);
  expect(ears.speaking).toBe(false);
  expect(ears.totalSpeechMs).toBe(0);
  ears.close();
});

it('waits for an amount of speech across pauses', async () => {
  const { ears, hear } = openEars();
  let done = false;
  const waiting = ears.waitForSpeech(300, new AbortController().signal).then(() => {
    done = true;
  });
  hear(0.9, 5);
  hear(0, 10);
  await Promise.resolve();
  expect(done).toBe(false);
  hear(0.9, 5);
  await waiting;
  ears.close();
});

it('stops waiting when the call is over', async () => {
  const { ears } = openEars();
  const over = new AbortController();
  const utterance = ears.nextUtterance(over.signal);
  over.abort(new Error('over'));
  await expect(utterance).rejects.toThrow('over');
  ears.close();
});
