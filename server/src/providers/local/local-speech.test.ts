import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { silentLogger } from '../../shared/logger.ts';
import { ProviderError } from '../provider-error.ts';
import type { ConsumerReport } from '../testing/consumer-thread.ts';
import type { VadProvider } from '../vad.ts';
import { hear, judge, speak } from '../testing/listen.ts';
import { createLocalSpeech, type LocalSpeech } from './local-speech.ts';
import { speechPortList, startSpeechService, type SpeechService } from './speech-service.ts';

const PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison';
/** Recorded prompts of a woman, and words that must be heard in them. */
const RECORDED: readonly (readonly [string, string[]])[] = [
  ['auth-incorrect', ['password', 'incorrect']],
  ['im-sorry', ['sorry']],
  ['all-circuits-busy-now', ['circuits', 'busy']],
  ['please-try-again', ['try', 'again']],
  ['conf-onlyone', ['currently', 'conference']],
];

const threads: Worker[] = [];
const remember = (worker: Worker): number => threads.push(worker);
let service: SpeechService;
let speech: LocalSpeech;
beforeAll(async () => {
  process.on('worker', remember);
  service = await startSpeechService({ logger: silentLogger, clock: systemClock, sttThreads: 1 });
  speech = createLocalSpeech(service.connect());
});
afterAll(async () => {
  process.off('worker', remember);
  speech.close();
  await service.close();
});

const share = (probabilities: number[]): number =>
  probabilities.filter((p) => p > 0.5).length / probabilities.length;
const tones = (seconds: number, hz: (second: number) => number[]): Int16Array =>
  Int16Array.from({ length: seconds * 8_000 }, (_, n) =>
    Math.round(
      hz(n / 8_000).reduce((sum, f) => sum + 5_000 * Math.sin((2 * Math.PI * f * n) / 8_000), 0),
    ),
  );
const recorded = (name: string): Int16Array => {
  const bytes = readFileSync(`${PROMPTS}/${name}.wav`).subarray(44);
  return Int16Array.from({ length: bytes.length >> 1 }, (_, n) => bytes.readInt16LE(2 * n));
};
/** Frame by frame, as a call brings them: the next when the one before is answered. */
async function judgeInStep(vad: VadProvider, samples: Int16Array): Promise<number[]> {
  const frameSamples = vad.frameMs * 8;
  const probabilities: number[] = [];
  let answered: () => void = () => undefined;
  const session = vad.open((probability) => {
    probabilities.push(probability);
    answered();
  });
  for (let at = 0; at + frameSamples <= samples.length; at += frameSamples) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve;
    });
    session.push(samples.subarray(at, at + frameSamples));
    await answer;
  }
  session.close();
  return probabilities;
}
/** The thread whose loss is played: found by the name that it was started with. */
const threadNamed = (name: string): Worker =>
  threads.findLast((worker) => worker.threadName === name && worker.threadId > 0) as Worker;

describe('local VAD', () => {
  it('hears speech in most frames of a sentence', async () => {
    const samples = await speak(speech.tts, 'I would like to make an appointment, please.');
    expect(share(await judge(speech.vad, samples))).toBeGreaterThan(0.8);
  });

  it.each<[string, Int16Array]>([
    ['silence', new Int16Array(16_000)],
    ['DTMF', tones(2, (s) => (s % 0.3 < 0.15 ? [941, 1_336] : []))],
    ['ringback', tones(3, (s) => (s % 1.5 < 1 ? [440, 480] : []))],
    [
      'music',
      tones(
        4,
        (s) =>
          [
            [262, 330, 392],
            [294, 370, 440],
            [330, 415, 494],
          ][Math.floor(s * 2) % 3] ?? [],
      ),
    ],
  ])('hears no speech in %s', async (_name, samples) => {
    // Three frames in a row begin a turn; not one such run may be there.
    const probabilities = await judge(speech.vad, samples);
    const runs = probabilities.filter(
      (p, n) => p > 0.5 && (probabilities[n - 1] ?? 0) > 0.5 && (probabilities[n - 2] ?? 0) > 0.5,
    );
    expect(runs).toEqual([]);
  });

  it('judges no more of a digital silence than tells something, and hears what follows as before', async () => {
    const silence = new Int16Array(60 * 256);
    const sentence = await speak(speech.tts, 'Good morning.');
    const samples = new Int16Array(silence.length + sentence.length);
    samples.set(sentence, silence.length);
    const judged = async (): Promise<number> =>
      (await service.stats()).find(({ kind }) => kind === 'vad')?.done ?? 0;

    const before = await judged();
    const allAtOnce = await judge(speech.vad, samples);
    const between = await judged();
    const oneByOne = await judgeInStep(speech.vad, samples);
    const after = await judged();

    expect(between - before).toBe(allAtOnce.length);
    expect(after - between).toBe(allAtOnce.length - (60 - 16));
    const begins = (all: number[]): number => all.findIndex((p) => p > 0.5);
    expect(begins(oneByOne)).toBe(begins(allAtOnce));
    expect(share(oneByOne)).toBeCloseTo(share(allAtOnce), 1);
  });

  it('keeps many streams apart and answers each in order', async () => {
    const samples = await speak(speech.tts, 'Good morning.');
    const single = await judge(speech.vad, samples);
    const many = await Promise.all(Array.from({ length: 20 }, () => judge(speech.vad, samples)));
    for (const probabilities of many) {
      probabilities.forEach((p, n) => expect(p).toBeCloseTo(single[n] ?? -1, 3));
    }
  });
});

describe('local STT', () => {
  it.each([
    ['I would like to make an appointment for next Tuesday.', ['appointment', 'tuesday']],
    ['Sorry, could you repeat that please?', ['sorry', 'repeat']],
    ['I want to speak to a human.', ['speak', 'human']],
    ['Yes please.', ['yes']],
  ])('hears the words of "%s"', async (text, words) => {
    const transcript = await hear(speech.stt, await speak(speech.tts, text));
    for (const word of words) expect(transcript.text.toLowerCase()).toContain(word);
    expect(transcript.confidence).toBeGreaterThan(0.5);
    expect(transcript.confidence).toBeLessThanOrEqual(1);
  });

  it('hears digits when digits are expected', async () => {
    const samples = await speak(speech.tts, 'seven, three, one, nine, zero');
    const { text } = await hear(speech.stt, samples, true);
    const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
    const digits = text.toLowerCase().replace(/[a-z]+/g, (word) => String(names.indexOf(word)));
    expect(digits.replace(/\D/g, '')).toBe('73190');
  });

  const hasPrompts = existsSync(PROMPTS);
  it.skipIf(!hasPrompts).each(RECORDED)('hears the recorded prompt %s', async (name, words) => {
    const { text } = await hear(speech.stt, recorded(name));
    for (const word of words) expect(text.toLowerCase()).toContain(word);
  });
  it.skipIf(hasPrompts)(
    'SKIPPED: recorded prompts (apt-get install asterisk-core-sounds-en-wav)',
    () => undefined,
  );

  it('says nothing about an utterance without sound, and forgets the one before', async () => {
    const session = speech.stt.open({ language: 'en-US' });
    session.push(await speak(speech.tts, 'Yes please.'));
    session.begin();
    const options = { expectDigits: false, signal: new AbortController().signal };
    expect(await session.transcribe(options)).toEqual({ text: '', confidence: 0, processingMs: 0 });
    session.close();
  });

  it('refuses a language that it does not hear', () => {
    expect(() => speech.stt.open({ language: 'de' })).toThrow('hears English only');
  });

  it('drops a transcription that is aborted, and serves the next', async () => {
    const samples = await speak(speech.tts, 'This is a somewhat longer sentence for the queue.');
    const session = speech.stt.open({ language: 'en' });
    session.push(samples);
    const reason = new Error('the caller went on');
    const controller = new AbortController();
    const signal = controller.signal;
    const before = (await service.stats()).find(({ kind }) => kind === 'stt');
    const pending = [1, 2, 3].map(() => session.transcribe({ expectDigits: false, signal }));
    controller.abort(reason);
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toEqual({ status: 'rejected', reason });
    }
    const next = await session.transcribe({
      expectDigits: false,
      signal: new AbortController().signal,
    });
    expect(next.text.toLowerCase()).toContain('sentence');
    const after = (await service.stats()).find(({ kind }) => kind === 'stt');
    // Only the last one was decoded to its end.
    expect((after?.done ?? 0) - (before?.done ?? 0)).toBe(1);
    session.close();
  });
});

describe('local TTS', () => {
  it.each(['slt', 'rms', 'awb', 'kal'])(
    '%s speaks at once, at a good level, unclipped',
    async (voice) => {
      const samples = await speak(speech.tts, 'Good morning, this is a test.', voice);
      expect(samples.length).toBeGreaterThan(8_000);
      // No more than 10 ms of silence before the first sound.
      expect(samples.findIndex((s) => Math.abs(s) > 131)).toBeLessThanOrEqual(80);
      const rms = Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
      expect(20 * Math.log10(rms / 32_768)).toBeGreaterThan(-32);
      expect(20 * Math.log10(rms / 32_768)).toBeLessThan(-12);
      expect(samples.filter((s) => Math.abs(s) > 32_700).length).toBe(0);
    },
  );

  it('speaks slower when asked to', async () => {
    const signal = new AbortController().signal;
    const lengthAt = async (speed: number): Promise<number> => {
      let length = 0;
      const request = { text: 'How may I help you?', voice: 'slt', speed, signal };
      for await (const chunk of speech.tts.synthesize(request)) length += chunk.length;
      return length;
    };
    expect(await lengthAt(0.7)).toBeGreaterThan((await lengthAt(1)) * 1.2);
  });

  it('says a sentence from memory the second time, in this thread and in the next', async () => {
    const text = 'Hello, this is Bright Smile Dental.';
    const first = await speak(speech.tts, text);
    const tts = async () => (await service.stats()).find(({ kind }) => kind === 'tts');
    const before = await tts();
    expect(await speak(speech.tts, text)).toEqual(first);
    expect(await tts()).toMatchObject({ done: before?.done, runs: before?.runs });
    const other = createLocalSpeech(service.connect());
    expect(await speak(other.tts, text)).toEqual(first);
    expect(await tts()).toMatchObject({
      runs: before?.runs,
      cacheHits: (before?.cacheHits ?? 0) + 1,
    });
    other.close();
  });

  it('says nothing where there is nothing to say, and names its voices', async () => {
    expect(await speak(speech.tts, ' ... ')).toHaveLength(0);
    await expect(speak(speech.tts, 'Hello.', 'nobody')).rejects.toThrow('slt, rms, awb, kal');
  });
});

describe('ports in another thread', () => {
  it('serve a consumer there without the thread that made them', async () => {
    const ports = service.connect();
    const consumer = new Worker(new URL('../testing/consumer-thread.ts', import.meta.url), {
      workerData: { ports, sentence: 'I want to cancel my appointment.' },
      transferList: speechPortList(ports),
    });
    const [report] = (await once(consumer, 'message')) as [ConsumerReport];
    expect(report.text.toLowerCase()).toContain('appointment');
    expect(report.speechFrames).toBeGreaterThan(20);
    // Closing its ports is all that keeps it from ending.
    await once(consumer, 'exit');
  });
});

/** Between two jobs: a thread cut off while the native runtime computes would take us along. */
function die(thread: Worker): void {
  thread.postMessage({ type: 'close' });
}

describe('a thread that dies', () => {
  it('fails what is under way as retryable, and the same ports serve what follows', async () => {
    const samples = await speak(speech.tts, 'I want to cancel my appointment.');
    const session = speech.stt.open({ language: 'en' });
    session.push(samples);
    const options = { expectDigits: false, signal: new AbortController().signal };
    const lost = session.transcribe(options);
    die(threadNamed('speech-stt'));
    const error = await lost.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ provider: 'local-stt', retryable: true });
    expect((await session.transcribe(options)).text.toLowerCase()).toContain('appointment');
    session.close();
    const stats = await service.stats();
    expect(stats.find(({ kind }) => kind === 'stt')?.restarts).toBe(1);
  });

  it('keeps every call’s time when the VAD is lost, and judges again afterwards', async () => {
    const samples = await speak(speech.tts, 'Good morning, how are you today?');
    const pending = judge(speech.vad, samples);
    const thread = threadNamed('speech-vad');
    const exited = once(thread, 'exit');
    die(thread);
    await exited;
    expect(await pending).toHaveLength(Math.floor(samples.length / 256));
    expect(share(await judge(speech.vad, samples))).toBeGreaterThan(0.8);
  });

  it('rejects for good once the service is closed', async () => {
    const short = await startSpeechService({ logger: silentLogger, clock: systemClock });
    const local = createLocalSpeech(short.connect());
    const session = local.stt.open({ language: 'en' });
    session.push(new Int16Array(8_000).fill(1_000));
    const options = { expectDigits: false, signal: new AbortController().signal };
    const pending = session.transcribe(options).catch((reason: unknown) => reason);
    await Promise.all([short.close(), short.close()]);
    expect(await pending).toBeInstanceOf(ProviderError);
    await expect(session.transcribe(options)).rejects.toMatchObject({ retryable: false });
    expect(await judge(local.vad, new Int16Array(512))).toEqual([0, 0]);
    local.close();
  });
});

describe('the other runtime', () => {
  it('hears the same on WebAssembly', async () => {
    const wasm = await startSpeechService({
      backend: 'wasm',
      logger: silentLogger,
      clock: systemClock,
    });
    expect(wasm.backendInUse).toBe('wasm');
    const local = createLocalSpeech(wasm.connect());
    const samples = await speak(local.tts, 'I want to cancel my appointment.');
    expect((await hear(local.stt, samples)).text.toLowerCase()).toContain('appointment');
    const native = await judge(speech.vad, samples);
    (await judge(local.vad, samples)).forEach((p, n) => expect(p).toBeCloseTo(native[n] ?? -1, 2));
    local.close();
    await wasm.close();
  });
});
