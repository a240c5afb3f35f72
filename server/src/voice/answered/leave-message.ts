import type { CallTone } from '../../audio/call-tones.ts';
import type { Clock, TimerHandle } from '../../shared/clock.ts';
import { matchPhrases, soundsLikeSomebodyCame } from './answer-phrases.ts';
import type { LineActions, MachineTactic } from './machine-tactic.ts';

export interface LeaveMessageOptions {
  message: string;
  /** Silence without a beep after which the message is left all the same. */
  afterSilenceMs: number;
  clock: Clock;
  actions: LineActions;
  /** Monotonic time at which a beep was heard already; null: none was. */
  beepEndedMs: number | null;
  /** Milliseconds since the answer. */
  sinceAnswer: (monotonicMs: number) => number;
}

/** Mailboxes begin to record a moment after their beep. */
const AFTER_BEEP_MS = 200;
const SHORTEST_BEEP_MS = 120;
/** A greeting that is longer has no beep to wait for. */
const LONGEST_GREETING_MS = 60_000;

/** Waits for the beep of a mailbox and leaves a message behind it. */
export class LeaveMessage implements MachineTactic {
  readonly #options: LeaveMessageOptions;
  readonly #startedMs: number;
  #timer: TimerHandle | undefined;
  #leaving: 'no' | 'beep' | 'silence' = 'no';
  #beepEndedMs: number | null = null;
  #begunMs: number | null = null;

  constructor(options: LeaveMessageOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    options.actions.prepare(options.message);
    if (options.beepEndedMs !== null) this.#afterBeep(options.beepEndedMs);
  }

  frame({ nowMs, silenceMs }: { nowMs: number; silenceMs: number }): void {
    if (this.#leaving !== 'no') return;
    if (silenceMs >= this.#options.afterSilenceMs) this.#leave('silence');
    else if (nowMs - this.#startedMs >= LONGEST_GREETING_MS) this.#giveUp();
  }

  tone(tone: CallTone, nowMs: number): void {
    if (tone.type !== 'beep' || tone.durationMs < SHORTEST_BEEP_MS) return;
    // A second beep while the first one's pause runs: some boxes beep twice.
    if (this.#leaving === 'no' || (this.#leaving === 'beep' && this.#begunMs === null)) {
      this.#timer?.cancel();
      this.#afterBeep(nowMs);
    }
  }

  said(text: string, endedMs: number): void {
    if (this.#leaving !== 'no') return;
    const { actions, sinceAnswer } = this.#options;
    if (matchPhrases(text)?.rules.includes('mailbox-full')) this.#giveUp();
    else if (soundsLikeSomebodyCame(text)) {
      actions.report({ personMs: sinceAnswer(endedMs) });
      actions.greet();
    }
  }

  agentHeard(nowMs: number): void {
    if (this.#leaving === 'no' || this.#begunMs !== null) return;
    this.#begunMs = nowMs;
    this.#tell(null);
  }

  agentDone(nowMs: number): void {
    if (this.#begunMs !== null) this.#tell(nowMs);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #afterBeep(endedMs: number): void {
    this.#beepEndedMs = endedMs;
    this.#leaving = 'beep';
    this.#timer = this.#options.clock.setTimer(AFTER_BEEP_MS, () => this.#leave('beep'));
  }

  #leave(after: 'beep' | 'silence'): void {
    this.#leaving = after;
    this.#options.actions.endWith('voicemail', this.#options.message);
  }

  #giveUp(): void {
    this.#leaving = 'silence';
    this.#options.actions.endWith('voicemail', null);
  }

  #tell(endedMs: number | null): void {
    const { actions, sinceAnswer } = this.#options;
    const timeOf = (ms: number | null): number | null => (ms === null ? null : sinceAnswer(ms));
    actions.report({
      message: {
        startedMs: sinceAnswer(this.#begunMs ?? 0),
        endedMs: timeOf(endedMs),
        after: this.#leaving === 'beep' ? 'beep' : 'silence',
        beepEndedMs: timeOf(this.#beepEndedMs),
        complete: endedMs !== null,
      },
    });
  }
}
