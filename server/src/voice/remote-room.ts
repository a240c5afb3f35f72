import type { MemberSeat, RoomMember } from '../rooms/shared-room.ts';
import { FrameQueue } from './frame-queue.ts';
import type { GuestPort, SaidFrame, ToGuest, ToHost } from './guest-protocol.ts';
import type { LineRoom } from './room-hub.ts';

export interface RemoteRoomOptions {
  id: string;
  /** The call whose line has come. */
  lineId: string;
  /** To the `GuestLine` of the thread that mixes the room. */
  port: GuestPort;
  /** The thread that mixes the room has ended. */
  onLost: () => void;
}

/**
 * A room that another thread mixes, for a line whose stream is on this one: a socket cannot change
 * its thread, so what is said and heard does. It costs up to 40 ms each way.
 */
export class RemoteRoom implements LineRoom {
  readonly id: string;
  readonly #lineId: string;
  readonly #port: GuestPort;
  readonly #owned = new Map<string, RoomMember>();
  readonly #heard = new FrameQueue<Int16Array | null>();
  readonly #closed: Promise<void>;
  #hasEnded = false;

  constructor({ id, lineId, port, onLost }: RemoteRoomOptions) {
    this.id = id;
    this.#lineId = lineId;
    this.#port = port;
    port.on('message', (message: ToGuest) => this.#receive(message));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    port.on('close', () => {
      resolve();
      if (!this.#hasEnded) onLost();
    });
  }

  join(member: RoomMember): () => void {
    const { id: memberId, kind, ownerId } = member;
    if (memberId !== this.#lineId) this.#owned.set(memberId, member);
    this.#post({ type: 'join', memberId, kind, ownerId });
    return () => {
      this.#owned.delete(memberId);
      this.#post({ type: 'leave', memberId });
    };
  }

  setLive(memberId: string): void {
    this.#post({ type: 'live', memberId });
  }

  setSeat(memberId: string, { muted, deaf, unheard }: MemberSeat): void {
    this.#post({ type: 'seat', memberId, seat: { muted, deaf, unheard } });
  }

  // Frames are sliced: a view would be posted with all of the buffer behind it.
  tick(memberId: string, said: Int16Array | null): Int16Array | null {
    const frames: SaidFrame[] = [{ memberId, samples: said?.slice() ?? null }];
    for (const [ownedId, { speak }] of this.#owned) {
      frames.push({ memberId: ownedId, samples: speak?.()?.slice() ?? null });
    }
    this.#post({ type: 'tick', said: frames });
    return this.#heard.pop() ?? null;
  }

  arrive(_memberId: string, samples: Int16Array): void {
    this.#post({ type: 'arrive', samples: samples.slice() });
  }

  settle(): Promise<void> {
    if (!this.#hasEnded) this.#post({ type: 'end' });
    this.#hasEnded = true;
    return this.#closed;
  }

  #receive(message: ToGuest): void {
    if (message.type === 'heard') this.#heard.push(message.samples);
    else this.#owned.get(message.memberId)?.hear?.(message.samples);
  }

  #post(message: ToHost): void {
    if (!this.#hasEnded) this.#port.postMessage(message);
  }
}
