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
  const asked: { interim?: boolean }[] = [];
  const answer = { gate: Promise.resolve() };
  const stt: SttProvider = {
    name: 'counting',
    open: () => ({
      begin: () => {
        pushed = 0;
      },
      push: () => pushed++,
      transcribe: async (options) => {
        asked.push(options);
        await answer.gate;
        return { text: `${pushed} chunks`, confidence: 1, processingMs: 0 };
      },
      close: () => undefined,
    }),
  };
  const ears = new PhoneEars({ vad, stt, endSilenceMs: 96 });
  const hear = (probability: number, times: number, length = 1): void => {
    const samples = new Int16Array(length).fill(probability * 100);
    for (let i = 0; i < times; i++) ears.push(samples);
  };
  return { ears, hear, asked, answer };
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

it('has the end of a long utterance understood, after what the agents want understood', async () => {
  const { ears, hear, asked } = openEars();
  const utterance = ears.nextUtterance(new AbortController().signal);
  hear(0.9, 500, 256);
  hear(0, 3, 256);
  const heard = await utterance;
  // 5 s of 32 ms each, the silence at the end included.
  expect(heard).toEqual({ text: '156 chunks', speechMs: 16_000 });
  expect(asked).toMatchObject([{ interim: true }]);
  ears.close();
});

it('says that it is still understanding, and understands nothing where that fails', async () => {
  const { ears, hear, answer } = openEars();
  const gate = Promise.withResolvers<void>();
  answer.gate = gate.promise;
  const utterance = ears.nextUtterance(new AbortController().signal);
  hear(0.9, 10);
  hear(0, 3);
  await Promise.resolve();
  await Promise.resolve();
  expect(ears.speaking).toBe(false);
  expect(ears.recognising).toBe(true);
  gate.reject(new Error('busy: 128 jobs are waiting'));
  expect(await utterance).toEqual({ text: '', speechMs: 320 });
  expect(ears.recognising).toBe(false);
  ears.close();
});
