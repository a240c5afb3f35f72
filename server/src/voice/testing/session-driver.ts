import { agentConfigSchema, type AgentConfigInput } from '../../agents/agent-config.ts';
import { createFakeVad } from '../../providers/fake/fake-vad.ts';
import type { LlmProvider } from '../../providers/llm.ts';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { AgentSession } from '../agent-session.ts';
import { answeringPlan } from '../answered/answering-plan.ts';
import type { VoiceCallEvent } from '../worker-protocol.ts';
import { ScriptedTestDialogue, type ScriptedAnswers } from './scripted-dialogue.ts';
import { scriptedStt, scriptedTts } from './scripted-speech.ts';

const FRAME_MS = 20;
/** Tones of a line are no speech to a real one. */
const LOUD_ONLY = { speechRms: 4_000 };
const FRAME_SAMPLES = 160;

/** A session with a line on a clock that the test moves, 20 ms at a time. */
export class SessionDriver {
  readonly clock = new FakeClock();
  readonly stt = scriptedStt(this.clock);
  readonly tts = scriptedTts(this.clock);
  readonly events: { atMs: number; event: VoiceCallEvent }[] = [];
  readonly sentDigits: string[] = [];
  /** What left in each tick: the number of the sentence, 0 for silence. */
  readonly line: number[] = [];
  readonly dialogue: ScriptedTestDialogue;
  readonly session: AgentSession;

  constructor(
    answers: ScriptedAnswers = {},
    config: Partial<AgentConfigInput> = {},
    llm: LlmProvider | null = null,
  ) {
    const agent = agentConfigSchema.parse({ name: 'test', ...config });
    this.dialogue = new ScriptedTestDialogue(answers);
    this.session = new AgentSession({
      config: agent,
      // Whoever says what becomes of machines calls somebody.
      answering: config.answering ? answeringPlan(agent, {}, llm) : null,
      dialogue: this.dialogue,
      providers: {
        vad: createFakeVad(config.answering ? LOUD_ONLY : {}),
        stt: this.stt,
        tts: this.tts,
      },
      clock: this.clock,
      emit: (event) => this.events.push({ atMs: this.clock.monotonicMs(), event }),
      sendDtmf: (digits) => this.sentDigits.push(digits),
    });
  }

  /** Ready, answered and the first packet seen: the opening begins with the next tick. */
  static async answered(
    answers: ScriptedAnswers = {},
    config: Partial<AgentConfigInput> = {},
    llm: LlmProvider | null = null,
  ): Promise<SessionDriver> {
    const driver = new SessionDriver(answers, config, llm);
    await driver.prepare();
    driver.session.answered(driver.clock.now());
    driver.session.firstPacket();
    return driver;
  }

  /** Answered, and the opening was played to its end. */
  static async listening(
    answers: ScriptedAnswers = {},
    config: Partial<AgentConfigInput> = {},
  ): Promise<SessionDriver> {
    const driver = await SessionDriver.answered(answers, config);
    await driver.silence(60);
    await driver.silenceUntil(() => driver.line.at(-1) === 0);
    return driver;
  }

  async prepare(): Promise<void> {
    const prepared = this.session.prepare();
    // Awaited below; a rejection until then is not lost.
    prepared.catch(() => undefined);
    await this.clock.advance(FRAME_MS);
    await this.clock.advance(FRAME_MS);
    await prepared;
  }

  speech(durationMs: number): Promise<void> {
    return this.#run(durationMs, 8_000);
  }

  /** The end of a word: speech, but hardly. */
  fadingSpeech(durationMs: number): Promise<void> {
    return this.#run(durationMs, 420);
  }

  silence(durationMs: number): Promise<void> {
    return this.#run(durationMs, 0);
  }

  /** These samples, 20 ms at a time. */
  async sound(samples: Int16Array): Promise<void> {
    for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
      const frame = new Int16Array(FRAME_SAMPLES);
      frame.set(samples.subarray(at, at + FRAME_SAMPLES));
      this.session.hear(frame);
      await this.#tick();
    }
  }

  /** Speech that is understood as `text`, and the pause behind it. */
  async says(text: string, speechMs: number, pauseMs: number): Promise<void> {
    this.stt.text = text;
    await this.speech(speechMs);
    await this.silence(pauseMs);
  }

  /** Time passes without a packet of the far end. */
  async nothing(durationMs: number): Promise<void> {
    for (let ms = 0; ms < durationMs; ms += FRAME_MS) await this.#tick();
  }

  /** Silence until `done`; fails after a minute. */
  async silenceUntil(done: () => boolean): Promise<void> {
    for (let ms = 0; !done(); ms += FRAME_MS) {
      if (ms > 60_000) throw new Error('did not happen within a minute');
      await this.silence(FRAME_MS);
    }
  }

  /** Events of one type, in order. */
  of<Type extends VoiceCallEvent['type']>(type: Type): Extract<VoiceCallEvent, { type: Type }>[] {
    return this.events
      .map(({ event }) => event)
      .filter((event): event is Extract<VoiceCallEvent, { type: Type }> => event.type === type);
  }

  /** When the first event of a type came, milliseconds on the clock. */
  atMs(type: VoiceCallEvent['type']): number {
    const found = this.events.find(({ event }) => event.type === type);
    if (!found) throw new Error(`no event ${type}`);
    return found.atMs;
  }

  /** Ticks in which the nth synthesised sentence was on the line. */
  ticksOf(sentence: number): number {
    return this.line.filter((value) => value === sentence).length;
  }

  async #run(durationMs: number, level: number): Promise<void> {
    const samples = new Int16Array(FRAME_SAMPLES).fill(level);
    for (let ms = 0; ms < durationMs; ms += FRAME_MS) {
      this.session.hear(samples);
      await this.#tick();
    }
  }

  async #tick(): Promise<void> {
    await this.clock.advance(FRAME_MS);
    const frame = this.session.tick();
    this.line.push(frame?.[0] ?? 0);
  }
}
