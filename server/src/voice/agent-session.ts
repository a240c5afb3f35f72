import type { AgentConfig } from '../agents/agent-config.ts';
import type { Dialogue } from '../agents/dialogue.ts';
import type { SttProvider } from '../providers/stt.ts';
import type { TtsProvider } from '../providers/tts.ts';
import type { VadProvider } from '../providers/vad.ts';
import { voiceOf } from '../providers/vendors.ts';
import type { Clock } from '../shared/clock.ts';
import { AgentWords } from './agent-words.ts';
import { Answering, type AnsweringPlan } from './answered/answering.ts';
import { CallEnding } from './call-ending.ts';
import { CallerTurn } from './caller-turn.ts';
import { DigitCollector } from './digit-collector.ts';
import { Filler } from './filler.ts';
import { isFixed } from './fixed-reply.ts';
import { SpokenReply } from './mouth.ts';
import { OpeningGate } from './opening-gate.ts';
import { Playout } from './playout.ts';
import { ProviderFailures } from './provider-failures.ts';
import type { SpeakingVoice } from './sentence-audio.ts';
import { SilenceWatch } from './silence-watch.ts';
import { Speaker } from './speaker.ts';
import { nextTurn, type TurnEffect, type TurnInput, type TurnState } from './turn-fsm.ts';
import type { ToolDigits } from './tool-digits.ts';
import { TurnLog } from './turn-log.ts';
import type { TurnRecord, VoiceCallEvent } from './worker-protocol.ts';

export interface AgentSessionOptions {
  config: AgentConfig;
  dialogue: Dialogue;
  providers: { vad: VadProvider; stt: SttProvider; tts: TtsProvider; openingTts?: TtsProvider };
  clock: Clock;
  emit: (event: VoiceCallEvent) => void;
  /** Keys that the agent presses. */
  sendDtmf: (digits: string) => void;
  /** Keys that a tool waits for. Default: none does. */
  toolDigits?: ToolDigits;
  /** What is done about who answers a call that we make. Default: nobody asks. */
  answering?: AnsweringPlan | null;
}

/** Whoever picks up says hello in this time. */
const PICKING_UP_MS = 2_500;
const WAIT_KEY_MS = 500;
const PROVIDER_ERROR_NOTE = 'provider-error';
const NOT_HEARD = 'Sorry, I had trouble hearing that. Could you say it again?';
/** A machine's keys are no answer of a caller's. */
const KEYS_MEAN_NOTHING: ReadonlySet<TurnState> = new Set([
  'opening',
  'standing-by',
  'closing',
  'ended',
]);
const NO_ANSWER = 'Sorry, I am having a technical problem. Could you say that again?';

/** One agent holding turns with one caller: wires the parts to the turn machine. */
export class AgentSession {
  /** What the providers were used for. */
  readonly usage = { sttMs: 0, ttsCharacters: 0 };
  readonly #options: AgentSessionOptions;
  readonly #playout = new Playout();
  readonly #log: TurnLog;
  readonly #caller: CallerTurn;
  readonly #speaker: Speaker;
  readonly #silence: SilenceWatch;
  readonly #keys: DigitCollector;
  readonly #words: AgentWords;
  readonly #gate: OpeningGate;
  readonly #ending: CallEnding;
  readonly #failures: ProviderFailures;
  readonly #answering: Answering | null;
  #state: TurnState = 'opening';
  #enteredKeys = '';
  #reactionMs = 0;
  #held = false;
  #lineIsHeard = false;
  #firstAudioMs: number | null = null;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    const { clock, config, dialogue, emit, providers } = options;
    this.#log = new TurnLog({ clock, emit });
    this.#failures = new ProviderFailures(emit);
    this.#gate = new OpeningGate(clock, () =>
      this.#input(this.#words.hasOpening ? 'start' : 'start-silent'),
    );
    this.#ending = new CallEnding({
      clock,
      state: () => this.#state,
      input: (input) => this.#input(input),
      isHeld: () => this.#held,
      onEndRequested: (reason) => emit({ type: 'end-requested', reason }),
    });
    const voice: SpeakingVoice = {
      tts: providers.tts,
      voice: voiceOf(config.tts) ?? '',
      speed: config.tts.speed,
      clock,
      onCharacters: (count) => {
        this.usage.ttsCharacters += count;
      },
    };
    this.#caller = new CallerTurn({
      config,
      dialogue,
      ...providers,
      clock,
      log: this.#log,
      state: () => this.#state,
      input: (input) => this.#input(this.#whatItMeans(input)),
      prepare: (reply) => new SpokenReply(reply, voice),
      pickingUp: () =>
        this.#firstAudioMs !== null && clock.monotonicMs() - this.#firstAudioMs < PICKING_UP_MS,
      agentRemainingMs: () => (this.#playout.finished ? this.#playout.queuedMs : null),
      onRecognised: (utteranceMs) => {
        this.usage.sttMs += utteranceMs;
      },
      onAsideLost: (error) => this.#failures.report('stt', error),
      observer: {
        onSignal: (signal) => this.#answering?.onSignal(signal),
        onWords: (turnId, text, askedMs) => this.#answering?.onWords(turnId, text, askedMs),
        onSaid: (text, endedMs) => this.#answering?.onSaid(text, endedMs),
        onTurn: () => this.#answering?.onTurn(),
        isUndecided: () => this.#answering?.isUndecided ?? false,
      },
    });
    this.#speaker = new Speaker({
      playout: this.#playout,
      log: this.#log,
      clock,
      filler: new Filler({
        afterMs: config.turn.filler_after_ms,
        texts: config.turn.fillers,
        voice,
        clock,
      }),
      onFirstAudio: (atMs) => {
        this.#firstAudioMs ??= clock.monotonicMs();
        this.#log.agentHeard(atMs);
        this.#answering?.agentHeard();
        this.#input('reply-audio');
      },
      onDrained: () => {
        this.#answering?.agentDone();
        this.#input('drained');
      },
      onEndCall: (reason) => this.#ending.lastWords(reason),
      onDtmf: (digits) => this.#pressKeys(digits),
      onNote: (name, data) => this.#note(name, data),
      onDialogueFailed: (error) => (this.#failedOnce('llm', error) ? NO_ANSWER : null),
      onVoiceFailed: (error) => {
        this.#failures.report('tts', error);
        this.#ending.end('provider-error', null);
      },
      onHeard: ({ reply }, text, interrupted) => {
        if (isFixed(reply)) return;
        this.#failures.replyHeard();
        dialogue.heard(reply, text, interrupted);
      },
    });
    this.#words = new AgentWords({
      dialogue,
      voice,
      openingVoice: { ...voice, tts: providers.openingTts ?? providers.tts },
      speaker: this.#speaker,
      log: this.#log,
      clock,
    });
    this.#silence = new SilenceWatch({
      clock,
      promptAfterMs: config.silence.prompt_after_ms,
      hangupAfterMs: config.silence.hangup_after_ms,
      onPrompt: (count) => this.#onSilence(count),
      onHangup: () => this.#ending.end('silence', null),
    });
    this.#keys = new DigitCollector({
      clock,
      maxDigits: () => dialogue.expects.dtmfMaxDigits,
      onEntered: (digits) => {
        this.#enteredKeys = digits;
        this.#input('keys-entered');
      },
    });
    this.#answering = options.answering ? this.#createAnswering(options.answering) : null;
  }

  get turns(): readonly TurnRecord[] {
    return this.#log.turns;
  }

  /** Of the first frame of the agent's first words, milliseconds since the answer; null: none yet. */
  get firstAgentAudioAtMs(): number | null {
    return this.#log.firstAgentAudioAtMs;
  }

  /** Makes the first words; rejects when the agent cannot speak them. */
  prepare(): Promise<void> {
    return this.#words.prepareOpening();
  }

  /** The far end has answered at wall-clock time `atMs`. Idempotent. */
  answered(atMs: number): void {
    if (this.#gate.isAnswered || this.#state === 'ended') return;
    this.#log.answered(atMs);
    const { max_duration_s: maxSeconds, goodbye } = this.#options.config;
    this.#ending.limitDuration(maxSeconds * 1_000, goodbye);
    this.#gate.answered();
  }

  /** The far end has sent its first packet. */
  firstPacket(): void {
    this.#lineIsHeard = true;
    this.#gate.firstPacket();
    if (this.#state === 'listening') this.#countSilence();
  }

  /** Samples of the far end as they arrive. */
  hear(samples: Int16Array): void {
    if (this.#state === 'opening') return;
    this.#answering?.hear(samples);
    this.#caller.hear(samples);
  }

  /** Once every 20 ms: the frame that the agent says; null: nothing. */
  tick(): Int16Array | null {
    if (this.#state !== 'opening') this.#caller.tick();
    return this.#playout.next();
  }

  /** A key of the far end. */
  dtmf(digit: string): void {
    const collected = this.#options.toolDigits?.push(digit) ?? null;
    this.#options.emit({ type: 'dtmf', digit: collected ?? digit, from: 'caller' });
    if (collected !== null) return;
    if (this.#held || KEYS_MEAN_NOTHING.has(this.#state)) return;
    this.#input('keys-pressed');
    this.#keys.push(digit);
  }

  /** The far end has put us on hold, or taken us back. */
  setHeld(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (held) {
      this.#playout.hold('far-end');
      this.#input('hold');
      this.#caller.setGated(true);
      this.#keys.clear();
      this.#silence.pause();
    } else {
      this.#playout.resume('far-end');
      this.#caller.setGated(false);
      if (this.#state === 'listening') this.#countSilence();
    }
  }

  /** Says `text` and resolves when it was played out, or cannot be. */
  finish(text: string | null): Promise<void> {
    return this.#ending.finish(text);
  }

  /** Stops everything at once. `transferred`: the caller talks with somebody else. Idempotent. */
  close(transferred = false): void {
    this.#answering?.close();
    this.#input('hangup');
    this.#words.close();
    this.#stopTimers();
    this.#ending.close();
    this.#caller.close();
    this.#options.dialogue.close?.(transferred);
  }

  /** A monotonic time as milliseconds since the answer. */
  sinceAnswer(monotonicMs: number): number {
    return this.#log.sinceAnswer(monotonicMs);
  }

  #input(input: TurnInput): void {
    const { state, effects } = nextTurn(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#do(effect);
  }

  /** A cough that took the floor gives it back: the agent goes on where it stopped. */
  #whatItMeans(input: TurnInput): TurnInput {
    return input === 'nothing-said' && this.#speaker.wasCut ? 'false-interruption' : input;
  }

  #do(effect: TurnEffect): void {
    switch (effect) {
      case 'play-opening':
        return this.#words.sayOpening();
      case 'await-caller':
        this.#countSilence();
        this.#caller.takeFloorIfSpeaking();
        return;
      case 'caller-active':
        return this.#silence.reset();
      case 'speculate':
        return this.#caller.speculate();
      case 'drop-speculation':
        return this.#caller.dropSpeculation();
      case 'commit':
        return this.#commit();
      case 'drop-utterance':
        return this.#caller.endUtterance();
      case 'set-utterance-aside':
        return this.#caller.setUtteranceAside();
      case 'duck':
        this.#playout.hold('duck');
        this.#reactionMs = this.#options.clock.monotonicMs() - this.#caller.startedAtMs;
        return this.#caller.openContest();
      case 'unduck':
        this.#caller.closeContest();
        return this.#playout.resume('duck');
      case 'interrupt':
        return this.#interrupt();
      case 'end-agent-turn':
        return this.#speaker.settle();
      case 'reply-to-keys':
        return this.#words.replyToKeys(this.#enteredKeys);
      case 'prompt-silence':
        return this.#words.saySilencePrompt();
      case 'apologise':
        return this.#apologise();
      case 'go-on':
        return this.#words.goOn();
      case 'say-goodbye':
        return this.#words.say(this.#ending.goodbye);
      case 'request-end':
        this.#stopTimers();
        return this.#ending.request();
    }
  }

  #createAnswering(plan: AnsweringPlan): Answering {
    const { clock, emit, providers } = this.#options;
    return new Answering({
      plan,
      frameMs: providers.vad.frameMs,
      clock,
      sinceAnswer: (ms) => this.#log.sinceAnswer(ms),
      transcribe: (signal) => this.#caller.transcribeNow(signal),
      isTranscribing: () => this.#caller.isTranscribing,
      onReport: (report) => emit({ type: 'answered-by', report }),
      actions: {
        standBy: () => this.#input('stand-by'),
        prepare: (text) => this.#words.prepare(text),
        say: (text) => this.#words.say(text),
        endWith: (reason, lastWords) => this.#ending.end(reason, lastWords),
        press: (keys) => this.#pressKeys(keys),
        greet: () => this.#greet(),
      },
    });
  }

  /** Keys one after the other, `w` for half a second. */
  #pressKeys(keys: string): void {
    const [now = '', ...later] = keys.split(/(?=w)/u);
    const waits = now.startsWith('w');
    const digits = waits ? now.slice(1) : now;
    const rest = later.join('');
    const go = (): void => {
      if (this.#state === 'ended') return;
      if (digits !== '') this.#options.sendDtmf(digits);
      if (rest !== '') this.#pressKeys(rest);
    };
    if (waits) this.#options.clock.setTimer(WAIT_KEY_MS, go);
    else go();
  }

  /** A person came behind a machine: the first words are said anew. */
  #greet(): void {
    this.#words.prepareOpening().then(
      () => this.#input(this.#words.hasOpening ? 'start' : 'start-silent'),
      (error: unknown) => {
        this.#failures.report('tts', error);
        this.#ending.end('provider-error', null);
      },
    );
  }

  #commit(): void {
    const turn = this.#caller.commit();
    if (turn === null) return;
    this.#speaker.start(turn.spoken, turn.answers);
  }

  #apologise(): void {
    if (this.#failedOnce('stt', this.#caller.recognitionError)) this.#words.say(NOT_HEARD);
  }

  /** A line that no packet ever came over is not silent but dead; the media watch ends it. */
  #countSilence(): void {
    if (!this.#held && this.#lineIsHeard) this.#silence.resume();
  }

  #onSilence(count: number): void {
    if (this.#words.prepareSilencePrompt(count)) this.#input('silence-prompt');
    else this.#countSilence();
  }

  #interrupt(): void {
    // Only the platform's own goodbye replaces words without anybody having cut them off.
    const turnId = this.#speaker.interrupt({ cutOff: this.#state !== 'closing' });
    const reactionMs = Math.round(this.#reactionMs);
    if (turnId !== null && this.#state === 'caller-speaking') {
      this.#options.emit({ type: 'interrupted', turnId, reactionMs });
    }
  }

  /** A dialogue that dealt with its provider's failure says so in a note; to the host it is a failure like others. */
  #note(name: string, data: Record<string, unknown>): void {
    const { provider, message } = data;
    if (name === PROVIDER_ERROR_NOTE && typeof provider === 'string') {
      this.#failures.warn(provider, typeof message === 'string' ? message : 'failed');
    } else this.#options.emit({ type: 'note', name, data });
  }

  /** True when an apology will do; else the call is ending. */
  #failedOnce(part: 'stt' | 'llm', error: unknown): boolean {
    if (!this.#failures.isOneTooMany(part, error)) return true;
    this.#ending.end('provider-error', this.#options.config.goodbye);
    return false;
  }

  #stopTimers(): void {
    this.#gate.close();
    this.#silence.pause();
    this.#keys.clear();
  }
}
