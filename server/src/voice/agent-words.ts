import type { Dialogue, DialogueReply } from '../agents/dialogue.ts';
import type { Clock } from '../shared/clock.ts';
import { fixedReply } from './fixed-reply.ts';
import { SpokenReply } from './mouth.ts';
import type { SpeakingVoice } from './sentence-audio.ts';
import type { Speaker } from './speaker.ts';
import type { TurnLog } from './turn-log.ts';

export interface AgentWordsOptions {
  dialogue: Dialogue;
  voice: SpeakingVoice;
  /** Of the first words. */
  openingVoice: SpeakingVoice;
  speaker: Speaker;
  log: TurnLog;
  clock: Clock;
}

/** What the agent says of its own accord or to keys: everything but answers to speech. */
export class AgentWords {
  readonly #options: AgentWordsOptions;
  #opening: SpokenReply | null = null;
  #silencePrompt: DialogueReply | null = null;
  /** Words whose audio is there before they are said. */
  #prepared: { text: string; spoken: SpokenReply } | null = null;

  constructor(options: AgentWordsOptions) {
    this.#options = options;
  }

  /** The agent speaks first. */
  get hasOpening(): boolean {
    return this.#opening !== null;
  }

  /** Makes the first words; rejects when the agent cannot speak them. */
  async prepareOpening(): Promise<void> {
    const reply = this.#options.dialogue.opening();
    if (reply === null) return;
    const opening = new SpokenReply(reply, this.#options.openingVoice);
    this.#opening = opening;
    await opening.ready();
  }

  sayOpening(): void {
    const opening = this.#opening;
    if (opening === null) return;
    opening.reply.commit();
    this.#options.speaker.start(opening, null);
  }

  /** Makes words ready that `say` will be asked for. */
  prepare(text: string): void {
    this.#prepared?.spoken.abort();
    this.#prepared = { text, spoken: new SpokenReply(fixedReply(text), this.#options.voice) };
  }

  /** Words of the platform's own. */
  say(text: string): void {
    const prepared = this.#prepared;
    if (prepared?.text !== text) {
      this.#speak(fixedReply(text));
      return;
    }
    this.#prepared = null;
    prepared.spoken.reply.commit();
    this.#options.speaker.start(prepared.spoken, null);
  }

  /** Says the rest of the reply that was cut off for nothing. */
  goOn(): void {
    const { speaker, voice } = this.#options;
    const cut = speaker.takeCut();
    if (cut === null) return;
    const spoken = new SpokenReply(fixedReply(cut.rest), voice);
    speaker.start(spoken, null, cut);
  }

  replyToKeys(digits: string): void {
    const { dialogue, log, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    log.record({
      id: log.newTurnId(),
      speaker: 'caller',
      text: `[keys ${digits}]`,
      startedAtMs: nowMs,
      endedAtMs: nowMs,
    });
    this.#speak(dialogue.reply({ type: 'dtmf', digits }));
  }

  /** Asks what to say after `count` silences in a row. False: nothing. */
  prepareSilencePrompt(count: number): boolean {
    this.#silencePrompt = this.#options.dialogue.silence(count);
    return this.#silencePrompt !== null;
  }

  saySilencePrompt(): void {
    const prompt = this.#silencePrompt;
    this.#silencePrompt = null;
    if (prompt !== null) this.#speak(prompt);
  }

  /** Stops what was prepared. Idempotent. */
  close(): void {
    this.#opening?.abort();
    this.#prepared?.spoken.abort();
    this.#silencePrompt?.abort();
    this.#silencePrompt = null;
  }

  #speak(reply: DialogueReply): void {
    const spoken = new SpokenReply(reply, this.#options.voice);
    reply.commit();
    this.#options.speaker.start(spoken, null);
  }
}
