import { FRAME_SAMPLES } from '../rtp/media-engine.ts';
import { TypedEvents, type ListenerErrorHandler } from '../shared/events.ts';
import { heardText } from './heard-text.ts';

/** Audio that may wait to be played; what comes on top is dropped. */
const MAX_QUEUED_SAMPLES = 120 * 8_000;
/** Guess for a sentence whose audio is not complete: 60 ms a character. */
const SAMPLES_PER_CHARACTER = 480;

export type PlayoutEvents = {
  /** The first frame of a sentence is about to leave. */
  'sentence-started': [
    { turnId: string; sentence: number; text: string; first: boolean; aside: boolean },
  ];
  /** Everything of a finished turn has been played; `tick` counts the frames asked for. */
  drained: [{ turnId: string; tick: number }];
};

/** What of a turn has left. */
export interface Played {
  turnId: string | null;
  text: string;
  /** The same without asides. */
  replyText: string;
  sampleCount: number;
}

/** Why playout stands still: the caller may be speaking, or has put the call on hold. */
export type HoldReason = 'duck' | 'far-end';

interface Sentence {
  text: string;
  chunks: Int16Array[];
  receivedSamples: number;
  playedSamples: number;
  complete: boolean;
  /** Put in before what was to be said next: no part of the reply. */
  aside: boolean;
}

/**
 * The queue of what the agent says, ours until each frame leaves: it can be held, resumed and
 * emptied to the sample, and knows which words were played. Holds one turn at a time; whatever
 * comes for another turn is dropped.
 */
export class Playout {
  readonly events: TypedEvents<PlayoutEvents>;
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #turnId: string | null = null;
  /** In the order in which they were announced. */
  #added: Sentence[] = [];
  /** In the order in which they are played. */
  #sentences: Sentence[] = [];
  #current = 0;
  #finished = false;
  readonly #holds = new Set<HoldReason>();
  #tick = 0;
  #queuedSamples = 0;
  #playedSamples = 0;
  #droppedSamples = 0;
  #caughtUpWaiters: (() => void)[] = [];

  constructor(onListenerError?: ListenerErrorHandler) {
    this.events = new TypedEvents(onListenerError);
  }

  /** The turn whose audio is taken. */
  get turnId(): string | null {
    return this.#turnId;
  }

  /** Standing still. */
  get held(): boolean {
    return this.#holds.size > 0;
  }

  /** Audio that waits, milliseconds. */
  get queuedMs(): number {
    return this.#queuedSamples / 8;
  }

  /** All audio of the turn is here. */
  get finished(): boolean {
    return this.#finished && this.#sentences.every((sentence) => sentence.complete);
  }

  /** Samples lost because the queue was full. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** A new turn: what is left of the former is forgotten, and a duck ends. */
  begin(turnId: string): void {
    this.#reset(turnId);
  }

  /** Announces a sentence; its audio follows by `write`. Returns its number in the turn, -1 when stale. */
  addSentence(turnId: string, text: string): number {
    if (turnId !== this.#turnId || this.#finished) return -1;
    const sentence: Sentence = {
      text,
      chunks: [],
      receivedSamples: 0,
      playedSamples: 0,
      complete: false,
      aside: false,
    };
    this.#sentences.push(sentence);
    return this.#added.push(sentence) - 1;
  }

  /**
   * Says something while the turn waits for its next sentence. False when it does not wait: audio of
   * it is there, or everything was said.
   */
  interject(turnId: string, text: string, samples: Int16Array): boolean {
    if (turnId !== this.#turnId || samples.length === 0 || this.#queuedSamples > 0) return false;
    const next = this.#sentences[this.#current];
    if (next ? next.playedSamples > 0 : this.#finished) return false;
    this.#sentences.splice(this.#current, 0, {
      text,
      chunks: [samples],
      receivedSamples: samples.length,
      playedSamples: 0,
      complete: true,
      aside: true,
    });
    this.#queuedSamples += samples.length;
    return true;
  }

  /** Audio of a sentence. The array is kept. False when it is stale or there is no room. */
  write(turnId: string, sentence: number, samples: Int16Array): boolean {
    const target = turnId === this.#turnId ? this.#added[sentence] : undefined;
    if (!target || target.complete) return false;
    if (this.#queuedSamples + samples.length > MAX_QUEUED_SAMPLES) {
      this.#droppedSamples += samples.length;
      return false;
    }
    if (samples.length === 0) return true;
    target.chunks.push(samples);
    target.receivedSamples += samples.length;
    this.#queuedSamples += samples.length;
    return true;
  }

  /** No more audio of this sentence. */
  endSentence(turnId: string, sentence: number): void {
    const target = turnId === this.#turnId ? this.#added[sentence] : undefined;
    if (target) target.complete = true;
  }

  /** No more sentences: `drained` follows when all is played. */
  finish(turnId: string): void {
    if (turnId === this.#turnId) this.#finished = true;
  }

  /** Resolves when everything that came for the turn so far was played, or the turn is no more. */
  caughtUp(turnId: string): Promise<void> {
    if (turnId !== this.#turnId) return Promise.resolve();
    return new Promise((resolve) => this.#caughtUpWaiters.push(resolve));
  }

  /** Silence at once; the next frame after `resume` is the one that would have come now. */
  hold(reason: HoldReason): void {
    this.#holds.add(reason);
  }

  /** Goes on unless there is another reason to stand still. */
  resume(reason: HoldReason): void {
    this.#holds.delete(reason);
  }

  /** Forgets what has not been played and says what has. The turn takes no more audio. */
  flush(): Played {
    const played = this.played();
    this.#reset(null);
    return played;
  }

  /** What of the current turn has been played, cut at the word. */
  played(): Played {
    const heard = this.#sentences
      .map((sentence) => ({ aside: sentence.aside, text: playedText(sentence) }))
      .filter(({ text }) => text !== '');
    return {
      turnId: this.#turnId,
      text: heard.map(({ text }) => text).join(' '),
      replyText: heard.flatMap(({ aside, text }) => (aside ? [] : [text])).join(' '),
      sampleCount: this.#playedSamples,
    };
  }

  /** The words of the reply that are known and were not played. */
  unplayed(): string {
    return this.#sentences
      .filter(({ aside }) => !aside)
      .map((sentence) => sentence.text.trim().slice(playedText(sentence).length).trim())
      .filter((text) => text !== '')
      .join(' ');
  }

  /** The next 20 ms to send, valid until the next call; null: silence. Call once a tick. */
  next(): Int16Array | null {
    this.#tick++;
    if (this.#holds.size > 0 || this.#turnId === null) return null;
    let filled = 0;
    while (filled < FRAME_SAMPLES) {
      const sentence = this.#sentences[this.#current];
      if (!sentence) break;
      const chunk = sentence.chunks[0];
      if (!chunk) {
        if (!sentence.complete) break;
        this.#current++;
        continue;
      }
      if (sentence.playedSamples === 0) this.#announce(sentence);
      const take = Math.min(chunk.length, FRAME_SAMPLES - filled);
      this.#frame.set(take === chunk.length ? chunk : chunk.subarray(0, take), filled);
      if (take === chunk.length) sentence.chunks.shift();
      else sentence.chunks[0] = chunk.subarray(take);
      filled += take;
      sentence.playedSamples += take;
      this.#playedSamples += take;
      this.#queuedSamples -= take;
    }
    if (filled > 0) {
      this.#frame.fill(0, filled);
      return this.#frame;
    }
    // Asked for one more frame: the last one has been on the line for its 20 ms.
    if (this.#current >= this.#sentences.length) this.#allPlayed(this.#turnId);
    return null;
  }

  #allPlayed(turnId: string): void {
    this.#wakeWaiters();
    if (!this.#finished) return;
    this.#turnId = null;
    this.events.emit('drained', { turnId, tick: this.#tick });
  }

  #wakeWaiters(): void {
    for (const wake of this.#caughtUpWaiters.splice(0)) wake();
  }

  #announce(sentence: Sentence): void {
    if (this.#turnId === null) return;
    this.events.emit('sentence-started', {
      turnId: this.#turnId,
      sentence: this.#added.indexOf(sentence),
      text: sentence.text,
      first: this.#playedSamples === 0,
      aside: sentence.aside,
    });
  }

  #reset(turnId: string | null): void {
    this.#turnId = turnId;
    this.#added = [];
    this.#sentences = [];
    this.#current = 0;
    this.#finished = false;
    this.#holds.delete('duck');
    this.#queuedSamples = 0;
    this.#playedSamples = 0;
    this.#wakeWaiters();
  }
}

function playedText({ text, complete, receivedSamples, playedSamples }: Sentence): string {
  const total = complete
    ? receivedSamples
    : Math.max(receivedSamples, text.length * SAMPLES_PER_CHARACTER);
  return heardText(text, playedSamples, total);
}
