import type { Clock } from '../../shared/clock.ts';
import type { TtsProvider } from '../tts.ts';

export interface FakeTtsOptions {
  clock: Clock;
  /** Time to the first audio. Default 0. */
  latencyMs?: number;
}

const SAMPLE_RATE_HZ = 8_000;
const MS_PER_CHAR = 60;
const CHUNK_SAMPLES = 800;
/** A voice's pitch wanders around this. */
const PITCH_HZ = 120;
const GLIDE_HZ = 0.7;
const SYLLABLES_PER_SECOND = 4;
/** Whole periods of pitch, glide and syllables. */
const LOOP_SAMPLES = 10 * SAMPLE_RATE_HZ;
let loop: Int16Array | null = null;
const PEAK = 9_000;

/** A voice that takes its time and hums: about 60 ms of speech-like sound for every character. */
export function createFakeTts({ clock, latencyMs = 0 }: FakeTtsOptions): TtsProvider {
  return {
    name: 'fake-tts',
    async *synthesize({ text, speed, signal }) {
      signal.throwIfAborted();
      await clock.sleep(latencyMs, signal);
      const durationMs = (text.trim().length * MS_PER_CHAR) / speed;
      const total = Math.round((durationMs * SAMPLE_RATE_HZ) / 1_000);
      for (let at = 0; at < total; at += CHUNK_SAMPLES) {
        signal.throwIfAborted();
        yield hum(at, Math.min(CHUNK_SAMPLES, total - at));
      }
    },
  };
}

/**
 * Harmonics of a gliding pitch, rising and falling like syllables, never quite silent. Every part
 * of it repeats itself after ten seconds, so it is computed once: a stand-in for a voice must not
 * take the time of the thread that carries audio.
 */
function hum(from: number, length: number): Int16Array {
  loop ??= Int16Array.from({ length: LOOP_SAMPLES }, (_, n) => sampleAt(n));
  const samples = new Int16Array(length);
  for (let i = 0; i < length; i++) samples[i] = loop[(from + i) % LOOP_SAMPLES] ?? 0;
  return samples;
}

function sampleAt(n: number): number {
  const seconds = n / SAMPLE_RATE_HZ;
  const phase = 2 * Math.PI * PITCH_HZ * seconds + 3 * Math.sin(2 * Math.PI * GLIDE_HZ * seconds);
  let sum = 0;
  for (let harmonic = 1; harmonic <= 12; harmonic++) sum += Math.sin(harmonic * phase) / harmonic;
  const syllable = 0.55 - 0.45 * Math.cos(2 * Math.PI * SYLLABLES_PER_SECOND * seconds);
  return Math.round((PEAK * syllable * sum) / 2);
}
