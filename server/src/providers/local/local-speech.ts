import type { Clock } from '../../shared/clock.ts';
import type { SttProvider } from '../stt.ts';
import type { TtsProvider } from '../tts.ts';
import type { VadProvider } from '../vad.ts';
import { createLocalStt } from './local-stt.ts';
import { createLocalTts } from './local-tts.ts';
import { createLocalVad } from './local-vad.ts';
import type { SpeechPorts } from './speech-ports.ts';

/** Embedded speech as one thread sees it. */
export interface LocalSpeech {
  readonly vad: VadProvider;
  readonly stt: SttProvider;
  readonly tts: TtsProvider;
  /** Gives the ports back; requests that are under way reject. */
  close(): void;
}

/** Providers on top of the ports that a thread was given; one set for all calls of the thread. */
export function createLocalSpeech(
  ports: SpeechPorts,
  options: { clock?: Clock } = {},
): LocalSpeech {
  const vad = createLocalVad(ports, options);
  const stt = createLocalStt(ports);
  const tts = createLocalTts(ports);
  return {
    vad,
    stt,
    tts,
    close() {
      vad.close();
      stt.close();
      tts.close();
    },
  };
}
