import { StereoWavWriter } from '../audio/wav-writer.ts';
import { FRAME_SAMPLES } from '../rtp/media-engine.ts';
import { SharedRoom } from '../rooms/shared-room.ts';
import type { Logger } from '../shared/logger.ts';
import type { RoomTap } from './worker-protocol.ts';

/** A room of this worker, with the recordings of it. */
export interface HubRoom {
  readonly id: string;
  readonly room: SharedRoom;
}

/** A room as one of its lines has it, wherever it is mixed. */
export interface LineRoom extends Pick<
  SharedRoom,
  'join' | 'setLive' | 'setSeat' | 'tick' | 'arrive'
> {
  readonly id: string;
  /** To be called when the line has left; resolves when recordings that end with it are complete. */
  settle(): Promise<void>;
}

interface Entry extends HubRoom {
  taps: Map<string, StereoWavWriter>;
}

/** The rooms whose lines are on this worker. A room is here as long as one of its lines is. */
export class RoomHub {
  readonly #rooms = new Map<string, Entry>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** The room of an id, made where it is not here yet. */
  enter(roomId: string): HubRoom {
    const known = this.#rooms.get(roomId);
    if (known) return known;
    const entry: Entry = { id: roomId, room: new SharedRoom(), taps: new Map() };
    this.#rooms.set(roomId, entry);
    return entry;
  }

  /** The room of an id for one of its lines. */
  lineRoom(roomId: string): LineRoom {
    const { room } = this.enter(roomId);
    return {
      id: roomId,
      join: (member) => room.join(member),
      setLive: (memberId) => room.setLive(memberId),
      setSeat: (memberId, seat) => room.setSeat(memberId, seat),
      tick: (memberId, said) => room.tick(memberId, said),
      arrive: (memberId, samples) => room.arrive(memberId, samples),
      settle: () => this.settle(roomId),
    };
  }

  /** To be called when a line has left: a room without lines is over, and its recordings complete. */
  async settle(roomId: string): Promise<void> {
    const entry = this.#rooms.get(roomId);
    if (!entry || entry.room.lineCount > 0) return;
    this.#rooms.delete(roomId);
    await Promise.all([...entry.taps.keys()].map((tapId) => this.#stop(entry, tapId)));
  }

  /** Begins a recording of a room. Doing it twice is harmless. */
  startTap(roomId: string, tap: RoomTap): void {
    const entry = this.#rooms.get(roomId);
    if (!entry) throw new Error(`no room ${roomId} on this worker`);
    if (entry.taps.has(tap.id)) return;
    const writer = new StereoWavWriter(tap.path);
    entry.taps.set(tap.id, writer);
    const mixed = new Int16Array(FRAME_SAMPLES);
    entry.room.addRecorder(
      tap.id,
      (people, agents) => {
        if (tap.channels === 'agent-right') writer.write(people, agents);
        else {
          const all = sumOf(people, agents, mixed);
          writer.write(all, all);
        }
      },
      tap.of,
    );
  }

  /** Completes a recording. Harmless where there is none. */
  async stopTap(roomId: string, tapId: string): Promise<void> {
    const entry = this.#rooms.get(roomId);
    if (entry) await this.#stop(entry, tapId);
  }

  async #stop(entry: Entry, tapId: string): Promise<void> {
    entry.room.removeRecorder(tapId);
    const writer = entry.taps.get(tapId);
    entry.taps.delete(tapId);
    if (!writer) return;
    await writer.close();
    if (writer.error) {
      this.#logger.error({ err: writer.error, recordingId: tapId }, 'a recording is not complete');
    }
  }
}

function sumOf(a: Int16Array | null, b: Int16Array | null, into: Int16Array): Int16Array | null {
  if (a === null || b === null) return a ?? b;
  for (let i = 0; i < FRAME_SAMPLES; i++) {
    into[i] = Math.max(-32_768, Math.min(32_767, (a[i] ?? 0) + (b[i] ?? 0)));
  }
  return into;
}
