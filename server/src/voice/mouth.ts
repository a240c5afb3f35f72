import type { DialogueReply, ReplyPart } from '../agents/dialogue.ts';
import { AsyncQueue } from '../shared/async-queue.ts';
import type { Playout } from './playout.ts';
import { SentenceAudio, type SpeakingVoice } from './sentence-audio.ts';

/** How speaking a reply went. `failed`: a sentence got no voice. */
export type SpeakResult =
  { type: 'spoken' } | { type: 'aborted' } | { type: 'failed'; error: unknown };

export interface SpeakListener {
  /** The reply ends the call once it was heard. Nothing after it is read. */
  onEndCall: (reason: string) => void;
  onDtmf: (digits: string) => void;
  onNote: (name: string, data: Record<string, unknown>) => void;
  /** The dialogue broke off: what to say instead of the rest, null: nothing. */
  onDialogueFailed: (error: unknown) => string | null;
}

type Item = { type: 'sentence'; audio: SentenceAudio } | Exclude<ReplyPart, { type: 'say' }>;

/** Sentences that may be synthesised before the one in front of them has begun to play. */
const AHEAD_WHILE_GUESSED = 1;
const AHEAD_WHILE_SPOKEN = 2;
const MAX_ITEMS = 1_000;

/**
 * A reply on its way to the line. Words are read and the first sentence is synthesised from the
 * moment it is made; nothing is heard before `speak`.
 */
export class SpokenReply {
  readonly reply: DialogueReply;
  readonly #voice: SpeakingVoice;
  readonly #abort = new AbortController();
  readonly #items: AsyncQueue<Item> = new AsyncQueue(MAX_ITEMS, 'refuse');
  readonly #ready = Promise.withResolvers<void>();
  #first: SentenceAudio | null = null;
  #firstTextAtMs: number | null = null;
  #ahead = 0;
  #aheadLimit = AHEAD_WHILE_GUESSED;
  #wakeReader: (() => void) | undefined;

  constructor(reply: DialogueReply, voice: SpeakingVoice) {
    this.reply = reply;
    this.#voice = voice;
    this.#ready.promise.catch(() => undefined);
    void this.#read();
  }

  /** Monotonic time of the first words; null: none yet. */
  get firstTextAtMs(): number | null {
    return this.#firstTextAtMs;
  }

  /** Monotonic time of the first audio; null: none yet. */
  get firstAudioAtMs(): number | null {
    return this.#first?.firstAudioAtMs ?? null;
  }

  /** Resolves when the first sentence can be played whole, or there is none; rejects when it cannot be made. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Plays the reply as turn `turnId`; resolves when all its audio is in the playout queue. */
  async speak(playout: Playout, turnId: string, listener: SpeakListener): Promise<SpeakResult> {
    playout.begin(turnId);
    const off = playout.events.on('sentence-started', (started) => {
      if (started.turnId === turnId && !started.aside) this.#moveAhead(-1);
    });
    this.#aheadLimit = AHEAD_WHILE_SPOKEN;
    this.#moveAhead(0);
    try {
      return await this.#speakItems(playout, turnId, listener);
    } finally {
      off();
    }
  }

  /** Stops reading, synthesis and the dialogue's work. Idempotent. */
  abort(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.reply.abort();
    this.#items.drain();
    this.#items.end();
    this.#ready.resolve();
    this.#wakeReader?.();
  }

  async #speakItems(
    playout: Playout,
    turnId: string,
    listener: SpeakListener,
  ): Promise<SpeakResult> {
    const { signal } = this.#abort;
    try {
      for await (const item of this.#items) {
        if (signal.aborted) break;
        if (item.type === 'sentence') {
          const failure = await this.#queueAudio(item.audio, playout, turnId);
          if (failure !== null) return failure;
        } else if (item.type === 'note') {
          listener.onNote(item.name, item.data);
        } else if (item.type === 'end-call') {
          listener.onEndCall(item.reason);
          break;
        } else {
          await playout.caughtUp(turnId);
          if (signal.aborted) break;
          listener.onDtmf(item.digits);
        }
      }
    } catch (error) {
      if (signal.aborted) return { type: 'aborted' };
      const failure = await this.#apologise(error, playout, turnId, listener);
      if (failure !== null) return failure;
    }
    if (signal.aborted) return { type: 'aborted' };
    playout.finish(turnId);
    return { type: 'spoken' };
  }

  #apologise(
    error: unknown,
    playout: Playout,
    turnId: string,
    listener: SpeakListener,
  ): Promise<SpeakResult | null> {
    const text = listener.onDialogueFailed(error);
    if (text === null) return Promise.resolve(null);
    return this.#queueAudio(
      new SentenceAudio(text, this.#voice, this.#abort.signal),
      playout,
      turnId,
    );
  }

  async #queueAudio(
    audio: SentenceAudio,
    playout: Playout,
    turnId: string,
  ): Promise<SpeakResult | null> {
    const sentence = playout.addSentence(turnId, audio.text);
    try {
      for await (const samples of audio.chunks) playout.write(turnId, sentence, samples);
    } catch (error) {
      playout.endSentence(turnId, sentence);
      if (this.#abort.signal.aborted) return { type: 'aborted' };
      playout.finish(turnId);
      return { type: 'failed', error };
    }
    playout.endSentence(turnId, sentence);
    return null;
  }

  async #read(): Promise<void> {
    const { signal } = this.#abort;
    try {
      for await (const part of this.reply.parts) {
        if (signal.aborted) return;
        if (part.type !== 'say') {
          this.#items.push(part);
          if (part.type === 'end-call') break;
          continue;
        }
        if (part.text.trim() === '') continue;
        this.#firstTextAtMs ??= this.#voice.clock.monotonicMs();
        await this.#roomAhead(signal);
        if (signal.aborted) return;
        this.#synthesize(part.text, signal);
      }
      this.#items.end();
      if (this.#first === null) this.#ready.resolve();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#items.fail(failure);
      this.#ready.reject(failure);
    }
  }

  #synthesize(text: string, signal: AbortSignal): void {
    const audio = new SentenceAudio(text, this.#voice, signal);
    this.#ahead++;
    this.#items.push({ type: 'sentence', audio });
    if (this.#first !== null) return;
    this.#first = audio;
    audio.complete.then(this.#ready.resolve, this.#ready.reject);
  }

  async #roomAhead(signal: AbortSignal): Promise<void> {
    while (this.#ahead >= this.#aheadLimit && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  #moveAhead(change: number): void {
    this.#ahead += change;
    this.#wakeReader?.();
  }
}
