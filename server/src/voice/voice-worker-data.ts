import type { SpeechPorts } from '../providers/local/speech-ports.ts';
import type { LoggerOptions } from '../shared/logger.ts';

/** What a voice worker is started with. */
export interface VoiceWorkerData {
  rtp: { host: string; portMin: number; portMax: number };
  /** The embedded speech; null: agents that ask for it cannot be made ready. */
  speech: SpeechPorts | null;
  /** Where agents that name no endpoint of their own find a language model. */
  llm: {
    openaiBaseUrl: string;
    openaiApiKey: string | null;
    /** Keys of the server by the names of their secrets. Default none. */
    keys?: Readonly<Record<string, string>> | undefined;
    /** CIDRs that are not public and may be asked all the same. */
    allowPrivateTargets: readonly string[];
  };
  log: LoggerOptions;
}
