import type { Clock } from '../shared/clock.ts';
import type { SpeakListener, SpokenReply } from './mouth.ts';
import type { Played, Playout } from './playout.ts';
import type { Filler } from './filler.ts';
import type { TurnLog } from './turn-log.ts';
import type { TurnEvidence, TurnLatency } from './worker-protocol.ts';

/** What is known of a caller's turn when it is answered; times are monotonic. */
export interface AnsweredSpeech {
  speechEndedAtMs: number;
  committedAtMs: number;
  /** Why the turn was taken to be over. */
  endReason: string;
  transcribedAtMs: number;
  sttMs: number;
}

/** A reply that was cut off, as far as it is known. */
export interface CutReply {
  spoken: SpokenReply;
  /** What was heard of it. */
  heard: string;
  /** What was not. */
  rest: string;
}

export interface SpeakerOptions extends SpeakListener {
  playout: Playout;
  log: TurnLog;
  clock: Clock;
  filler: Filler;
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
  /** Its rest is said now. */
  goesOn: CutReply | null;
  startedAtMs: number | null;
  /** First frame of the reply itself. */
  replyAtMs: number | null;
  fillerAtMs: number | null;
  latency: TurnLatency | null;
  saidSoFar: string;
}

/** The agent's turns: one at a time, from the reply to the record of what was heard of it. */
export class Speaker {
  readonly #options: SpeakerOptions;
  #turn: AgentTurn | null = null;
  #cut: CutReply | null = null;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    options.playout.events.on('sentence-started', ({ turnId, text, aside }) =>
      this.#onSentence(turnId, text, aside),
    );
    options.playout.events.on('drained', ({ turnId }) => {
      if (this.#turn?.id === turnId) options.onDrained();
    });
  }

  /** The caller cut a reply off that has not been gone on with. */
  get wasCut(): boolean {
    return this.#cut !== null;
  }

  /** The reply that the caller cut off last; it is given once. */
  takeCut(): CutReply | null {
    const cut = this.#cut;
    this.#cut = null;
    return cut;
  }

  /**
   * Speaks a reply; one that was being spoken is interrupted.
   * @param goesOn the cut reply whose rest this is.
   */
  start(spoken: SpokenReply, answers: AnsweredSpeech | null, goesOn: CutReply | null = null): void {
    this.interrupt({ cutOff: false });
    this.#cut = null;
    const turn: AgentTurn = {
      id: this.#options.log.newTurnId(),
      spoken,
      answers,
      goesOn,
      startedAtMs: null,
      replyAtMs: null,
      fillerAtMs: null,
      latency: null,
      saidSoFar: '',
    };
    this.#turn = turn;
    if (answers !== null) this.#awaitReply(turn);
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
    const { playout, filler } = this.#options;
    filler.cancel();
    const isWhole = playout.finished && playout.queuedMs === 0;
    const rest = playout.unplayed();
    const played = playout.flush();
    turn.spoken.abort();
    if (cutOff && rest !== '') this.#cut = cutOf(turn, played.replyText, rest);
    this.#record(turn, played, { cut: true, cutOff: cutOff && !isWhole });
    return turn.startedAtMs === null ? null : turn.id;
  }

  /** The turn was played out: records it. */
  settle(): void {
    const turn = this.#turn;
    if (!turn) return;
    this.#turn = null;
    this.#options.filler.cancel();
    this.#record(turn, this.#options.playout.played(), { cut: false, cutOff: false });
  }

  #awaitReply(turn: AgentTurn): void {
    const { filler, playout } = this.#options;
    filler.await((text, samples) => {
      if (this.#isCurrent(turn) && turn.startedAtMs === null) {
        playout.interject(turn.id, text, samples);
      }
    });
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

  #onSentence(turnId: string, text: string, aside: boolean): void {
    const turn = this.#turn;
    if (turn?.id !== turnId) return;
    const { clock, log, filler, onFirstAudio } = this.#options;
    const nowMs = clock.monotonicMs();
    turn.saidSoFar = turn.saidSoFar === '' ? text.trim() : `${turn.saidSoFar} ${text.trim()}`;
    if (aside) turn.fillerAtMs ??= nowMs;
    else if (turn.replyAtMs === null) {
      turn.replyAtMs = nowMs;
      turn.latency = latencyOf(turn.answers, turn.spoken, nowMs);
      filler.cancel();
    }
    if (turn.startedAtMs === null) {
      turn.startedAtMs = nowMs;
      onFirstAudio(nowMs);
    }
    log.interim('agent', turnId, turn.saidSoFar);
  }

  #record(turn: AgentTurn, played: Played, end: { cut: boolean; cutOff: boolean }): void {
    const { log, clock, onHeard } = this.#options;
    const nowMs = clock.monotonicMs();
    if (turn.startedAtMs !== null) {
      log.record({
        id: turn.id,
        speaker: 'agent',
        text: played.text,
        startedAtMs: turn.startedAtMs,
        endedAtMs: nowMs,
        interrupted: end.cutOff,
        latency: turn.latency,
        evidence: evidenceOf(turn, end.cutOff ? { text: played.text, atMs: nowMs } : null, log),
      });
    }
    const { goesOn } = turn;
    // Of a reply in two pieces, the dialogue hears as of one.
    if (goesOn === null) onHeard(turn.spoken, played.replyText, end.cut);
    else onHeard(goesOn.spoken, `${goesOn.heard} ${played.replyText}`.trim(), end.cut);
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

function cutOf(turn: AgentTurn, heard: string, rest: string): CutReply {
  const { goesOn } = turn;
  return goesOn === null
    ? { spoken: turn.spoken, heard, rest }
    : { spoken: goesOn.spoken, heard: `${goesOn.heard} ${heard}`.trim(), rest };
}

function evidenceOf(
  turn: AgentTurn,
  cut: { text: string; atMs: number } | null,
  log: Pick<TurnLog, 'sinceAnswer'>,
): TurnEvidence {
  const { spoken, answers } = turn;
  const at = (ms: number): number => log.sinceAnswer(ms);
  const words = cut?.text.split(/\s+/).filter((word) => word !== '') ?? [];
  return {
    ...(answers !== null && { speechEndedMs: at(answers.speechEndedAtMs) }),
    ...(answers !== null && { sttFinalMs: at(answers.transcribedAtMs) }),
    ...(answers !== null && { endpointMs: at(answers.committedAtMs) }),
    ...(answers !== null && { endpointReason: answers.endReason }),
    ...(spoken.firstTextAtMs !== null && { llmFirstTextMs: at(spoken.firstTextAtMs) }),
    ...(spoken.firstAudioAtMs !== null && { ttsFirstAudioMs: at(spoken.firstAudioAtMs) }),
    ...(turn.fillerAtMs !== null && { fillerMs: at(turn.fillerAtMs) }),
    ...(turn.replyAtMs !== null && { firstAudioMs: at(turn.replyAtMs) }),
    ...(cut !== null && {
      interruptedAt: { ms: at(cut.atMs), word: words.at(-1) ?? '', wordIndex: words.length - 1 },
    }),
  };
}
