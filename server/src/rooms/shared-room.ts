import { FRAME_SAMPLES } from '../rtp/media-engine.ts';
import type { ParticipantKind } from './room.ts';

/** One in a room that several lines come into. Frames are 160 linear samples at 8 kHz. */
export interface RoomMember {
  readonly id: string;
  readonly kind: ParticipantKind;
  /** Whose tick it speaks in: an agent is heard when the line that it belongs to ticks. */
  readonly ownerId: string | null;
  /** Of one that has no line of its own: what it says in this tick. */
  speak: (() => Int16Array | null) | null;
  /** Of one that has no line of its own: what it hears. */
  hear: ((samples: Int16Array) => void) | null;
}

/** Who hears whom, as far as it is not everybody everybody. */
export interface MemberSeat {
  muted: boolean;
  deaf: boolean;
  unheard: ReadonlySet<string>;
}

/** Told once in 20 ms of what people say and what agents say. Arrays are valid during the call. */
export type RoomRecorder = (people: Int16Array | null, agents: Int16Array | null) => void;

interface Place {
  member: RoomMember;
  seat: MemberSeat;
  /** Its audio counts: the line was answered. */
  live: boolean;
  said: Int16Array;
  /** Whether `said` holds something. */
  speaks: boolean;
  /** Grows with every frame of its own: nothing is heard twice. */
  saidTick: number;
  heardTicks: Map<string, number>;
}

interface Recorder {
  write: RoomRecorder;
  /** One member only; null: everybody. */
  of: string | null;
}

const OPEN_SEAT: MemberSeat = { muted: false, deaf: false, unheard: new Set() };
const SILENCE = new Int16Array(FRAME_SAMPLES);

/**
 * A room of several lines, each driven by its own wheel. What a member said in its last tick is kept
 * until the others' next one, so each hears the mix of the others, never itself, at most 20 ms late.
 * All lines of a room are on one thread and one clock: nothing needs to be buffered against drift.
 */
export class SharedRoom {
  readonly #places = new Map<string, Place>();
  readonly #recorders = new Map<string, Recorder>();
  readonly #sum = new Int32Array(FRAME_SAMPLES);
  readonly #mixed = new Int16Array(FRAME_SAMPLES);
  readonly #ears = new Int16Array(FRAME_SAMPLES);
  readonly #people = new Int16Array(FRAME_SAMPLES);
  readonly #agents = new Int16Array(FRAME_SAMPLES);

  /** Members that have a line. */
  get lineCount(): number {
    let count = 0;
    for (const { member } of this.#places.values()) if (member.speak === null) count++;
    return count;
  }

  has(memberId: string): boolean {
    return this.#places.has(memberId);
  }

  /** Lets somebody in; returns a function that lets them out. */
  join(member: RoomMember): () => void {
    if (this.#places.has(member.id)) throw new Error(`${member.id} is in the room already`);
    const place: Place = {
      member,
      seat: OPEN_SEAT,
      live: member.speak !== null,
      said: new Int16Array(FRAME_SAMPLES),
      speaks: false,
      saidTick: 0,
      heardTicks: new Map(),
    };
    this.#places.set(member.id, place);
    return () => {
      if (this.#places.get(member.id) === place) this.#places.delete(member.id);
    };
  }

  /** From now on what the member's line brings is heard. */
  setLive(memberId: string): void {
    const place = this.#places.get(memberId);
    if (place) place.live = true;
  }

  setSeat(memberId: string, seat: MemberSeat): void {
    const place = this.#places.get(memberId);
    if (place) place.seat = seat;
  }

  /** Records from now on. @param of one member only; null: everybody. */
  addRecorder(id: string, write: RoomRecorder, of: string | null): void {
    this.#recorders.set(id, { write, of });
  }

  removeRecorder(id: string): void {
    this.#recorders.delete(id);
  }

  /**
   * One tick of a line.
   * @param said what it brought; null: silence.
   * @returns what it is to hear, valid until the next tick of any line; null: silence.
   */
  tick(memberId: string, said: Int16Array | null): Int16Array | null {
    const place = this.#places.get(memberId);
    if (!place) return null;
    this.#keep(place, said);
    for (const other of this.#places.values()) {
      if (other.member.ownerId === memberId) this.#tickOwned(other);
    }
    if (this.#recorders.size > 0 && this.#isFirstLine(place)) this.#record();
    return this.#mixFor(place, this.#mixed);
  }

  /** Samples of a line as they arrive, for ears that need not wait while one line is heard alone. */
  arrive(memberId: string, samples: Int16Array): void {
    const from = this.#places.get(memberId);
    if (!from || !isHeard(from)) return;
    for (const place of this.#places.values()) {
      if (place.member.hear === null || !hears(place, from)) continue;
      if (this.#audibleLines(place) === 1) place.member.hear(samples);
    }
  }

  /** An agent speaks and, where several lines are heard, listens to their mix. */
  #tickOwned(place: Place): void {
    const { member } = place;
    this.#keep(place, member.speak?.() ?? null);
    if (member.hear === null || this.#audibleLines(place) < 2) return;
    member.hear(this.#mixFor(place, this.#ears) ?? SILENCE);
  }

  #keep(place: Place, said: Int16Array | null): void {
    place.saidTick++;
    place.speaks = said !== null;
    if (said !== null) place.said.set(said);
  }

  #audibleLines(listener: Place): number {
    let count = 0;
    for (const place of this.#places.values()) {
      if (place.member.speak === null && isHeard(place) && hears(listener, place)) count++;
    }
    return count;
  }

  #mixFor(listener: Place, into: Int16Array): Int16Array | null {
    return this.#mix(into, (place) => {
      if (!hears(listener, place)) return false;
      const heard = listener.heardTicks.get(place.member.id);
      if (heard === place.saidTick) return false;
      listener.heardTicks.set(place.member.id, place.saidTick);
      return true;
    });
  }

  #record(): void {
    for (const { write, of } of this.#recorders.values()) {
      const people = this.#mix(
        this.#people,
        ({ member }) => member.kind !== 'agent' && (of === null || of === member.id),
      );
      const agents = this.#mix(
        this.#agents,
        ({ member }) => member.kind === 'agent' && (of === null || of === member.id),
      );
      write(people, agents);
    }
  }

  /** One line sets the pace of the recorders. */
  #isFirstLine(place: Place): boolean {
    for (const other of this.#places.values()) {
      if (other.member.speak === null) return other === place;
    }
    return false;
  }

  #mix(into: Int16Array, included: (place: Place) => boolean): Int16Array | null {
    let count = 0;
    for (const place of this.#places.values()) {
      if (!isHeard(place) || !included(place) || !place.speaks) continue;
      if (count === 0) this.#sum.fill(0);
      count++;
      for (let i = 0; i < FRAME_SAMPLES; i++) {
        this.#sum[i] = (this.#sum[i] ?? 0) + (place.said[i] ?? 0);
      }
    }
    if (count === 0) return null;
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      into[i] = Math.max(-32_768, Math.min(32_767, this.#sum[i] ?? 0));
    }
    return into;
  }
}

function isHeard({ seat, live }: Place): boolean {
  return live && !seat.muted;
}

function hears(listener: Place, other: Place): boolean {
  return listener !== other && !listener.seat.deaf && !listener.seat.unheard.has(other.member.id);
}
