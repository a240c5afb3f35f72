/** How a transcript ends, as far as turns go. */
export type TranscriptEnding =
  'dangling' | 'digits' | 'spelling' | 'complete' | 'short-answer' | 'open';

/** How long the caller must be silent for the turn to be over, and why. */
export interface EndOfTurnRule {
  silenceMs: number;
  /** How the words end; `all-digits`: everything that was asked for was said. */
  reason: TranscriptEnding | 'all-digits';
}

export interface EndOfTurnQuestion {
  /** What the caller has said so far. */
  text: string;
  minMs: number;
  maxMs: number;
  /** The dialogue waits for digits. */
  expectsDigits: boolean;
  /** How many, when it is known; 0: not known. */
  digitsWanted: number;
  /** Silence that ends numbers, dates and what is spelled. */
  digitsMs: number;
}

const DANGLING_MS = 1_000;
const OPEN_MS = 725;

const DANGLING =
  /\b(and|or|but|so|because|the|a|an|my|your|is|are|to|at|on|for|of|with|um|uh|er|like|that|if|i|in|well|basically|me|was|would|next|dot|underscore|dash|hyphen|slash|january|february|april|june|july|august|september|october|november|december)[,.?…-]*$/iu;
/** Tens and what goes before them: "twenty", "nineteen eighty", "two hundred". */
const ENDS_IN_NUMBER =
  /\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|double|triple)[,.\s-]*$/iu;
/** "three thirty" is a time of day. */
const ENDS_IN_TIME =
  /\b(?:at|by|around|until|before|after|to|past)\s+(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})[\s:]+(?:fifteen|thirty|forty[- ]five|\d\d)[.?!]*$/iu;
/** Letters, one after the other: at least two, "I" and "a" are words. */
const ENDS_IN_LETTERS =
  /(?:^|[\s,.-])[b-hj-z](?:[\s,.-]+[a-z])*[,.\s-]*$|(?:[\s,.-][a-z]){3,}[,.\s-]*$/iu;
const DIGIT_WORD = 'zero|oh|one|two|three|four|five|six|seven|eight|nine';
/** What these words end is often complete, when the recogniser thinks so too: "that works for me." */
const ENDS_IN_PRONOUN = /\S+\s+\S+\s+(me|that)[.?!]$/iu;
const ENDS_IN_DIGITS = new RegExp(`(\\d|\\b(${DIGIT_WORD}))[,.\\s-]*$`, 'iu');
const DIGIT = new RegExp(`\\d|\\b(?:(?<double>double|triple)\\s+)?(?:${DIGIT_WORD})\\b`, 'giu');
const COMPLETE = /[.?!]["']?$/u;
const SHORT_ANSWER =
  /^(yes|yeah|yep|yup|no|nope|nah|okay|ok|sure|correct|right|exactly|hello|hi|goodbye|bye|yes please|no thanks|no thank you|thank you|thanks)[.!?,]*$/iu;

/** When the caller's turn ends, judged by what was said so far. */
export function endOfTurn(question: EndOfTurnQuestion): EndOfTurnRule {
  const { silenceMs: wantedMs, reason } = ruleByText(question);
  const { minMs, maxMs } = question;
  return { silenceMs: Math.min(Math.max(wantedMs, minMs), Math.max(minMs, maxMs)), reason };
}

/** How `text` ends. */
export function endingOf(text: string): TranscriptEnding {
  const trimmed = text.trim();
  if (SHORT_ANSWER.test(trimmed)) return 'short-answer';
  if (DANGLING.test(trimmed) && !ENDS_IN_PRONOUN.test(trimmed)) return 'dangling';
  if (ENDS_IN_TIME.test(trimmed)) return 'complete';
  if (ENDS_IN_DIGITS.test(trimmed) || ENDS_IN_NUMBER.test(trimmed)) return 'digits';
  if (ENDS_IN_LETTERS.test(trimmed)) return 'spelling';
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

function ruleByText(question: EndOfTurnQuestion): EndOfTurnRule {
  const { text, minMs, expectsDigits, digitsWanted, digitsMs } = question;
  const digits = digitCount(text);
  // All digits that were asked for are there: nothing to wait for.
  if (expectsDigits && digitsWanted > 0 && digits >= digitsWanted) {
    return { silenceMs: minMs, reason: 'all-digits' };
  }
  const reason = endingOf(text);
  switch (reason) {
    case 'short-answer':
      return { silenceMs: minMs, reason };
    case 'dangling':
      return { silenceMs: DANGLING_MS, reason };
    case 'digits':
    case 'spelling':
      return { silenceMs: digitsMs, reason };
    case 'complete':
    case 'open':
      if (expectsDigits && digits > 0) return { silenceMs: digitsMs, reason: 'digits' };
      return { silenceMs: reason === 'complete' ? minMs : OPEN_MS, reason };
  }
}
