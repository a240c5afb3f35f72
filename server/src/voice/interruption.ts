/** What is known of sound from the caller while the agent has the floor. */
export interface InterruptionEvidence {
  /** Speech so far, pauses not counted. */
  speechMs: number;
  /** Silence since; 0: the caller is speaking. */
  silenceMs: number;
  /** What was recognised of it; null: not known yet. */
  text: string | null;
  /** More was said since `text` was recognised. */
  isStale: boolean;
  /** The recogniser does not answer: the length of the speech decides alone. */
  isDeaf: boolean;
  /** What the agent still has to say is known and shorter than this; null: not known. */
  agentRemainingMs: number | null;
}

export interface InterruptionRule {
  /** Words that take the floor. */
  words: number;
  /** Speech that takes the floor by a single word. */
  speechMs: number;
  /** These take it at once. */
  interrupting: readonly string[];
  /** These do not take it. */
  ignored: readonly string[];
  /**
   * The agent has only begun its first words, which meet the "Hello?" of whoever picks up: a
   * greeting is no interruption, and takes longer than other sounds.
   */
  pickingUp: boolean;
}

export type InterruptionVerdict =
  /** Go on holding one's breath. */
  | 'wait'
  /** Ask the recogniser now. */
  | 'transcribe'
  /** The caller has the floor: forget what is not said. */
  | 'confirm'
  /** A cough, or a sign of listening: go on where the sentence stopped. */
  | 'resume';

/** Speech after which words are looked at while the caller is still speaking. */
const LOOK_AT_WORDS_MS = 300;
/** Silence that ends a short sound. */
const SHORT_SOUND_OVER_MS = 150;
/** With so little left to say, the caller's short answer is an answer, not an aside. */
const NEARLY_DONE_MS = 700;
/** Words that are so late are not waited for. */
const WORDS_LATE_MS = 700;
/** Signs of listening that go on for longer are more than that. */
const LISTENING_MS = 1_500;
/** Somebody who makes sounds for longer, words or not, is not talked over. */
const SOUND_MS = 2_500;

/** A "Hello?" takes less than this. */
const GREETING_MS = 1_000;

const PICKING_UP = new Set(
  "hello hi hey yes yeah yep speaking good morning afternoon evening who is this it's".split(' '),
);

const BACKCHANNEL = new Set(
  'uh huh uhhuh mm mmm mhm mmhm hm hmm um uh er ah aha oh okay ok k alright yeah yes yep ya right sure good great i see'.split(
    ' ',
  ),
);

/** The second step of a barge-in: whether sound from the caller takes the floor. Pure. */
export function judgeInterruption(
  evidence: InterruptionEvidence,
  rule: InterruptionRule,
): InterruptionVerdict {
  const { speechMs, silenceMs, text, isStale, isDeaf } = evidence;
  const longMs = rule.pickingUp ? Math.max(rule.speechMs, GREETING_MS) : rule.speechMs;
  const over = silenceMs >= SHORT_SOUND_OVER_MS;
  if (isDeaf) return speechMs >= longMs ? 'confirm' : over ? 'resume' : 'wait';
  // What was recognised stays true when more is said.
  if (text !== null && takesTheFloor(evidence, text, rule)) return 'confirm';
  if (text !== null && speechMs >= longMs && hasWords(text, rule)) return 'confirm';
  if (text === null || isStale) {
    if (text === null && speechMs >= longMs + WORDS_LATE_MS) return 'confirm';
    if (speechMs >= longMs + SOUND_MS) return 'confirm';
    return over || speechMs >= LOOK_AT_WORDS_MS ? 'transcribe' : 'wait';
  }
  const limitMs = wordsOf(text).length > 0 ? LISTENING_MS : SOUND_MS;
  if (speechMs >= longMs + limitMs) return 'confirm';
  return over ? 'resume' : 'wait';
}

/** Words that somebody says who wants to say something. */
function hasWords(text: string, rule: InterruptionRule): boolean {
  const words = wordsOf(text);
  if (words.length === 0 || isListening(words, rule)) return false;
  return !(rule.pickingUp && words.every((word) => PICKING_UP.has(word)));
}

function takesTheFloor(
  evidence: InterruptionEvidence,
  text: string,
  rule: InterruptionRule,
): boolean {
  const words = wordsOf(text);
  if (words.length === 0) return false;
  if (rule.interrupting.some((phrase) => includes(words, wordsOf(phrase)))) return true;
  const { agentRemainingMs } = evidence;
  if (agentRemainingMs !== null && agentRemainingMs <= NEARLY_DONE_MS) return true;
  return hasWords(text, rule) && words.length >= rule.words;
}

/** Nothing but signs of listening, and what the agent was told to take for some. */
function isListening(words: readonly string[], { ignored }: InterruptionRule): boolean {
  let left = ` ${words.join(' ')} `;
  for (const phrase of ignored) {
    const known = wordsOf(phrase).join(' ');
    if (known !== '') left = left.replaceAll(` ${known} `, ' ');
  }
  return left
    .trim()
    .split(' ')
    .every((word) => word === '' || BACKCHANNEL.has(word));
}

function includes(words: readonly string[], phrase: readonly string[]): boolean {
  return phrase.length > 0 && ` ${words.join(' ')} `.includes(` ${phrase.join(' ')} `);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}
