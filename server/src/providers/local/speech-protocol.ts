import type { MessagePort } from 'node:worker_threads';
import type { Backend, BackendChoice } from './onnx-runtime.ts';

/** The three kinds of inference threads. */
export type SpeechThreadKind = 'vad' | 'stt' | 'tts';

/** Service to consumer, over a port of SpeechPorts. */
export type LineMessage = { type: 'line'; line: MessagePort } | { type: 'down'; message: string };

/** What an inference thread is started with. */
export interface SpeechThreadData {
  backend: BackendChoice;
}

/** Service to inference thread. */
export type ThreadRequest =
  | { type: 'connect'; line: MessagePort }
  | { type: 'stats'; id: number }
  /** End by yourself, between two jobs. */
  | { type: 'close' };

/** Inference thread to service. */
export type ThreadReport =
  | { type: 'ready'; backend: Backend; loadMs: number }
  | { type: 'stats'; id: number; stats: SpeechThreadStats };

/** Counters of one inference thread since it started. */
export interface SpeechThreadStats {
  /** Finished jobs; for VAD, frames. */
  done: number;
  /** Model runs; for VAD, batches. */
  runs: number;
  waiting: number;
  /** What 95 of 100 jobs of the last minute did not wait longer than, milliseconds; low priority left out. */
  waitP95Ms: number;
  /** Time spent in the model, milliseconds. */
  busyMs: number;
  /** Answers that came from the cache; TTS only. */
  cacheHits: number;
}

/** Of a thread that is not there. */
export const NO_STATS: Readonly<SpeechThreadStats> = {
  done: 0,
  runs: 0,
  waiting: 0,
  waitP95Ms: 0,
  busyMs: 0,
  cacheHits: 0,
};

/** Consumer to VAD thread: frame n is `samples[n * 256 .. (n + 1) * 256)` of `sessions[n]`. */
export type VadRequest =
  { type: 'frames'; sessions: Int32Array; samples: Int16Array } | { type: 'end'; session: number };

/** VAD thread to consumer. */
export interface VadReport {
  sessions: Int32Array;
  probabilities: Float32Array;
}

/** A job's place in the queue: the higher goes first. */
export const PRIORITY_NORMAL = 1;
export const PRIORITY_LOW = 0;

export interface JobHead {
  jobId: number;
  priority: number;
}

/** Served to consumers by a thread that does jobs. */
export type JobProcedures<Args, Result> = {
  run: (args: JobHead & { work: Args }) => Promise<Result>;
  cancel: (args: { jobId: number }) => void;
};

export interface TranscribeWork {
  /** Linear 8 kHz samples. */
  samples: Int16Array;
  expectDigits: boolean;
}

export interface TranscribeResult {
  text: string;
  confidence: number;
  processingMs: number;
}

export interface SynthesizeWork {
  text: string;
  voice: string;
  speed: number;
}

export interface SynthesizeResult {
  /** Linear 8 kHz samples. */
  samples: Int16Array;
}
