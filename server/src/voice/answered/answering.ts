import type { AnsweringConfig } from '../../agents/answering-schema.ts';
import { CallTones, type CallTone } from '../../audio/call-tones.ts';
import type { Clock } from '../../shared/clock.ts';
import type { SpeechSignal } from '../speech-detector.ts';
import { provesAMachine } from './answer-phrases.ts';
import { AnswerScreening } from './answer-screening.ts';
import type { AnsweringAction, AnsweringReport } from './answering-report.ts';
import { FarSpeech } from './far-speech.ts';
import { HeardWords, type TranscribeNow } from './heard-words.ts';
import { judgeAnswer, type AnswerEvidence, type AnswerVerdict } from './judge-answer.ts';
import { LeaveMessage } from './leave-message.ts';
import type { LineActions, MachineTactic } from './machine-tactic.ts';
import { NavigateMenu } from './navigate-menu.ts';

/** What an agent does about who answers, its variables filled in. */
export interface AnsweringPlan {
  config: AnsweringConfig;
  message: string | null;
  screeningAnswer: string | null;
  /** Asks the agent's model what to press in a menu; null: it has none. */
  chooseKeys: ((menu: string, signal: AbortSignal) => Promise<string | null>) | null;
}

export interface AnsweringActions extends Omit<LineActions, 'report'> {
  /** The agent stops where it is and listens only. */
  standBy(): void;
}

export interface AnsweringOptions {
  plan: AnsweringPlan;
  /** Of a judged frame. */
  frameMs: number;
  clock: Clock;
  sinceAnswer: (monotonicMs: number) => number;
  transcribe: TranscribeNow;
  /** A turn waits for its words. */
  isTranscribing: () => boolean;
  actions: AnsweringActions;
  onReport: (report: AnsweringReport) => void;
}

/** Nobody is told from a machine by what comes later than this. */
const WINDOW_MS = 30_000;
/** A person is believed for good when so much of the talk has passed. */
const SURE_AFTER_TURNS = 2;

/** Finds out who answered, beside the agent's first words, and deals with machines as the agent wants. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #tones = new CallTones();
  readonly #heardTones: CallTone[] = [];
  readonly #speech: FarSpeech;
  readonly #words: HeardWords;
  #startedMs: number | null = null;
  #isWatching = true;
  #verdict: AnswerVerdict | null = null;
  #tactic: MachineTactic | null = null;
  #beepEndedMs: number | null = null;
  #turns = 0;
  #report: AnsweringReport | null = null;
  #closed = false;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#speech = new FarSpeech(options.frameMs);
    this.#words = new HeardWords(options.clock, options.transcribe, options.isTranscribing);
  }

  /** Who answered is still to be found out. */
  get isUndecided(): boolean {
    return this.#isWatching && this.#verdict === null;
  }

  /** Samples of the far end as they arrive. */
  hear(samples: Int16Array): void {
    if (this.#closed || (!this.#isWatching && !this.#tactic)) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#startedMs ??= nowMs;
    for (const tone of this.#tones.process(samples)) {
      // Samples that were lost on the way would make the tones' own clock slow.
      const atMs = nowMs - (this.#tones.heardMs - tone.atMs);
      if (this.#heardTones.length < 20) {
        this.#heardTones.push({ ...tone, atMs: this.#options.sinceAnswer(atMs) });
      }
      if (tone.type === 'beep') this.#beepEndedMs = atMs + tone.durationMs;
      if (this.#tactic) this.#tactic.tone(tone, nowMs);
    }
  }

  /** The next judged frame. */
  onSignal(signal: SpeechSignal): void {
    if (this.#closed || (!this.#isWatching && !this.#tactic)) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#startedMs ??= nowMs;
    this.#speech.update(signal, nowMs);
    const silenceMs = this.#speech.silenceMs(nowMs);
    if (this.#tactic) this.#tactic.frame({ nowMs, silenceMs });
    else {
      if (this.#verdict === null) this.#words.askIfUnknown(this.#speech, () => this.#judge());
      this.#judge();
    }
  }

  /** What an utterance says, as far as it was heard at `askedMs`. */
  onWords(turnId: string, text: string, askedMs: number): void {
    if (this.#closed) return;
    this.#words.add(turnId, text, askedMs);
    if (this.#isWatching) this.#judge();
  }

  /** The far end paused behind these words, heard until `endedMs`, while the agent stood by. */
  onSaid(text: string, endedMs: number): void {
    if (!this.#closed) this.#tactic?.said(text, endedMs);
  }

  /** What the far end said was taken for the caller's turn. */
  onTurn(): void {
    this.#turns++;
    if (this.#turns < SURE_AFTER_TURNS || this.#verdict?.answeredBy !== 'human') return;
    this.#isWatching = false;
  }

  agentHeard(): void {
    this.#tactic?.agentHeard(this.#options.clock.monotonicMs());
  }

  agentDone(): void {
    this.#tactic?.agentDone(this.#options.clock.monotonicMs());
  }

  /** What is known when the call is over; null: nothing was found out. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#words.close();
    this.#tactic?.close();
    // A call that was never answered was not listened to.
    if (this.#report === null && this.#startedMs !== null) this.#tell(null, 'none');
  }

  #judge(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (!this.#isWatching || this.#tactic) return;
    if (nowMs - (this.#startedMs ?? nowMs) > WINDOW_MS) {
      this.#isWatching = false;
      return;
    }
    const evidence = this.#evidence(nowMs);
    const verdict = judgeAnswer(evidence);
    if (verdict === null || !this.#isNews(verdict)) return;
    this.#verdict = verdict;
    const action = this.#actionFor(verdict);
    this.#tell(verdict, action, evidence);
    if (action !== 'none' || verdict.answeredBy !== 'human') this.#isWatching = false;
    this.#act(action, verdict, nowMs);
  }

  /** A person, once believed, is given up for what no person says only. */
  #isNews({ answeredBy, reason, conclusive, rules }: AnswerVerdict): boolean {
    if (this.#verdict === null) return true;
    if (answeredBy === 'human' || reason === 'long-greeting') return false;
    return reason === 'words' ? provesAMachine({ conclusive, rules }) : true;
  }

  #evidence(nowMs: number): AnswerEvidence {
    const speech = this.#speech;
    const sinceAnswer = (ms: number): number => this.#options.sinceAnswer(ms);
    return {
      firstSpeechMs: speech.firstMs === null ? null : sinceAnswer(speech.firstMs),
      greetingMs: Math.round(speech.greetingMs),
      // Silence tells who waits, but only when what was said before it is known.
      silenceMs: this.#words.isBehind(speech) ? 0 : Math.round(speech.silenceMs(nowMs)),
      speechMs: Math.round(speech.speechMs),
      text: this.#words.text,
      tones: this.#heardTones,
    };
  }

  #actionFor({ answeredBy }: AnswerVerdict): AnsweringAction {
    const { config } = this.#options.plan;
    switch (answeredBy) {
      case 'voicemail':
        return config.voicemail;
      case 'ivr':
        return config.ivr;
      case 'call-screening':
        return config.screening;
      case 'unavailable':
        return config.unavailable;
      case 'fax':
        return config.fax;
      case 'human':
      case 'unknown':
        return 'none';
    }
  }

  #act(action: AnsweringAction, verdict: AnswerVerdict, nowMs: number): void {
    if (action === 'none' || action === 'continue') return;
    if (action === 'hang-up') {
      this.#options.actions.endWith(verdict.answeredBy, null);
      return;
    }
    const tactic = this.#tacticFor(action, verdict, nowMs);
    if (tactic === null) {
      this.#options.actions.endWith(verdict.answeredBy, null);
      return;
    }
    this.#tactic = tactic;
    this.#options.actions.standBy();
  }

  #tacticFor(
    action: 'leave-message' | 'navigate' | 'answer',
    verdict: AnswerVerdict,
    startedMs: number,
  ): MachineTactic | null {
    const { plan, clock, sinceAnswer } = this.#options;
    const common = {
      actions: this.#lineActions(),
      heard: this.#words.text ?? '',
      sinceAnswer,
      startedMs,
    };
    switch (action) {
      case 'leave-message': {
        if (plan.message === null || verdict.rules.includes('mailbox-full')) return null;
        const isBeepNow = verdict.reason === 'beep';
        return new LeaveMessage({
          ...common,
          message: plan.message,
          afterSilenceMs: plan.config.message_after_silence_ms,
          clock,
          beepEndedMs: isBeepNow ? this.#beepEndedMs : null,
        });
      }
      case 'navigate':
        return new NavigateMenu({
          ...common,
          clock,
          rules: plan.config.keys,
          chooseKeys: plan.chooseKeys,
        });
      case 'answer':
        return plan.screeningAnswer === null
          ? null
          : new AnswerScreening({ ...common, answer: plan.screeningAnswer });
    }
  }

  #lineActions(): LineActions {
    const { actions } = this.#options;
    return {
      ...actions,
      greet: () => {
        this.#tactic?.close();
        this.#tactic = null;
        this.#isWatching = false;
        actions.greet();
      },
      report: (change) => {
        if (this.#report === null) return;
        this.#report = { ...this.#report, ...change };
        this.#options.onReport(this.#report);
      },
    };
  }

  #tell(
    verdict: AnswerVerdict | null,
    action: AnsweringAction,
    evidence = this.#evidence(this.#options.clock.monotonicMs()),
  ): void {
    const { clock, sinceAnswer, onReport } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#report = {
      answeredBy: verdict?.answeredBy ?? 'unknown',
      reason: verdict?.reason ?? 'nothing-known',
      decidedMs: verdict === null ? null : sinceAnswer(nowMs),
      action,
      evidence: {
        firstSpeechMs: evidence.firstSpeechMs,
        greetingMs: evidence.greetingMs,
        pauseMs: Math.round(this.#speech.silenceMs(nowMs)),
        words: verdict?.words ?? null,
        rules: verdict?.rules ?? [],
        text: evidence.text?.slice(0, 1_000) ?? null,
        tones: [...evidence.tones],
      },
      takenFor: this.#report?.answeredBy ?? null,
      message: null,
      keys: [],
      screeningAnsweredMs: null,
      personMs: null,
    };
    onReport(this.#report);
  }
}
