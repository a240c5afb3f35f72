import type { Clock } from '../shared/clock.ts';
import type { SpeakListener, SpokenReply } from './mouth.ts';
import type { Playout } from './playout.ts';
import type { TurnLog } from './turn-log.ts';
import type { TurnLatency } from './worker-protocol.ts';

/** What is known of a caller's turn when it is answered; times are monotonic. */
export interface AnsweredSpeech {
  speechEndedAtMs: number;
  committedAtMs: number;
  transcribedAtMs: number;
  sttMs: number;
}

export interface SpeakerOptions extends SpeakListener {
  playout: Playout;
  log: TurnLog;
  clock: Clock;
  /** The first frame of a turn leaves. */
  onFirstAudio: (atMs: number) => void;
  /** Everything of the turn was played out. */
  onDrained: () => void;
  /** A sentence got no voice: the turn ends where it is. */
  onVoiceFailed: (error: unknown) => void;
  /** A turn is over: what was heard of it. */
  onHeard: (spoken: SpokenReply, text: string, cut: boolean) => void;
}

interface AgentTurn {
  id: string;
  spoken: SpokenReply;
  answers: AnsweredSpeech | null;
  startedAtMs: number | null;
  latency: TurnLatency | null;
  saidSoFar: string;
}

/** The agent's turns: one at a time, from the reply to the record of what was heard of it. */
export class Speaker {
  readonly #options: SpeakerOptions;
  #turn: AgentTurn | null = null;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    options.playout.events.on('sentence-started', ({ turnId, text }) =>
      this.#onSentence(turnId, text),
    );
    options.playout.events.on('drained', ({ turnId }) => {
      if (this.#turn?.id === turnId) options.onDrained();
    });
  }

  /** Speaks a reply; one that was being spoken is interrupted. */
  start(spoken: SpokenReply, answers: AnsweredSpeech | null): void {
    this.interrupt({ cutOff: false });
    const turn: AgentTurn = {
      id: this.#options.log.newTurnId(),
      spoken,
      answers,
      startedAtMs: null,
      latency: null,
      saidSoFar: '',
    };
    this.#turn = turn;
    void this.#speak(turn);
  }

  /**
   * Stops where it is. `cutOff`: the caller took the floor, or the call is over; words that had all
   * been played by then were not cut off.
   * @returns the turn's id when something of it had been heard.
   */
  interrupt({ cutOff }: { cutOff: boolean }): string | null {
    const turn = this.#turn;
    if (!turn) return null;
    this.#turn = null;
    const { playout } = this.#options;
    const isWhole = playout.finished && playout.queuedMs === 0;
    const played = playout.flush();
    turn.spoken.abort();
    this.#record(turn, played.text, { cut: true, cutOff: cutOff && !isWhole });
    return turn.startedAtMs === null ? null : turn.id;
  }

  /** The turn was played out: records it. */
  settle(): void {
    const turn = this.#turn;
    if (!turn) return;
    this.#turn = null;
    this.#record(turn, this.#options.playout.played().text, { cut: false, cutOff: false });
  }

  async #speak(turn: AgentTurn): Promise<void> {
    const { playout, onVoiceFailed, ...listener } = this.#options;
    const result = await turn.spoken.speak(playout, turn.id, {
      onEndCall: (reason) => this.#isCurrent(turn) && listener.onEndCall(reason),
      onDtmf: (digits) => this.#isCurrent(turn) && listener.onDtmf(digits),
      onNote: listener.onNote,
      onDialogueFailed: listener.onDialogueFailed,
    });
    if (result.type === 'failed' && this.#isCurrent(turn)) onVoiceFailed(result.error);
  }

  #isCurrent(turn: AgentTurn): boolean {
    return this.#turn === turn;
  }

  #onSentence(turnId: string, text: string): void {
    const turn = this.#turn;
    if (turn?.id !== turnId) return;
    const { clock, log, onFirstAudio } = this.#options;
    turn.saidSoFar = turn.saidSoFar === '' ? text.trim() : `${turn.saidSoFar} ${text.trim()}`;
    if (turn.startedAtMs === null) {
      turn.startedAtMs = clock.monotonicMs();
      turn.latency = latencyOf(turn.answers, turn.spoken, turn.startedAtMs);
      onFirstAudio(turn.startedAtMs);
    }
    log.interim('agent', turnId, turn.saidSoFar);
  }

  #record(turn: AgentTurn, text: string, end: { cut: boolean; cutOff: boolean }): void {
    const { log, clock, onHeard } = this.#options;
    if (turn.startedAtMs !== null) {
      log.record({
        id: turn.id,
        speaker: 'agent',
        text,
        startedAtMs: turn.startedAtMs,
        endedAtMs: clock.monotonicMs(),
        interrupted: end.cutOff,
        latency: turn.latency,
      });
    }
    onHeard(turn.spoken, text, end.cut);
  }
}

/** The stages overlap, so that they do not add up to the total. */
function latencyOf(
  answers: AnsweredSpeech | null,
  spoken: SpokenReply,
  startedAtMs: number,
): TurnLatency | null {
  if (answers === null) return null;
  const firstTextAtMs = spoken.firstTextAtMs ?? startedAtMs;
  const firstAudioAtMs = spoken.firstAudioAtMs ?? startedAtMs;
  return {
    totalMs: Math.round(startedAtMs - answers.speechEndedAtMs),
    endpointingMs: Math.round(answers.committedAtMs - answers.speechEndedAtMs),
    sttMs: Math.round(answers.sttMs),
    llmMs: Math.round(firstTextAtMs - answers.transcribedAtMs),
    ttsMs: Math.round(firstAudioAtMs - firstTextAtMs),
  };
}
