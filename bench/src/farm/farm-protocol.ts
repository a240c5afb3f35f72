import type { BargeInMeasure, TurnMeasure } from './caller.ts';
import type { LineFigures } from './line-meter.ts';

/** What every caller of the next calls does. */
export type Plan =
  | { behaviour: 'listen' }
  | { behaviour: 'talk'; turns: number; speech: SpeechKind }
  | { behaviour: 'interrupt'; rounds: number; speech: SpeechKind }
  /** Hangs up after having heard the agent for a moment. */
  | { behaviour: 'hear-and-hang-up' };

export type SpeechKind = 'synthetic' | 'recorded';

/** One call as the phone saw it. Times are milliseconds of the machine's monotonic clock. */
export interface PhoneReport {
  /** The number that was called. */
  number: string;
  direction: 'from-program' | 'to-program';
  /** INVITE received, or sent. */
  inviteAtMs: number;
  /** 200 sent, or received. */
  answeredAtMs: number | null;
  firstPacketAtMs: number | null;
  firstAudibleAtMs: number | null;
  endedAtMs: number | null;
  endedBy: 'phone' | 'program' | null;
  turns: TurnMeasure[];
  bargeIns: BargeInMeasure[];
}

export interface FarmState {
  /** Calls that are answered and not over. */
  up: number;
  /** Of these, those whose caller has nothing more to do. */
  done: number;
  /** Calls that are over. */
  over: number;
}

/** Served by the load generator's process. */
export type FarmProcedures = {
  /** Loads the callers' speech and binds SIP; the port, and which speech there is. */
  start: (args: Record<string, never>) => Promise<{ sipPort: number; speech: SpeechKind[] }>;
  /** For every call from now on. */
  plan: (args: Plan) => void;
  state: (args: Record<string, never>) => FarmState;
  /** Calls the program. Resolves when answered or refused. */
  dial: (args: { number: string; from: string; sipPort: number }) => Promise<{ status: number }>;
  /** Ends every call with BYE. */
  hangUpAll: (args: Record<string, never>) => Promise<void>;
  /** Reports of all calls since the last time; those that are over are forgotten. */
  collect: (args: Record<string, never>) => PhoneReport[];
  /** Lines without SIP, for the bare sender; resolves with their ports. */
  openLines: (args: { remotePorts: number[] }) => Promise<number[]>;
  closeLines: (args: Record<string, never>) => void;
  /** Arrivals are recorded for so long on every open line. */
  measureLines: (args: { durationMs: number }) => Promise<LinesReport>;
  /** CPU of this process so far. */
  cpu: (args: Record<string, never>) => { cpuMs: number };
};

export interface LinesReport {
  lines: number;
  /** Where the lines receive. */
  ports: number[];
  packets: number;
  sequenceErrors: number;
  timestampErrors: number;
  gapsMs: LineFigures['gapsMs'];
  /** How late the generator's own sending was. */
  ownLatenessMs: number[];
}
