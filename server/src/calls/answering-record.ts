import type { AnsweringReport } from '../voice/answered/answering-report.ts';
import type { CallReport } from '../voice/worker-protocol.ts';
import { answererOf } from './answerer.ts';

/** What is stored, and shown, of how it is known who answered. Milliseconds since the answer. */
export interface AnsweringDocument {
  answered_by: string;
  reason: string;
  decided_ms: number | null;
  action: string;
  taken_for: string | null;
  evidence: {
    first_speech_ms: number | null;
    greeting_ms: number;
    pause_ms: number;
    words: string | null;
    rules: string[];
    text: string | null;
    tones: { type: string; frequency_hz?: number; at_ms: number; duration_ms: number }[];
  };
  message: {
    started_ms: number;
    ended_ms: number | null;
    after: string;
    beep_ended_ms: number | null;
    complete: boolean;
  } | null;
  keys: { at_ms: number; keys: string; by: string }[];
  screening_answered_ms: number | null;
  person_ms: number | null;
}

/** A report as it is stored. */
export function answeringDocument(report: AnsweringReport): AnsweringDocument {
  const { evidence, message } = report;
  return {
    answered_by: report.answeredBy,
    reason: report.reason,
    decided_ms: report.decidedMs,
    action: report.action,
    taken_for: report.takenFor,
    evidence: {
      first_speech_ms: evidence.firstSpeechMs,
      greeting_ms: evidence.greetingMs,
      pause_ms: evidence.pauseMs,
      words: evidence.words,
      rules: evidence.rules,
      text: evidence.text,
      tones: evidence.tones.map((tone) => ({
        type: tone.type,
        ...(tone.type === 'beep' && { frequency_hz: tone.frequencyHz }),
        at_ms: tone.atMs,
        duration_ms: tone.durationMs,
      })),
    },
    message: message && {
      started_ms: message.startedMs,
      ended_ms: message.endedMs,
      after: message.after,
      beep_ended_ms: message.beepEndedMs,
      complete: message.complete,
    },
    keys: report.keys.map(({ atMs, keys, by }) => ({ at_ms: atMs, keys, by })),
    screening_answered_ms: report.screeningAnsweredMs,
    person_ms: report.personMs,
  };
}

/**
 * Who answered, when the call is over: what the agent recognised goes before what the line told, and
 * what was said in the whole call tells where neither did. Null: nothing was listened to.
 */
export function finalAnswer(
  told: AnsweringReport | null,
  isVoicemail: boolean,
  report: Pick<CallReport, 'turns' | 'outcome'> | null,
): { answeredBy: string; answering: AnsweringDocument | null } | null {
  const known = told !== null && told.answeredBy !== 'unknown' ? told.answeredBy : null;
  const byTalk = isVoicemail ? 'voicemail' : report && answererOf(report);
  const isMachine = known !== null && known !== 'human';
  const answeredBy =
    (isMachine ? known : null) ?? (byTalk === 'voicemail' ? byTalk : (known ?? byTalk));
  if (told === null) return answeredBy === null ? null : { answeredBy, answering: null };
  const document = answeringDocument(told);
  if (answeredBy === null || answeredBy === told.answeredBy) {
    return { answeredBy: told.answeredBy, answering: document };
  }
  return {
    answeredBy,
    answering: {
      ...document,
      answered_by: answeredBy,
      reason: 'conversation',
      taken_for: known,
    },
  };
}
