/** How a transcript ends, as far as turns go. */
export type TranscriptEnding = 'dangling' | 'digits' | 'complete' | 'short-answer' | 'open';

export interface EndOfTurnQuestion {
  /** What the caller has said so far. */
  text: string;
  minMs: number;
  maxMs: number;
  /** The dialogue waits for digits. */
  expectsDigits: boolean;
  /** How many, when it is known; 0: not known. */
  digitsWanted: number;
}

const DANGLING_MS = 1_000;
const DIGITS_MS = 1_300;
const OPEN_MS = 725;

const DANGLING =
  /\b(and|or|but|so|because|the|a|an|my|your|is|are|to|at|on|for|of|with|um|uh|er|like|that|if|i|in|well|basically|me|was|would)[,.?…-]*$/iu;
const DIGIT_WORD = 'zero|oh|one|two|three|four|five|six|seven|eight|nine';
/** What these words end is often complete, when the recogniser thinks so too: "that works for me." */
const ENDS_IN_PRONOUN = /\S+\s+\S+\s+(me|that)[.?!]$/iu;
const ENDS_IN_DIGITS = new RegExp(`(\\d|\\b(${DIGIT_WORD}))[,.\\s-]*$`, 'iu');
const DIGIT = new RegExp(`\\d|\\b(?:(?<double>double|triple)\\s+)?(?:${DIGIT_WORD})\\b`, 'giu');
const COMPLETE = /[.?!]["']?$/u;
const SHORT_ANSWER =
  /^(yes|yeah|yep|yup|no|nope|nah|okay|ok|sure|correct|right|exactly|hello|hi|goodbye|bye|yes please|no thanks|no thank you|thank you|thanks)[.!?,]*$/iu;

/** Silence that ends the caller's turn, judged by what was said so far. */
export function silenceNeededMs(question: EndOfTurnQuestion): number {
  const wanted = silenceByText(question);
  return Math.min(Math.max(wanted, question.minMs), Math.max(question.minMs, question.maxMs));
}

/** How `text` ends. */
export function endingOf(text: string): TranscriptEnding {
  const trimmed = text.trim();
  if (SHORT_ANSWER.test(trimmed)) return 'short-answer';
  if (DANGLING.test(trimmed) && !ENDS_IN_PRONOUN.test(trimmed)) return 'dangling';
  if (ENDS_IN_DIGITS.test(trimmed)) return 'digits';
  return COMPLETE.test(trimmed) ? 'complete' : 'open';
}

/** Digits in `text`, written or spoken; "double five" is two. */
export function digitCount(text: string): number {
  let count = 0;
  for (const match of text.matchAll(DIGIT)) {
    const multiple = match.groups?.['double']?.toLowerCase();
    count += multiple === 'double' ? 2 : multiple === 'triple' ? 3 : 1;
  }
  return count;
}

function silenceByText({ text, minMs, expectsDigits, digitsWanted }: EndOfTurnQuestion): number {
  const digits = digitCount(text);
  // All digits that were asked for are there: nothing to wait for.
  if (expectsDigits && digitsWanted > 0 && digits >= digitsWanted) return minMs;
  const ending = endingOf(text);
  if (ending === 'short-answer') return minMs;
  if (ending === 'dangling') return DANGLING_MS;
  if (ending === 'digits' || (expectsDigits && digits > 0)) return DIGITS_MS;
  return ending === 'complete' ? minMs : OPEN_MS;
}
