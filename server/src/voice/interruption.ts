/** What is known of sound from the caller while the agent has the floor. */
export interface InterruptionEvidence {
  /** Speech so far, pauses not counted. */
  speechMs: number;
  /** Silence since; 0: the caller is speaking. */
  silenceMs: number;
  /** What was recognised of it; null: not known yet. */
  text: string | null;
  /** What the agent still has to say is known and shorter than this; null: not known. */
  agentRemainingMs: number | null;
}

export interface InterruptionRule {
  /** Words that take the floor. */
  words: number;
  /** Speech that takes the floor whatever the words are. */
  speechMs: number;
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

/** A "Hello?" takes less than this. */
const GREETING_MS = 1_000;

const PICKING_UP = new Set(
  "hello hi hey yes yeah yep speaking good morning afternoon evening who is this it's".split(' '),
);

const BACKCHANNEL = new Set(
  'uh huh uhhuh mm mmm mhm mmhm hm hmm um uh er ah oh okay ok yeah yes yep right sure good i see'.split(
    ' ',
  ),
);

/** The second step of a barge-in: whether sound from the caller takes the floor. Pure. */
export function judgeInterruption(
  evidence: InterruptionEvidence,
  rule: InterruptionRule,
): InterruptionVerdict {
  const speechMs = rule.pickingUp ? Math.max(rule.speechMs, GREETING_MS) : rule.speechMs;
  if (evidence.speechMs >= speechMs) return 'confirm';
  const over = evidence.silenceMs >= SHORT_SOUND_OVER_MS;
  if (evidence.text === null) {
    return over || evidence.speechMs >= LOOK_AT_WORDS_MS ? 'transcribe' : 'wait';
  }
  if (takesTheFloor(evidence, evidence.text, rule)) return 'confirm';
  return over ? 'resume' : 'wait';
}

function takesTheFloor(
  evidence: InterruptionEvidence,
  text: string,
  rule: InterruptionRule,
): boolean {
  const words = wordsOf(text);
  if (words.length === 0) return false;
  const { agentRemainingMs } = evidence;
  if (agentRemainingMs !== null && agentRemainingMs <= NEARLY_DONE_MS) return true;
  if (words.every((word) => BACKCHANNEL.has(word))) return false;
  if (rule.pickingUp && words.every((word) => PICKING_UP.has(word))) return false;
  return words.length >= rule.words;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}
