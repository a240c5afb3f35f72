/** Who has the floor. */
export const TURN_STATES = [
  /** Ready, not allowed to speak yet. */
  'opening',
  /** Nobody speaks. */
  'listening',
  'caller-speaking',
  /** The caller is silent, but may go on. The answer is being guessed. */
  'caller-pausing',
  /** The answer is committed; nothing of it has been played. */
  'thinking',
  'agent-speaking',
  /** The agent holds its breath: the caller may be taking the floor. */
  'ducked',
  /** A machine has the line: the agent listens and says only what it is told to. */
  'standing-by',
  /** The last words are being said; nothing interrupts them. */
  'closing',
  'ended',
] as const;

export type TurnState = (typeof TURN_STATES)[number];

export const TURN_INPUTS = [
  /** The agent may speak and has something to say. */
  'start',
  /** The agent may speak, but the caller speaks first. */
  'start-silent',
  'speech-suspected',
  'speech-dismissed',
  'speech-started',
  /** The caller goes on after a pause inside the utterance. */
  'speech-resumed',
  /** Silence in an utterance long enough to guess the answer. */
  'pause',
  /** Silence long enough for what was said. */
  'turn-ended',
  /** The utterance held no words. */
  'nothing-said',
  'barge-in-confirmed',
  'barge-in-refused',
  /** The first frame of the answer leaves. */
  'reply-audio',
  /** Everything of the agent's turn was played out. */
  'drained',
  /** What is being said ends the call. */
  'last-words',
  'keys-pressed',
  'keys-entered',
  'silence-prompt',
  /** The same, and it had cut an answer off. */
  'false-interruption',
  'recogniser-failed',
  /** The platform ends the call and there is something to say. */
  'goodbye',
  /** The call ends without another word. */
  'end-now',
  /** The far end has put us on hold. */
  'hold',
  /** A machine has answered, and is not talked with. */
  'stand-by',
  'hangup',
] as const;

export type TurnInput = (typeof TURN_INPUTS)[number];

/** What the agent session does about it, in order. */
export type TurnEffect =
  | 'play-opening'
  /** Silence counts from now on. */
  | 'await-caller'
  /** The caller was heard: silence is forgotten. */
  | 'caller-active'
  | 'speculate'
  | 'drop-speculation'
  | 'commit'
  | 'drop-utterance'
  /** What was said goes on record and is not answered. */
  | 'set-utterance-aside'
  | 'duck'
  | 'unduck'
  /** Stop the answer where it is and record what was heard of it. */
  | 'interrupt'
  /** Record the answer as played. */
  | 'end-agent-turn'
  | 'reply-to-keys'
  | 'prompt-silence'
  | 'apologise'
  /** Say the rest of the answer that was cut off for nothing. */
  | 'go-on'
  | 'say-goodbye'
  | 'request-end';

export interface TurnStep {
  state: TurnState;
  effects: readonly TurnEffect[];
}

type Row = Partial<Record<TurnInput, readonly [TurnState, ...TurnEffect[]]>>;

/** The same wherever the call is alive and the agent is silent. */
const ENDS_IN_SILENCE: Row = {
  goodbye: ['closing', 'drop-speculation', 'drop-utterance', 'caller-active', 'say-goodbye'],
  'end-now': ['ended', 'drop-speculation', 'drop-utterance', 'caller-active', 'request-end'],
  hangup: ['ended', 'drop-speculation', 'drop-utterance', 'caller-active'],
  'stand-by': ['standing-by', 'drop-speculation', 'caller-active'],
};

/** The same wherever an answer is under way. */
const ENDS_IN_ANSWER: Row = {
  goodbye: ['closing', 'interrupt', 'drop-utterance', 'say-goodbye'],
  'end-now': ['ended', 'interrupt', 'drop-utterance', 'request-end'],
  hangup: ['ended', 'interrupt', 'drop-utterance'],
  'keys-pressed': ['listening', 'interrupt', 'drop-utterance', 'caller-active'],
  'keys-entered': ['thinking', 'interrupt', 'drop-utterance', 'reply-to-keys'],
  'stand-by': ['standing-by', 'interrupt', 'caller-active'],
};

/** What is not in a row changes nothing. */
const TABLE: Record<TurnState, Row> = {
  opening: {
    start: ['agent-speaking', 'drop-utterance', 'play-opening'],
    'start-silent': ['listening', 'drop-utterance', 'await-caller'],
    'end-now': ['ended', 'request-end'],
    hangup: ['ended'],
  },
  listening: {
    ...ENDS_IN_SILENCE,
    'speech-started': ['caller-speaking', 'caller-active'],
    // The entry ends by itself, and silence counts again after its answer.
    'keys-pressed': ['listening', 'caller-active'],
    'keys-entered': ['thinking', 'drop-utterance', 'caller-active', 'reply-to-keys'],
    'silence-prompt': ['thinking', 'drop-utterance', 'prompt-silence'],
  },
  'caller-speaking': {
    ...ENDS_IN_SILENCE,
    pause: ['caller-pausing', 'speculate'],
    'keys-entered': ['thinking', 'drop-utterance', 'caller-active', 'reply-to-keys'],
    hold: ['listening', 'set-utterance-aside', 'await-caller'],
  },
  'caller-pausing': {
    ...ENDS_IN_SILENCE,
    'speech-resumed': ['caller-speaking', 'drop-speculation'],
    'turn-ended': ['thinking', 'commit'],
    'nothing-said': ['listening', 'drop-speculation', 'drop-utterance', 'await-caller'],
    'false-interruption': ['thinking', 'drop-speculation', 'drop-utterance', 'go-on'],
    'recogniser-failed': ['thinking', 'apologise', 'drop-speculation', 'drop-utterance'],
    'keys-entered': [
      'thinking',
      'drop-speculation',
      'drop-utterance',
      'caller-active',
      'reply-to-keys',
    ],
    hold: ['listening', 'drop-speculation', 'set-utterance-aside', 'await-caller'],
  },
  thinking: {
    ...ENDS_IN_ANSWER,
    'speech-suspected': ['ducked', 'duck'],
    'speech-started': ['ducked', 'duck'],
    'reply-audio': ['agent-speaking'],
    drained: ['listening', 'end-agent-turn', 'await-caller'],
    'last-words': ['closing'],
  },
  'agent-speaking': {
    ...ENDS_IN_ANSWER,
    'speech-suspected': ['ducked', 'duck'],
    'speech-started': ['ducked', 'duck'],
    drained: ['listening', 'end-agent-turn', 'await-caller'],
    'last-words': ['closing'],
  },
  ducked: {
    ...ENDS_IN_ANSWER,
    'speech-dismissed': ['agent-speaking', 'unduck'],
    'barge-in-confirmed': ['caller-speaking', 'interrupt', 'caller-active'],
    'barge-in-refused': ['agent-speaking', 'drop-utterance', 'unduck'],
    'last-words': ['closing', 'drop-utterance', 'unduck'],
    hold: ['agent-speaking', 'set-utterance-aside', 'unduck'],
  },
  'standing-by': {
    // A person came: the talk begins.
    start: ['agent-speaking', 'set-utterance-aside', 'play-opening'],
    'start-silent': ['listening', 'set-utterance-aside', 'await-caller'],
    drained: ['standing-by', 'end-agent-turn'],
    goodbye: ['closing', 'interrupt', 'set-utterance-aside', 'say-goodbye'],
    'end-now': ['ended', 'interrupt', 'set-utterance-aside', 'request-end'],
    hangup: ['ended', 'interrupt', 'drop-utterance'],
  },
  closing: {
    drained: ['ended', 'end-agent-turn', 'request-end'],
    'end-now': ['ended', 'interrupt', 'request-end'],
    hangup: ['ended', 'interrupt'],
  },
  ended: {},
};

/** One step of the turn: where it goes and what is to be done. Pure. */
export function nextTurn(state: TurnState, input: TurnInput): TurnStep {
  const cell = TABLE[state][input];
  if (!cell) return { state, effects: [] };
  const [next, ...effects] = cell;
  return { state: next, effects };
}
