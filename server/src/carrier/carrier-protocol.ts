import type { SpeechPorts } from '../providers/local/speech-ports.ts';
import type { LoggerOptions } from '../shared/logger.ts';
import type { Persona } from './person-script.ts';

/** What the carrier's thread is started with. */
export interface CarrierWorkerData {
  host: string;
  sipPort: number;
  rtpPortMin: number;
  rtpPortMax: number;
  credentials: { username: string; password: string };
  persona: Persona;
  /** Folder for messages left on the voicemail. */
  voicemailDir: string;
  log: LoggerOptions;
  speech: SpeechPorts;
}

/** Served by the carrier's thread. */
export type CarrierProcedures = {
  /** Resolves when the SIP port is bound. */
  start: (args: Record<string, never>) => Promise<{ sipPort: number }>;
  callCount: (args: Record<string, never>) => number;
  close: (args: Record<string, never>) => Promise<void>;
};

/** The carrier asks nothing of the main thread. */
export type CarrierHostProcedures = Record<never, never>;
