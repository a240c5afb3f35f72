import type { AgentConfig } from '../agents/agent-config.ts';
import type { Dialogue, DialogueReply } from '../agents/dialogue.ts';
import type { SttProvider } from '../providers/stt.ts';
import type { VadProvider } from '../providers/vad.ts';
import type { Clock } from '../shared/clock.ts';
import { Ears } from './ears.ts';
import { endOfTurn, type EndOfTurnRule } from './end-of-turn.ts';
import { FloorContest } from './floor-contest.ts';
import type { SpokenReply } from './mouth.ts';
import type { AnsweredSpeech } from './speaker.ts';
import { speculateAfterMs, Speculation } from './speculation.ts';
import type { SpeechSignal } from './speech-detector.ts';
import type { TurnInput, TurnState } from './turn-fsm.ts';
import type { TurnLog } from './turn-log.ts';

/** Who else wants to know what is heard of the far end. */
export interface CallerObserver {
  /** Each judged frame. */
  onSignal(signal: SpeechSignal): void;
  /** What an utterance says, as far as it was heard at monotonic time `askedMs`. */
  onWords(turnId: string, text: string, askedMs: number): void;
  /** The far end paused behind these words, heard until `endedMs`, while the agent stood by. */
  onSaid(text: string, endedMs: number): void;
  /** What was said is the caller's turn. */
  onTurn(): void;
  /** Who answered is still to be found out. */
  isUndecided(): boolean;
}

export interface CallerTurnOptions {
  config: AgentConfig;
  dialogue: Dialogue;
  vad: VadProvider;
  stt: SttProvider;
  clock: Clock;
  log: TurnLog;
  state: () => TurnState;
  input: (input: TurnInput) => void;
  /** Prepares a reply to be spoken. */
  prepare: (reply: DialogueReply) => SpokenReply;
  /** Whether the agent has only begun its first words. */
  pickingUp: () => boolean;
  agentRemainingMs: () => number | null;
  /** Milliseconds of speech that were recognised. */
  onRecognised: (utteranceMs: number) => void;
  /** An utterance that was set aside could not be recognised, or nobody listened for a while. */
  onAsideLost: (error: unknown) => void;
  observer: CallerObserver;
}

/** Nobody picks up with these: it is a "Hi" that goes on. */
const NO_FIRST_WORD = /^(?:good[- ]?)?bye?[.!,]*$/i;
const DOUBTFUL_MS = 1_200;
/** Silence behind which words of a machine are looked at. */
const MACHINE_PAUSES_MS = 600;
/** The recogniser takes no longer utterances than 30 s. */
const LONGEST_ASIDE_MS = 20_000;

/** The caller's side of the turn: from sound to inputs of the turn machine, and to what was said. */
export class CallerTurn {
  readonly #options: CallerTurnOptions;
  readonly #ears: Ears;
  readonly #closing = new AbortController();
  #speculation: Speculation | null = null;
  #contest: FloorContest | null = null;
  #turnId = '';
  /** Of the last utterance. */
  #lastTurnId = '';
  #startedAtMs = 0;
  #endedAtMs = 0;
  #silenceMs = 0;
  /** Guesses of this utterance that were wrong. */
  #drops = 0;
  /** The guess was made while speech faded, before any silence. */
  #guessedFading = false;
  /** Why the last utterance was taken to be over. */
  #endRule: EndOfTurnRule | null = null;
  /** One such guess of this utterance was wrong. */
  #fadingSpent = false;

  constructor(options: CallerTurnOptions) {
    this.#options = options;
    this.#ears = new Ears({
      vad: options.vad,
      openStt: () => options.stt.open({ language: options.config.language }),
      clock: options.clock,
      onStalled: options.onAsideLost,
      onSignal: (signal) => this.#onSignal(signal),
    });
  }

  /** Monotonic time at which the caller began to speak. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** Why the last speculation has no transcript; null: it has one. */
  get recognitionError(): unknown {
    return this.#speculation?.error ?? null;
  }

  /** A guess of the answer waits for what was said. */
  get isTranscribing(): boolean {
    const guess = this.#speculation;
    return guess !== null && guess.transcript === null && guess.error === null;
  }

  hear(samples: Int16Array): void {
    this.#ears.hear(samples);
  }

  tick(): void {
    this.#ears.tick();
  }

  /** Deaf while true. */
  setGated(gated: boolean): void {
    this.#ears.setGated(gated);
  }

  /** The agent has fallen silent: somebody who spoke all along has the floor now. */
  takeFloorIfSpeaking(): void {
    if (this.#ears.speaking) this.#options.input('speech-started');
  }

  /** What the utterance that is being said, or was said last, says so far. */
  async transcribeNow(signal: AbortSignal): Promise<{ utteranceId: string; text: string }> {
    const expectDigits = this.#options.dialogue.expects.digits;
    const utteranceId = this.#turnId === '' ? this.#lastTurnId : this.#turnId;
    const { text } = await this.#ears.transcribe({ expectDigits, signal, interim: true });
    return { utteranceId: utteranceId === '' ? this.#currentTurnId() : utteranceId, text };
  }

  speculate(): void {
    const { dialogue, clock, prepare, log, observer } = this.#options;
    const askedMs = clock.monotonicMs();
    this.#speculation = new Speculation({
      ears: this.#ears,
      expectDigits: dialogue.expects.digits,
      clock,
      answer: (input) => prepare(dialogue.reply(input)),
      onSettled: () => {
        const text = this.#speculation?.transcript?.text;
        if (text !== undefined && text !== '') log.interim('caller', this.#currentTurnId(), text);
        if (text !== undefined) observer.onWords(this.#currentTurnId(), text, askedMs);
        if (this.#options.state() === 'caller-pausing') this.#judgeEnd();
      },
    });
  }

  dropSpeculation(): void {
    this.#speculation?.drop();
    this.#speculation = null;
  }

  /** The guess was right: what was said is on record, and the answer counts. */
  commit(): { spoken: SpokenReply; answers: AnsweredSpeech } | null {
    const guess = this.#speculation;
    this.#speculation = null;
    const spoken = guess?.answer;
    if (!guess || !spoken || guess.transcript === null) return null;
    const { log, clock, onRecognised } = this.#options;
    const endReason = this.#endRule?.reason ?? 'open';
    onRecognised(this.#ears.utteranceMs);
    log.record({
      id: this.#currentTurnId(),
      speaker: 'caller',
      text: guess.transcript.text,
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#endedAtMs,
      confidence: guess.transcript.confidence,
      evidence: {
        speechEndedMs: log.sinceAnswer(this.#endedAtMs),
        sttFinalMs: log.sinceAnswer(guess.transcribedAtMs),
        endpointMs: log.sinceAnswer(clock.monotonicMs()),
        endpointReason: endReason,
        endpointSilenceMs: this.#endRule?.silenceMs ?? 0,
      },
    });
    const answers: AnsweredSpeech = {
      speechEndedAtMs: this.#endedAtMs,
      committedAtMs: clock.monotonicMs(),
      endReason,
      transcribedAtMs: guess.transcribedAtMs,
      sttMs: guess.sttMs,
    };
    this.endUtterance();
    spoken.reply.commit();
    this.#options.observer.onTurn();
    return { spoken, answers };
  }

  /** The far end cannot be heard any more: what it said so far goes on record, unanswered. */
  setUtteranceAside(): void {
    if (this.#ears.speaking) {
      void this.#recordAside({
        id: this.#currentTurnId(),
        speaker: 'caller',
        startedAtMs: this.#startedAtMs,
        endedAtMs: this.#endedAtMs,
      });
    }
    this.endUtterance();
  }

  /** What is being said, or was, is dealt with. */
  endUtterance(): void {
    this.closeContest();
    this.#ears.endUtterance();
    if (this.#turnId !== '') this.#lastTurnId = this.#turnId;
    this.#turnId = '';
    this.#drops = 0;
    this.#fadingSpent = false;
  }

  /** The agent holds its breath: is the caller taking the floor? */
  openContest(): void {
    const { config, dialogue, agentRemainingMs, input, clock, observer } = this.#options;
    this.#contest = new FloorContest({
      ears: this.#ears,
      rule: {
        words: config.turn.interruption_words,
        speechMs: config.turn.interruption_ms,
        interrupting: config.turn.interrupting_phrases,
        ignored: config.turn.ignored_phrases,
        pickingUp: this.#options.pickingUp(),
      },
      expectDigits: dialogue.expects.digits,
      agentRemainingMs,
      onConfirmed: () => input('barge-in-confirmed'),
      onRefused: () => input('barge-in-refused'),
      onText: (text, ageMs) =>
        observer.onWords(this.#currentTurnId(), text, clock.monotonicMs() - ageMs),
    });
  }

  closeContest(): void {
    this.#contest?.close();
    this.#contest = null;
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
    this.dropSpeculation();
    this.closeContest();
    this.#ears.close();
  }

  async #recordAside(turn: Omit<Parameters<TurnLog['record']>[0], 'text'>): Promise<void> {
    const { dialogue, log, onRecognised, onAsideLost, observer } = this.#options;
    const { signal } = this.#closing;
    const { utteranceMs } = this.#ears;
    try {
      // Asked for before the next utterance begins: the recogniser keeps what it has until then.
      const asked = this.#ears.transcribe({ expectDigits: dialogue.expects.digits, signal });
      const { text, confidence } = await asked;
      if (signal.aborted) return;
      onRecognised(utteranceMs);
      if (text.trim() !== '') log.record({ ...turn, text: text.trim(), confidence });
      observer.onSaid(text.trim(), turn.endedAtMs);
    } catch (error) {
      if (!signal.aborted) onAsideLost(error);
    }
  }

  #currentTurnId(): string {
    if (this.#turnId === '') this.#turnId = this.#options.log.newTurnId();
    return this.#turnId;
  }

  #onSignal(signal: SpeechSignal): void {
    this.#follow(signal);
    this.#options.observer.onSignal(signal);
  }

  #follow(signal: SpeechSignal): void {
    if (signal.type === 'quiet') return;
    const nowMs = this.#options.clock.monotonicMs();
    if (signal.type === 'suspected' || signal.type === 'started') {
      this.#startedAtMs = nowMs - signal.speechMs;
    }
    if (signal.type === 'started' || signal.type === 'speaking') this.#endedAtMs = nowMs;
    this.#silenceMs = signal.type === 'pausing' ? signal.silenceMs : 0;
    switch (this.#options.state()) {
      case 'listening':
        if (signal.type === 'started') this.#options.input('speech-started');
        return;
      case 'caller-speaking':
        this.#guessedFading = signal.type === 'speaking';
        if (this.#mayBeOver(signal)) this.#options.input('pause');
        return;
      case 'caller-pausing':
        if (signal.type === 'speaking') {
          // Whose guess came before any silence has not been too hasty about silence.
          if (this.#guessedFading && !this.#fadingSpent) this.#fadingSpent = true;
          else this.#drops++;
          this.#options.input('speech-resumed');
        } else this.#judgeEnd();
        return;
      case 'thinking':
      case 'agent-speaking':
        this.#onSignalOverAgent(signal);
        return;
      case 'ducked':
        this.#onSignalInContest(signal);
        return;
      case 'standing-by':
        this.#onSignalStandingBy(signal);
        return;
      case 'opening':
      case 'closing':
      case 'ended':
        return;
    }
  }

  /** Worth a guess. Until one of an utterance was wrong, it need not wait for silence. */
  #mayBeOver(signal: SpeechSignal): boolean {
    if (signal.type === 'speaking') return signal.fading && !this.#fadingSpent;
    return this.#silenceMs >= speculateAfterMs(this.#drops);
  }

  #onSignalOverAgent(signal: SpeechSignal): void {
    if (!this.#options.config.turn.interruptible) {
      // An aside is forgotten; who still speaks when the agent has finished is heard from there.
      if (signal.type === 'pausing' && signal.silenceMs >= 500) this.endUtterance();
      return;
    }
    if (signal.type === 'suspected') this.#options.input('speech-suspected');
    else if (signal.type === 'started') this.#options.input('speech-started');
  }

  /** A machine speaks: what it says is put on record sentence by sentence. */
  #onSignalStandingBy(signal: SpeechSignal): void {
    const isOver = signal.type === 'pausing' && signal.silenceMs >= MACHINE_PAUSES_MS;
    if (isOver || this.#ears.utteranceMs >= LONGEST_ASIDE_MS) this.setUtteranceAside();
  }

  #onSignalInContest(signal: SpeechSignal): void {
    if (signal.type === 'dismissed') this.#options.input('speech-dismissed');
    else if (signal.type === 'pausing') this.#contest?.update(signal.speechMs, signal.silenceMs);
    else if (signal.type === 'started' || signal.type === 'speaking') {
      this.#contest?.update(signal.speechMs, 0);
    }
  }

  #judgeEnd(): void {
    const guess = this.#speculation;
    // A guess made while speech faded waits for silence, as any does.
    if (!guess || this.#silenceMs === 0) return;
    const { config, dialogue, input } = this.#options;
    const { endpointing_min_ms: minMs, endpointing_max_ms: maxMs } = config.turn;
    const digitsMs = config.turn.endpointing_digits_ms;
    if (guess.error !== null) {
      if (this.#silenceMs >= minMs) input('recogniser-failed');
      return;
    }
    if (guess.transcript === null) return;
    const { text } = guess.transcript;
    const rule = endOfTurn({
      text,
      minMs,
      maxMs,
      expectsDigits: dialogue.expects.digits,
      digitsWanted: dialogue.expects.dtmfMaxDigits,
      digitsMs,
    });
    const isDoubtful = this.#options.observer.isUndecided() && NO_FIRST_WORD.test(text.trim());
    const neededMs = isDoubtful ? Math.max(rule.silenceMs, DOUBTFUL_MS) : rule.silenceMs;
    if (this.#silenceMs < neededMs) return;
    this.#endRule = rule;
    input(text === '' ? 'nothing-said' : 'turn-ended');
  }
}
