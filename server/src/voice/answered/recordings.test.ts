import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answeringSchema } from '../../agents/answering-schema.ts';
import { decodeMulaw, encodeMulaw } from '../../audio/g711.ts';
import { tone, type ToneSegment } from '../../audio/tone.ts';
import { createLocalSpeech, type LocalSpeech } from '../../providers/local/local-speech.ts';
import { startSpeechService, type SpeechService } from '../../providers/local/speech-service.ts';
import { hear, judge, speak } from '../../providers/testing/listen.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLogger } from '../../shared/logger.ts';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { SpeechDetector } from '../speech-detector.ts';
import type { Answerer } from './answer-phrases.ts';
import { Answering } from './answering.ts';
import type { AnsweringReport } from './answering-report.ts';

/** A line: words, pauses in milliseconds, tones. */
type Part = string | number | readonly ToneSegment[];

const beep = (hz: number, durationMs: number): Part => [{ frequenciesHz: [hz], durationMs }];
const SIT: Part = [
  { frequenciesHz: [985.2], durationMs: 380 },
  { frequenciesHz: [1_428.5], durationMs: 380 },
  { frequenciesHz: [1_776.7], durationMs: 380 },
];

/** What lines sound like after the answer; each is spoken by every voice. */
const LINES: readonly (readonly [Answerer, readonly Part[]])[] = [
  ['human', [300, 'Hello?', 3_000]],
  ['human', [900, 'Yes, hello?', 2_500]],
  ['human', [1_800, 'Good morning, this is Jamie.', 2_500]],
  ['human', [200, 'Riverside Dental, this is Anna, how can I help you?', 3_000]],
  ['human', [500, 'Hello?', 1_200, 'Hello, who is this?', 3_000]],
  ['human', [400, 'Speaking.', 2_500]],
  [
    'voicemail',
    [
      500,
      'Hi, you have reached the voicemail of Jamie Parker.',
      200,
      'Please leave a message after the tone.',
      300,
      beep(1_000, 400),
      1_500,
    ],
  ],
  [
    'voicemail',
    [
      1_000,
      'Hello, I cannot come to the phone right now.',
      600,
      'Leave your name and number and I will call you back.',
      500,
      beep(1_400, 250),
      1_500,
    ],
  ],
  [
    'voicemail',
    [
      300,
      'Your call has been forwarded to an automatic voice message system.',
      400,
      'At the tone, please record your message.',
      400,
      beep(850, 500),
      1_500,
    ],
  ],
  [
    'voicemail',
    [400, 'Hey, it is Sam.', 400, 'You know what to do.', 300, beep(1_000, 300), 1_500],
  ],
  [
    'voicemail',
    [
      600,
      'The person you are calling is not available. Please leave a message.',
      700,
      beep(440, 400),
      1_500,
    ],
  ],
  [
    'ivr',
    [
      300,
      'Thank you for calling Riverside Clinic.',
      300,
      'For appointments, press 1. For billing, press 2.',
      2_500,
    ],
  ],
  [
    'ivr',
    [
      500,
      'Welcome. Please listen carefully, as our menu options have changed. To speak to an operator, press zero.',
      2_500,
    ],
  ],
  [
    'call-screening',
    [
      300,
      'Hi. If you record your name and reason for calling, I will see if this person is available.',
      2_500,
    ],
  ],
  [
    'call-screening',
    [
      400,
      'The person you are calling is using a call screening service.',
      300,
      'Please say your name, and why you are calling.',
      2_500,
    ],
  ],
  ['unavailable', [200, SIT, 200, 'We are sorry.', 1_500]],
  [
    'unavailable',
    [
      300,
      'The number you have dialed is not in service. Please check the number and dial again.',
      2_500,
    ],
  ],
  ['fax', [1_000, beep(2_100, 2_800), 500]],
];
const VOICES = ['slt', 'rms', 'kal'];

let service: SpeechService;
let speech: LocalSpeech;
beforeAll(async () => {
  service = await startSpeechService({ logger: silentLogger, clock: systemClock, sttThreads: 1 });
  speech = createLocalSpeech(service.connect());
});
afterAll(async () => {
  speech.close();
  await service.close();
});

/** As a trunk delivers it. */
async function lineOf(parts: readonly Part[], voice: string): Promise<Int16Array> {
  const pieces: Int16Array[] = [];
  for (const part of parts) {
    if (typeof part === 'number') pieces.push(new Int16Array(part * 8));
    else pieces.push(typeof part === 'string' ? await speak(speech.tts, part, voice) : tone(part));
  }
  const whole = Int16Array.from(pieces.flatMap((piece) => Array.from(piece)));
  return decodeMulaw(encodeMulaw(whole));
}

/** Lets an agent's detection hear a line, on a clock of its own. */
async function listenTo(line: Int16Array): Promise<AnsweringReport | null> {
  const clock = new FakeClock();
  const { frameMs } = speech.vad;
  const frameSamples = frameMs * 8;
  const detector = new SpeechDetector(frameMs);
  const probabilities = await judge(speech.vad, line);
  let heardSamples = 0;
  let utteranceFrom = 0;
  let utterance = 0;
  let isAsked = Promise.resolve();
  let report: AnsweringReport | null = null;
  const answering = new Answering({
    plan: {
      config: answeringSchema.parse({ unavailable: 'continue', fax: 'continue' }),
      message: null,
      screeningAnswer: null,
      chooseKeys: null,
    },
    frameMs,
    clock,
    sinceAnswer: (ms) => ms,
    transcribe: async () => {
      const asked = hear(speech.stt, line.subarray(utteranceFrom, heardSamples));
      isAsked = asked.then(() => undefined);
      return { utteranceId: `u${utterance}`, text: (await asked).text };
    },
    isTranscribing: () => false,
    actions: {
      standBy: () => undefined,
      prepare: () => undefined,
      say: () => undefined,
      endWith: () => undefined,
      press: () => undefined,
      greet: () => undefined,
    },
    onReport: (told) => {
      report = told;
    },
  });
  const startMs = clock.monotonicMs();
  for (const probability of probabilities) {
    const frame = line.subarray(heardSamples, heardSamples + frameSamples);
    heardSamples += frame.length;
    await clock.advance(frameMs);
    answering.hear(frame);
    const signal = detector.push(probability);
    // A turn of the agent ends the utterance after such a pause.
    if (signal.type === 'pausing' && signal.silenceMs >= 600) detector.reset();
    if (signal.type === 'started') {
      utterance++;
      utteranceFrom = Math.max(0, heardSamples - 12 * frameSamples);
    }
    answering.onSignal(signal);
    await isAsked;
  }
  answering.close();
  const told = report as AnsweringReport | null;
  return told && { ...told, decidedMs: told.decidedMs && told.decidedMs - startMs };
}

describe('lines of all kinds, by several voices', () => {
  it('are known for what they are, and hardly a person is taken for a machine', async () => {
    const results: { line: Answerer; taken: Answerer; decidedMs: number | null }[] = [];
    for (const [line, parts] of LINES) {
      for (const voice of line === 'fax' ? ['slt'] : VOICES) {
        const report = await listenTo(await lineOf(parts, voice));
        const taken = report?.answeredBy ?? 'unknown';
        results.push({ line, taken, decidedMs: report?.decidedMs ?? null });
        if (taken !== line) {
          process.stdout.write(`${line} taken for ${taken} (${voice}): ${report?.evidence.text}\n`);
        }
      }
    }
    const kinds = [...new Set(LINES.map(([line]) => line))];
    const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);
    for (const kind of kinds) {
      const right = results.filter(({ line, taken }) => line === kind && taken === kind);
      const precision = share(right.length, results.filter(({ taken }) => taken === kind).length);
      const recall = share(right.length, results.filter(({ line }) => line === kind).length);
      const times = right.map(({ decidedMs }) => decidedMs ?? 0).sort((a, b) => a - b);
      process.stdout.write(
        `${kind}: precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}, known after ${times[times.length >> 1]} ms (middle)\n`,
      );
      expect(precision, `precision of ${kind}`).toBeGreaterThanOrEqual(0.8);
      expect(recall, `recall of ${kind}`).toBeGreaterThanOrEqual(0.6);
    }
    const all = results.filter(({ line, taken }) => line === taken).length / results.length;
    process.stdout.write(`all: ${results.length} lines, ${(100 * all).toFixed(0)} % right\n`);
    expect(all).toBeGreaterThanOrEqual(0.9);
    const lost = results.filter(
      ({ line, taken }) => line === 'human' && !['human', 'unknown'].includes(taken),
    );
    expect(lost).toEqual([]);
  }, 300_000);
});
