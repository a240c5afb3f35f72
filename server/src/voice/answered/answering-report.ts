import type { CallTone } from '../../audio/call-tones.ts';
import type { Answerer } from './answer-phrases.ts';
import type { AnswerReason } from './judge-answer.ts';

/** What is done about who answered. */
export type AnsweringAction =
  'none' | 'hang-up' | 'leave-message' | 'navigate' | 'answer' | 'continue';

/** Who answered a call, how that is known, and what was done about it. Milliseconds since the answer. */
export interface AnsweringReport {
  answeredBy: Answerer;
  reason: AnswerReason;
  /** When it was known; null: it was not. */
  decidedMs: number | null;
  action: AnsweringAction;
  evidence: {
    firstSpeechMs: number | null;
    /** How long the far end spoke before it first waited. */
    greetingMs: number;
    /** Silence behind it when it was decided. */
    pauseMs: number;
    /** The words that told it. */
    words: string | null;
    rules: string[];
    /** Everything that was understood until then. */
    text: string | null;
    tones: CallTone[];
  };
  /** What it was taken for before. */
  takenFor: Answerer | null;
  /** The message that was left. */
  message: {
    startedMs: number;
    endedMs: number | null;
    after: 'beep' | 'silence';
    /** End of the beep. */
    beepEndedMs: number | null;
    complete: boolean;
  } | null;
  /** Keys that were pressed in a menu. */
  keys: { atMs: number; keys: string; by: 'rule' | 'model' }[];
  /** When the question of who is calling was answered. */
  screeningAnsweredMs: number | null;
  /** When a person came on the line behind a machine. */
  personMs: number | null;
}
