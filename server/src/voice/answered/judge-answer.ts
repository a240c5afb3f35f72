import type { CallTone } from '../../audio/call-tones.ts';
import { matchPhrases, soundsLikePickingUp, type Answerer } from './answer-phrases.ts';

/** How it was known. */
export type AnswerReason =
  | 'words'
  | 'beep'
  | 'special-information-tone'
  | 'fax-tone'
  | 'short-greeting'
  | 'long-greeting'
  | 'person-came'
  | 'conversation'
  | 'nothing-known';

/** What was heard of the far end. Milliseconds, counted from the moment at which it could be heard. */
export interface AnswerEvidence {
  /** When it began to speak; null: it has not. */
  firstSpeechMs: number | null;
  /** From its first sound to the last one, as long as it paused for no more than a breath. */
  greetingMs: number;
  /** Silence since it last spoke; 0: it speaks. */
  silenceMs: number;
  /** Speech in all, pauses not counted. */
  speechMs: number;
  /** Its words so far; null: none are known yet. */
  text: string | null;
  tones: readonly CallTone[];
}

export interface AnswerVerdict {
  answeredBy: Answerer;
  reason: AnswerReason;
  /** The phrase that told it, and its rules. */
  words: string | null;
  rules: string[];
  /** A person would not be taken for it. */
  conclusive: boolean;
}

/** People answer in less, then wait for the caller. */
const SHORT_GREETING_MS = 2_200;
/** A pause in which somebody waits to be answered. */
const WAITS_MS = 800;
/** The same after words that only people begin with. */
const WAITS_AFTER_HELLO_MS = 400;
/** Silence that tells without words, where nothing was recognised. */
const WAITS_WITHOUT_WORDS_MS = 1_500;
/** The same after a longer sentence, which a machine may go on from. */
const WAITS_AFTER_SENTENCE_MS = 1_500;
/** After words that a machine may begin with. */
const WAITS_AFTER_DOUBT_MS = 3_000;
/** Nobody picks up and talks for so long, in so many words, without asking anything. */
const LONG_GREETING_MS = 8_000;
const LONG_GREETING_WORDS = 16;
/** A beep is one of a mailbox after this much of a greeting. */
const SPEECH_BEFORE_BEEP_MS = 600;
const SHORTEST_BEEP_MS = 120;

/** Half a sentence that a mailbox or a menu, and also an office, begins with. */
const MAY_BE_A_MACHINE =
  /\b(?:you(?:'ve| have) (?:reached|called)|thank you for calling|thanks for calling|welcome to|not available|please (?:hold|wait|stay)|one moment)\b/i;

/** Who answered, by what was heard so far; null: not known yet. Pure. */
export function judgeAnswer(evidence: AnswerEvidence): AnswerVerdict | null {
  return byTone(evidence) ?? byWords(evidence) ?? byTiming(evidence);
}

function byTone({ tones, speechMs, firstSpeechMs }: AnswerEvidence): AnswerVerdict | null {
  if (tones.some(({ type }) => type === 'fax-answer' || type === 'fax-calling')) {
    return verdict('fax', 'fax-tone');
  }
  if (tones.some(({ type }) => type === 'sit')) {
    return verdict('unavailable', 'special-information-tone');
  }
  const beep = tones.some(
    ({ type, atMs, durationMs }) =>
      type === 'beep' &&
      durationMs >= SHORTEST_BEEP_MS &&
      firstSpeechMs !== null &&
      atMs > firstSpeechMs &&
      speechMs >= SPEECH_BEFORE_BEEP_MS,
  );
  return beep ? verdict('voicemail', 'beep') : null;
}

function byWords({ text, greetingMs }: AnswerEvidence): AnswerVerdict | null {
  const match = text === null ? null : matchPhrases(text);
  if (!match) return null;
  const { answeredBy, words, rules, conclusive } = match;
  // People who pick up to say that they cannot talk say it in a short sentence.
  if (!conclusive && greetingMs <= SHORT_GREETING_MS) return null;
  return { answeredBy, reason: 'words', words, rules, conclusive };
}

function byTiming(evidence: AnswerEvidence): AnswerVerdict | null {
  const { firstSpeechMs, greetingMs, silenceMs, text } = evidence;
  if (firstSpeechMs === null) return null;
  const said = text ?? '';
  if (said === '') {
    const isShort = greetingMs <= SHORT_GREETING_MS && silenceMs >= WAITS_WITHOUT_WORDS_MS;
    return isShort ? verdict('human', 'short-greeting') : null;
  }
  if (soundsLikePickingUp(said) && silenceMs >= WAITS_AFTER_HELLO_MS) {
    return verdict('human', 'short-greeting');
  }
  if (MAY_BE_A_MACHINE.test(said)) {
    return silenceMs >= WAITS_AFTER_DOUBT_MS ? verdict('human', 'short-greeting') : null;
  }
  const waitsMs = greetingMs <= SHORT_GREETING_MS ? WAITS_MS : WAITS_AFTER_SENTENCE_MS;
  if (silenceMs >= waitsMs) return verdict('human', 'short-greeting');
  const words = said.split(/\s+/).length;
  const isLong = greetingMs >= LONG_GREETING_MS && words >= LONG_GREETING_WORDS;
  return isLong && !said.includes('?') ? verdict('voicemail', 'long-greeting') : null;
}

function verdict(answeredBy: Answerer, reason: AnswerReason): AnswerVerdict {
  const conclusive = reason.endsWith('tone') || reason === 'beep';
  return { answeredBy, reason, words: null, rules: [], conclusive };
}
