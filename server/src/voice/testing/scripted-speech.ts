import type { SttProvider, Transcript } from '../../providers/stt.ts';
import type { TtsProvider } from '../../providers/tts.ts';
import type { Clock } from '../../shared/clock.ts';

export interface ScriptedStt extends SttProvider {
  /** What every utterance says from now on; an Error is thrown. */
  text: string | Error;
  latencyMs: number;
  /** Transcriptions asked for. */
  asked: number;
}

/** A recogniser that says what the test tells it to. */
export function scriptedStt(clock: Clock, text: string | Error = 'Yes, that works.'): ScriptedStt {
  const stt: ScriptedStt = {
    name: 'scripted-stt',
    text,
    latencyMs: 50,
    asked: 0,
    open: () => ({
      begin: () => undefined,
      push: () => undefined,
      close: () => undefined,
      async transcribe({ signal }): Promise<Transcript> {
        stt.asked++;
        await clock.sleep(stt.latencyMs, signal);
        if (stt.text instanceof Error) throw stt.text;
        return { text: stt.text, confidence: 0.9, processingMs: stt.latencyMs };
      },
    }),
  };
  return stt;
}

export interface ScriptedTts extends TtsProvider {
  /** Texts asked for, in order. */
  readonly asked: string[];
  /** Thrown by the next syntheses, one each. */
  readonly failures: Error[];
}

/** Samples of audio that each character takes. */
export const SAMPLES_PER_CHARACTER = 480;

/** A voice of 60 ms a character whose samples name the sentence: all samples of the nth are n. */
export function scriptedTts(clock: Clock, latencyMs = 20): ScriptedTts {
  const tts: ScriptedTts = {
    name: 'scripted-tts',
    asked: [],
    failures: [],
    async *synthesize({ text, signal }) {
      const number = tts.asked.push(text);
      await clock.sleep(latencyMs, signal);
      const failure = tts.failures.shift();
      if (failure) throw failure;
      const total = text.length * SAMPLES_PER_CHARACTER;
      for (let at = 0; at < total; at += 1_000) {
        yield new Int16Array(Math.min(1_000, total - at)).fill(number);
      }
    },
  };
  return tts;
}
