import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Backend, BackendChoice } from './onnx-runtime.ts';
import type { SpeechPorts } from './speech-ports.ts';
import type { SpeechThreadKind, SpeechThreadStats } from './speech-protocol.ts';
import { SpeechThread } from './speech-thread.ts';
import { SpeechWatch } from './speech-watch.ts';

export { speechPortList, type SpeechPorts } from './speech-ports.ts';

export interface SpeechServiceOptions {
  /** Default `auto`. */
  backend?: BackendChoice;
  /** Threads that transcribe. Default 1. */
  sttThreads?: number;
  /** Threads that speak. Default 1. */
  ttsThreads?: number;
  logger: Logger;
  clock: Clock;
}

/** One thread's counters. */
export interface SpeechThreadReport extends SpeechThreadStats {
  kind: SpeechThreadKind;
  /** Loading and warming up its models. */
  loadMs: number;
  restarts: number;
}

/** Embedded speech: threads that listen, transcribe and speak, and the ways to them. */
export interface SpeechService {
  /** `native` when both the VAD and every STT thread use the native runtime. */
  readonly backendInUse: Backend;
  /**
   * Ports for one other thread (or this one): post them with `speechPortList(ports)` as the
   * transfer list, and make providers of them there with `createLocalSpeech`.
   */
  connect(): SpeechPorts;
  stats(): Promise<SpeechThreadReport[]>;
  /** Ends all threads; requests that are under way reject. */
  close(): Promise<void>;
}

/** Starts the inference threads and loads their models side by side. Rejects when one cannot be. */
export async function startSpeechService(options: SpeechServiceOptions): Promise<SpeechService> {
  const kinds: SpeechThreadKind[] = [
    'vad',
    ...Array.from({ length: Math.max(1, options.sttThreads ?? 1) }, () => 'stt' as const),
    ...Array.from({ length: Math.max(1, options.ttsThreads ?? 1) }, () => 'tts' as const),
  ];
  const { logger, clock, backend = 'auto' } = options;
  const outcomes = await Promise.allSettled(
    kinds.map(async (kind) => ({
      kind,
      thread: await SpeechThread.start({ kind, backend, logger, clock }),
    })),
  );
  const started = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value] : [],
  );
  let watch: SpeechWatch | undefined;
  const close = async (): Promise<void> => {
    watch?.close();
    await Promise.all(started.map(({ thread }) => thread.close()));
  };
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  const ofKind = (kind: SpeechThreadKind): SpeechThread[] =>
    started.filter((one) => one.kind === kind).map(({ thread }) => thread);
  const [vad, stt, tts] = [ofKind('vad'), ofKind('stt'), ofKind('tts')];
  const [listener] = vad;
  if (listener === undefined) throw new Error('the VAD thread is missing');
  const stats = (): Promise<SpeechThreadReport[]> =>
    Promise.all(
      started.map(async ({ kind, thread }) => ({
        kind,
        loadMs: thread.loadMs,
        restarts: thread.restarts,
        ...(await thread.stats()),
      })),
    );
  watch = new SpeechWatch({ clock, logger, stats });
  return {
    get backendInUse() {
      return [...vad, ...stt].every((thread) => thread.backend === 'native') ? 'native' : 'wasm';
    },
    connect: () => ({
      vad: listener.connect(),
      stt: stt.map((thread) => thread.connect()),
      tts: tts.map((thread) => thread.connect()),
    }),
    stats,
    close,
  };
}
