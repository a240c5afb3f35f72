import { beepDetector } from './goertzel.ts';

/** What a network or a machine says without words. Times count from the first sample. */
export type CallTone =
  /** One steady tone that is over: the end of a mailbox's greeting sounds so. */
  | { type: 'beep'; frequencyHz: number; atMs: number; durationMs: number }
  /** Special information tones (ITU-T E.180): the network could not put the call through. */
  | { type: 'sit'; atMs: number; durationMs: number }
  /** A fax calls: 1,100 Hz for half a second, every three and a half (ITU-T T.30 §4.3.3.3). */
  | { type: 'fax-calling'; atMs: number; durationMs: number }
  /** A fax or modem answers: 2,100 Hz for some seconds (ITU-T T.30 §4.3.3.4). */
  | { type: 'fax-answer'; atMs: number; durationMs: number };

interface Steady {
  frequencyHz: number;
  atMs: number;
  durationMs: number;
}

/** Longer than any beep of a mailbox. */
const LONGEST_BEEP_MS = 2_000;
/** Each of three, low and high, with room for what carriers make of them. */
const SIT_HZ: readonly (readonly [number, number])[] = [
  [880, 1_020],
  [1_340, 1_460],
  [1_740, 1_820],
];
const SIT_GAP_MS = 100;
const FAX_CALLING_HZ = [1_060, 1_140] as const;
const FAX_CALLING_MS = [400, 620] as const;
const FAX_CALLING_PERIOD_MS = [3_000, 4_000] as const;
const FAX_ANSWER_FROM_HZ = 2_060;
/** Phase reversals of a modem's answer tone break it up (ITU-T V.25). */
const FAX_ANSWER_GAP_MS = 100;
const FAX_ANSWER_MS = 1_000;

/** Listens for beeps, special information tones and faxes in 8 kHz audio that comes in chunks of any size. */
export class CallTones {
  readonly #detector = beepDetector();
  /** The last steady tones that are over. */
  #past: Steady[] = [];
  #sounding: Omit<Steady, 'durationMs'> | null = null;
  /** Of the run of 2,100 Hz that goes on. */
  #answerTone: { atMs: number; soFarMs: number; endedAtMs: number; told: boolean } | null = null;
  #samples = 0;

  /** Milliseconds that were listened to. */
  get heardMs(): number {
    return this.#samples / 8;
  }

  /** A tone is sounding now. */
  get sounding(): boolean {
    return this.#sounding !== null;
  }

  /** What is known since these samples. */
  process(samples: Int16Array): CallTone[] {
    this.#samples += samples.length;
    const tones: CallTone[] = [];
    for (const event of this.#detector.process(samples)) {
      const [frequencyHz = 0] = event.frequenciesHz;
      if (event.type === 'start') {
        this.#sounding = { frequencyHz, atMs: event.atMs };
        continue;
      }
      this.#sounding = null;
      this.#ended(
        { frequencyHz, atMs: event.atMs - event.durationMs, durationMs: event.durationMs },
        tones,
      );
    }
    this.#hearFaxAnswer(tones);
    return tones;
  }

  #ended(steady: Steady, tones: CallTone[]): void {
    this.#past = [...this.#past, steady].slice(-4);
    const sit = this.#sitEndingNow();
    if (sit) {
      tones.push(sit);
      return;
    }
    const calling = this.#faxCallingNow();
    if (calling) {
      tones.push(calling);
      return;
    }
    if (steady.frequencyHz >= FAX_ANSWER_FROM_HZ) {
      this.#countFaxAnswer(steady);
      return;
    }
    if (steady.durationMs <= LONGEST_BEEP_MS) tones.push({ type: 'beep', ...steady });
  }

  #sitEndingNow(): CallTone | null {
    const three = this.#past.slice(-3);
    const [first, , last] = three;
    if (!first || !last) return null;
    const isRising = three.every(({ frequencyHz, atMs }, index) => {
      const [lowHz = 0, highHz = 0] = SIT_HZ[index] ?? [];
      const before = three[index - 1];
      const gapMs = before ? atMs - before.atMs - before.durationMs : 0;
      return frequencyHz >= lowHz && frequencyHz <= highHz && gapMs <= SIT_GAP_MS;
    });
    if (!isRising) return null;
    return { type: 'sit', atMs: first.atMs, durationMs: last.atMs + last.durationMs - first.atMs };
  }

  #faxCallingNow(): CallTone | null {
    const [before, now] = this.#past.slice(-2);
    if (!before || !now || !isFaxCalling(before) || !isFaxCalling(now)) return null;
    const periodMs = now.atMs - before.atMs;
    if (periodMs < FAX_CALLING_PERIOD_MS[0] || periodMs > FAX_CALLING_PERIOD_MS[1]) return null;
    return { type: 'fax-calling', atMs: before.atMs, durationMs: now.durationMs };
  }

  #countFaxAnswer({ atMs, durationMs }: Steady): void {
    const run = this.#answerTone;
    if (run && atMs - run.endedAtMs <= FAX_ANSWER_GAP_MS) {
      run.soFarMs += durationMs;
      run.endedAtMs = atMs + durationMs;
    } else
      this.#answerTone = { atMs, soFarMs: durationMs, endedAtMs: atMs + durationMs, told: false };
  }

  #hearFaxAnswer(tones: CallTone[]): void {
    const sounding = this.#sounding;
    const isAnswer = sounding !== null && sounding.frequencyHz >= FAX_ANSWER_FROM_HZ;
    if (isAnswer && !this.#isRunning(sounding.atMs)) {
      this.#answerTone = { atMs: sounding.atMs, soFarMs: 0, endedAtMs: sounding.atMs, told: false };
    }
    const run = this.#answerTone;
    if (!run || run.told) return;
    const durationMs = run.soFarMs + (isAnswer ? this.heardMs - sounding.atMs : 0);
    if (durationMs < FAX_ANSWER_MS) return;
    run.told = true;
    tones.push({ type: 'fax-answer', atMs: run.atMs, durationMs: Math.round(durationMs) });
  }

  #isRunning(atMs: number): boolean {
    const run = this.#answerTone;
    return run !== null && atMs - run.endedAtMs <= FAX_ANSWER_GAP_MS;
  }
}

function isFaxCalling({ frequencyHz, durationMs }: Steady): boolean {
  return (
    frequencyHz >= FAX_CALLING_HZ[0] &&
    frequencyHz <= FAX_CALLING_HZ[1] &&
    durationMs >= FAX_CALLING_MS[0] &&
    durationMs <= FAX_CALLING_MS[1]
  );
}
