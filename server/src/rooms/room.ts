import { FRAME_SAMPLES } from '../rtp/media-engine.ts';

export type ParticipantKind = 'sip' | 'agent' | 'browser' | 'supervisor';

/** One who is heard in a room. Frames are 160 linear samples at 8 kHz; null is silence. */
export interface Participant {
  readonly id: string;
  readonly kind: ParticipantKind;
  /** What the participant says in this tick, valid until the next. Never asked of the driver. */
  speak: (() => Int16Array | null) | null;
  /** What the others say in this tick, valid during the call. Null: does not listen by frames. */
  listen: ((frame: Int16Array | null) => void) | null;
  /** Samples of each other participant as they arrive, ahead of the jitter buffer. Null: not wanted. */
  hearOnArrival: ((samples: Int16Array) => void) | null;
}

/** Told of each tick: the far end, and everybody on our side. */
export type RecorderTap = (farEnd: Int16Array | null, ourSide: Int16Array | null) => void;

/**
 * Where participants hear each other. A SIP participant's wheel drives it. Two participants are
 * joined without a mixer; from the third on each hears the sum of the others.
 */
export class Room {
  readonly #participants: Participant[] = [];
  readonly #frames = new Map<Participant, Int16Array | null>();
  readonly #mixed = new Int16Array(FRAME_SAMPLES);
  readonly #sum = new Int32Array(FRAME_SAMPLES);
  readonly #farEnd = new Int16Array(FRAME_SAMPLES);
  readonly #ourSide = new Int16Array(FRAME_SAMPLES);
  /** The recorder; null: nothing is recorded. Arrays are valid during the call. */
  tap: RecorderTap | null = null;

  get participants(): readonly Participant[] {
    return this.#participants;
  }

  /** Lets somebody in; returns a function that lets them out. */
  join(participant: Participant): () => void {
    if (this.#participants.some(({ id }) => id === participant.id)) {
      throw new Error(`participant ${participant.id} is in the room already`);
    }
    this.#participants.push(participant);
    return () => this.#leave(participant);
  }

  /**
   * One tick of 20 ms of the participant that drives the room.
   * @param said its own frame.
   * @returns what it is to hear, valid until the next tick; null: silence.
   */
  tick(driver: Participant, said: Int16Array | null): Int16Array | null {
    const everybody = this.#participants;
    const [first, second] = everybody;
    if (first && second && everybody.length === 2 && isPair(first, second)) {
      if (first === driver) return this.#tickOfTwo(driver, said, second);
      if (second === driver) return this.#tickOfTwo(driver, said, first);
    }
    for (const participant of everybody) {
      this.#frames.set(
        participant,
        participant === driver ? said : (participant.speak?.() ?? null),
      );
    }
    if (this.tap !== null) this.#record(this.tap);
    // A copy: whoever hears something may leave.
    for (const participant of everybody.slice()) {
      if (participant === driver) continue;
      participant.listen?.(this.#othersOf(participant, this.#mixed));
    }
    return this.#othersOf(driver, this.#mixed);
  }

  /** Samples of a participant, as they arrive: for ears, which do not wait for the tick. */
  arrive(from: Participant, samples: Int16Array): void {
    for (const participant of this.#participants) {
      if (participant !== from) participant.hearOnArrival?.(samples);
    }
  }

  /** The usual call, one far end and one of ours: nothing to add up, nobody to look for. */
  #tickOfTwo(driver: Participant, said: Int16Array | null, other: Participant): Int16Array | null {
    const answer = other.speak?.() ?? null;
    if (driver.kind === 'sip') this.tap?.(said, answer);
    else this.tap?.(answer, said);
    other.listen?.(said);
    return answer;
  }

  #othersOf(self: Participant, into: Int16Array): Int16Array | null {
    return this.#mix((participant) => participant !== self, into);
  }

  #record(tap: RecorderTap): void {
    tap(
      this.#mix(({ kind }) => kind === 'sip', this.#farEnd),
      this.#mix(({ kind }) => kind !== 'sip', this.#ourSide),
    );
  }

  /** The sum of those who say something, saturated; the frame itself where only one does. */
  #mix(included: (participant: Participant) => boolean, into: Int16Array): Int16Array | null {
    let only: Int16Array | null = null;
    let count = 0;
    for (const participant of this.#participants) {
      if (!included(participant)) continue;
      const frame = this.#frames.get(participant) ?? null;
      if (frame === null) continue;
      count++;
      if (count === 1) only = frame;
      else if (count === 2) this.#begin(only as Int16Array, frame);
      else this.#add(frame);
    }
    return count <= 1 ? only : this.#saturate(into);
  }

  #begin(a: Int16Array, b: Int16Array): void {
    for (let i = 0; i < FRAME_SAMPLES; i++) this.#sum[i] = (a[i] ?? 0) + (b[i] ?? 0);
  }

  #add(frame: Int16Array): void {
    for (let i = 0; i < FRAME_SAMPLES; i++) this.#sum[i] = (this.#sum[i] ?? 0) + (frame[i] ?? 0);
  }

  #saturate(into: Int16Array): Int16Array {
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      into[i] = Math.max(-32_768, Math.min(32_767, this.#sum[i] ?? 0));
    }
    return into;
  }

  #leave(participant: Participant): void {
    const index = this.#participants.indexOf(participant);
    if (index >= 0) this.#participants.splice(index, 1);
    this.#frames.delete(participant);
  }
}

/** One on the far side, one on ours. */
function isPair(a: Participant, b: Participant): boolean {
  return (a.kind === 'sip') !== (b.kind === 'sip');
}
