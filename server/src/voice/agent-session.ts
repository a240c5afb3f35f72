import type { AgentConfig } from '../agents/agent-config.ts';
import type { Dialogue, DialogueReply } from '../agents/dialogue.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { SttProvider } from '../providers/stt.ts';
import type { TtsProvider } from '../providers/tts.ts';
import type { VadProvider } from '../providers/vad.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { CallerTurn } from './caller-turn.ts';
import { DigitCollector } from './digit-collector.ts';
import { fixedReply, isFixed } from './fixed-reply.ts';
import { SpokenReply } from './mouth.ts';
import { Playout } from './playout.ts';
import type { SpeakingVoice } from './sentence-audio.ts';
import { SilenceWatch } from './silence-watch.ts';
import { Speaker } from './speaker.ts';
import { nextTurn, type TurnEffect, type TurnInput, type TurnState } from './turn-fsm.ts';
import { TurnLog } from './turn-log.ts';
import type { TurnRecord, VoiceCallEvent } from './worker-protocol.ts';

export interface AgentSessionOptions {
  config: AgentConfig;
  dialogue: Dialogue;
  providers: { vad: VadProvider; stt: SttProvider; tts: TtsProvider };
  clock: Clock;
  emit: (event: VoiceCallEvent) => void;
  /** Keys that the agent presses. */
  sendDtmf: (digits: string) => void;
}

/** The agent speaks this long after the answer although nothing was heard of the far end. */
const OPENING_AFTER_MS = 1_000;
/** A goodbye that was not heard by then is given up. */
const GOODBYE_TIMEOUT_MS = 20_000;
const MAX_FAILURES_IN_A_ROW = 2;
const NOT_HEARD = 'Sorry, I had trouble hearing that. Could you say it again?';
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
  readonly #voice: SpeakingVoice;
  #state: TurnState = 'opening';
  #opening: SpokenReply | null = null;
  #openingTimer: TimerHandle | undefined;
  #durationTimer: TimerHandle | undefined;
  #silencePrompt: DialogueReply | null = null;
  #goodbye = '';
  #enteredKeys = '';
  #reactionMs = 0;
  #failures = 0;
  #replyFailed = false;
  #answered = false;
  #packetSeen = false;
  #held = false;
  #endReason = 'agent-goodbye';
  #finishing: PromiseWithResolvers<void> | null = null;
  #firstAudioAtMs: number | null = null;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    const { clock, config, dialogue, emit, providers } = options;
    this.#log = new TurnLog({ clock, emit });
    this.#voice = {
      tts: providers.tts,
      voice: config.tts.voice,
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
      input: (input) => this.#input(input),
      prepare: (reply) => new SpokenReply(reply, this.#voice),
      agentRemainingMs: () => (this.#playout.finished ? this.#playout.queuedMs : null),
      onRecognised: (utteranceMs) => {
        this.usage.sttMs += utteranceMs;
      },
    });
    this.#speaker = new Speaker({
      playout: this.#playout,
      log: this.#log,
      clock,
      onFirstAudio: (atMs) => this.#onFirstAudio(atMs),
      onDrained: () => this.#input('drained'),
      onEndCall: (reason) => {
        this.#endReason = reason;
        this.#input('last-words');
      },
      onDtmf: (digits) => options.sendDtmf(digits),
      onNote: (name, data) => emit({ type: 'note', name, data }),
      onDialogueFailed: (error) => {
        this.#replyFailed = true;
        return this.#failedAgain('llm', error) ? null : NO_ANSWER;
      },
      onVoiceFailed: (error) => {
        this.#report('tts', error);
        this.#end('provider-error', null);
      },
      onHeard: ({ reply }, text, interrupted) => {
        if (isFixed(reply)) return;
        if (!this.#replyFailed) this.#failures = 0;
        this.#replyFailed = false;
        dialogue.heard(reply, text, interrupted);
      },
    });
    this.#silence = new SilenceWatch({
      clock,
      promptAfterMs: config.silence.prompt_after_ms,
      hangupAfterMs: config.silence.hangup_after_ms,
      onPrompt: (count) => this.#onSilence(count),
      onHangup: () => this.#end('silence', null),
    });
    this.#keys = new DigitCollector({
      clock,
      maxDigits: () => dialogue.expects.dtmfMaxDigits,
      onEntered: (digits) => {
        this.#enteredKeys = digits;
        this.#input('keys-entered');
      },
    });
  }

  get turns(): readonly TurnRecord[] {
    return this.#log.turns;
  }

  /** Of the first frame of the agent's first words, milliseconds since the answer; null: none yet. */
  get firstAgentAudioAtMs(): number | null {
    return this.#firstAudioAtMs === null ? null : this.#log.sinceAnswer(this.#firstAudioAtMs);
  }

  /** Makes the first words; rejects when the agent cannot speak them. */
  async prepare(): Promise<void> {
    const opening = this.#options.dialogue.opening();
    if (opening === null) return;
    this.#opening = new SpokenReply(opening, this.#voice);
    await this.#opening.ready();
  }

  /** The far end has answered at wall-clock time `atMs`. Idempotent. */
  answered(atMs: number): void {
    if (this.#answered || this.#state === 'ended') return;
    this.#answered = true;
    this.#log.answered(atMs);
    const { clock, config } = this.#options;
    this.#durationTimer = clock.setTimer(config.max_duration_s * 1_000, () =>
      this.#end('max-duration', config.goodbye),
    );
    if (this.#packetSeen) this.#open();
    else this.#openingTimer = clock.setTimer(OPENING_AFTER_MS, () => this.#open());
  }

  /** The far end has sent its first packet. */
  firstPacket(): void {
    this.#packetSeen = true;
    if (this.#answered) this.#open();
  }

  /** Samples of the far end as they arrive. */
  hear(samples: Int16Array): void {
    if (this.#state !== 'opening') this.#caller.hear(samples);
  }

  /** Once every 20 ms: the frame that the agent says; null: nothing. */
  tick(): Int16Array | null {
    if (this.#state !== 'opening') this.#caller.tick();
    return this.#playout.next();
  }

  /** A key of the far end. */
  dtmf(digit: string): void {
    this.#options.emit({ type: 'dtmf', digit, from: 'caller' });
    if (this.#held || ['opening', 'closing', 'ended'].includes(this.#state)) return;
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
      if (this.#state === 'listening') this.#silence.resume();
    }
  }

  /** Says `text` and resolves when it was played out, or cannot be. */
  async finish(text: string | null): Promise<void> {
    if (this.#state === 'ended') return;
    this.#finishing ??= Promise.withResolvers();
    const { promise } = this.#finishing;
    const cannotBeHeard = this.#state === 'opening' || this.#held;
    this.#end('finished', cannotBeHeard ? null : text);
    const timer = this.#options.clock.setTimer(GOODBYE_TIMEOUT_MS, () => this.#input('end-now'));
    await promise;
    timer.cancel();
  }

  /** Stops everything at once. Idempotent. */
  close(): void {
    this.#input('hangup');
    this.#opening?.abort();
    this.#stopTimers();
    this.#caller.close();
    this.#finishing?.resolve();
  }

  #open(): void {
    this.#openingTimer?.cancel();
    this.#input(this.#opening === null ? 'start-silent' : 'start');
  }

  /** Ends the call after `goodbye` (null: at once), unless it is ending already. */
  #end(reason: string, goodbye: string | null): void {
    if (this.#state === 'ended') return;
    // What is being said as last words is heard to its end, unless nobody wants any.
    if (this.#state !== 'closing') this.#endReason = reason;
    if (goodbye === null || goodbye.trim() === '' || this.#held) this.#input('end-now');
    else {
      this.#goodbye = goodbye;
      this.#input('goodbye');
    }
  }

  #input(input: TurnInput): void {
    const { state, effects } = nextTurn(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: TurnEffect): void {
    switch (effect) {
      case 'play-opening':
        this.#opening?.reply.commit();
        if (this.#opening !== null) this.#speaker.start(this.#opening, null);
        return;
      case 'await-caller':
        if (!this.#held) this.#silence.resume();
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
        return this.#replyToKeys();
      case 'prompt-silence':
        return this.#promptSilence();
      case 'apologise':
        return this.#apologise();
      case 'say-goodbye':
        return this.#say(fixedReply(this.#goodbye));
      case 'request-end':
        return this.#requestEnd();
    }
  }

  #commit(): void {
    const turn = this.#caller.commit();
    if (turn === null) return;
    this.#speaker.start(turn.spoken, turn.answers);
  }

  #replyToKeys(): void {
    const { dialogue, clock } = this.#options;
    const digits = this.#enteredKeys;
    const nowMs = clock.monotonicMs();
    this.#log.record({
      id: this.#log.newTurnId(),
      speaker: 'caller',
      text: `[keys ${digits}]`,
      startedAtMs: nowMs,
      endedAtMs: nowMs,
    });
    this.#say(dialogue.reply({ type: 'dtmf', digits }));
  }

  #promptSilence(): void {
    const prompt = this.#silencePrompt;
    this.#silencePrompt = null;
    if (prompt !== null) this.#say(prompt);
  }

  #apologise(): void {
    const error = this.#caller.recognitionError;
    if (!this.#failedAgain('stt', error)) this.#say(fixedReply(NOT_HEARD));
  }

  #say(reply: DialogueReply): void {
    const spoken = new SpokenReply(reply, this.#voice);
    reply.commit();
    this.#speaker.start(spoken, null);
  }

  #onSilence(count: number): void {
    this.#silencePrompt = this.#options.dialogue.silence(count);
    if (this.#silencePrompt === null) this.#silence.resume();
    else this.#input('silence-prompt');
  }

  #interrupt(): void {
    const turnId = this.#speaker.interrupt();
    const reactionMs = Math.round(this.#reactionMs);
    if (turnId !== null && this.#state === 'caller-speaking') {
      this.#options.emit({ type: 'interrupted', turnId, reactionMs });
    }
  }

  #onFirstAudio(atMs: number): void {
    if (this.#firstAudioAtMs === null) {
      this.#firstAudioAtMs = atMs;
      this.#options.emit({ type: 'first-agent-audio', atMs: this.#log.sinceAnswer(atMs) });
    }
    this.#input('reply-audio');
  }

  /** Reports a failure. True when it was one too many and the call is ending. */
  #failedAgain(part: 'stt' | 'llm', error: unknown): boolean {
    this.#report(part, error);
    if (++this.#failures < MAX_FAILURES_IN_A_ROW) return false;
    this.#end('provider-error', this.#options.config.goodbye);
    return true;
  }

  #report(part: string, error: unknown): void {
    this.#options.emit({
      type: 'provider-error',
      provider: error instanceof ProviderError ? error.provider : part,
      message: error instanceof Error ? error.message : String(error),
    });
  }

  #requestEnd(): void {
    this.#stopTimers();
    if (this.#finishing !== null) this.#finishing.resolve();
    else this.#options.emit({ type: 'end-requested', reason: this.#endReason });
  }

  #stopTimers(): void {
    this.#openingTimer?.cancel();
    this.#durationTimer?.cancel();
    this.#silence.pause();
    this.#keys.clear();
  }
}
