import type { CallTone } from '../../audio/call-tones.ts';
import type { AnsweringReport } from './answering-report.ts';

/** What can be done on a line that a machine has answered. The agent stands by meanwhile. */
export interface LineActions {
  /** Makes words ready, so that they begin without delay. */
  prepare(text: string): void;
  /** Says words; the agent stands by again behind them. */
  say(text: string): void;
  /** Ends the call, behind last words where there are some. */
  endWith(reason: string, lastWords: string | null): void;
  /** Keys, with `w` for half a second. */
  press(keys: string): void;
  /** A person is there: the agent begins its talk. */
  greet(): void;
  /** Something of the report has changed. */
  report(change: Partial<AnsweringReport>): void;
}

/** How a machine is dealt with. Times are monotonic. */
export interface MachineTactic {
  /** A frame of the line was judged. */
  frame(line: { nowMs: number; silenceMs: number }): void;
  /** A tone was heard that is over now. */
  tone(tone: CallTone, nowMs: number): void;
  /** The far end paused behind these words, the last of which was heard at `endedMs`. */
  said(text: string, endedMs: number): void;
  /** The agent's words began on the line. */
  agentHeard(nowMs: number): void;
  /** The agent's words were played to their end. */
  agentDone(nowMs: number): void;
  /** Idempotent. */
  close(): void;
}
