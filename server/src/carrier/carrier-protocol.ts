import type { SpeechPorts } from '../providers/local/speech-ports.ts';
import type { LoggerOptions } from '../shared/logger.ts';
import type { SipTlsOptions } from '../sip/transport-stream.ts';
import type { Persona } from './person-script.ts';
import type { TrunkServiceProcedures } from './trunk-protocol.ts';

/** What the carrier's thread is started with. */
export interface CarrierWorkerData {
  /** Address to bind. */
  host: string;
  /** Address that far ends are told. */
  advertisedHost: string;
  sipPort: number;
  tls: SipTlsOptions & { port: number };
  rtpPortMin: number;
  rtpPortMax: number;
  /** Null: no sandbox. */
  phones: {
    credentials: { username: string; password: string };
    persona: Persona;
    /** Folder for messages left on the voicemail. */
    voicemailDir: string;
    speech: SpeechPorts;
  } | null;
  /** Trunks are reached at `<trunk id>.<domain>`. */
  domain: string;
  /** SIP port of the platform on this machine. */
  platformSipPort: number | null;
  log: LoggerOptions;
}

/** Served by the carrier's thread. */
export type CarrierProcedures = {
  /** Resolves when the SIP ports are bound. */
  start: (args: Record<string, never>) => Promise<{ sipPort: number; sipTlsPort: number | null }>;
  callCount: (args: Record<string, never>) => number;
  drain: (args: { timeoutMs: number }) => Promise<void>;
  close: (args: Record<string, never>) => Promise<void>;
};

/** What the carrier asks the main thread, which knows trunks and numbers. */
export type CarrierHostProcedures = TrunkServiceProcedures;
