import type { RoomMember } from '../rooms/shared-room.ts';
import { FrameQueue } from './frame-queue.ts';
import type { GuestPort, SaidFrame, ToGuest, ToHost } from './guest-protocol.ts';
import type { LineRoom } from './room-hub.ts';

export interface GuestLineOptions {
  /** The call whose line has come. */
  lineId: string;
  room: LineRoom;
  /** To the `RemoteRoom` of the line's thread. */
  port: GuestPort;
  /** Calls every 20 ms; returns a function that stops it. */
  everyFrame: (tick: () => void) => () => void;
  /** It has gone, and recordings that ended with it are complete. */
  onGone: () => void;
}

/**
 * The seat, in a room of this thread, of a line whose stream is on another one. It ticks with the
 * lines of this thread, so nobody in the room hears that it comes from elsewhere.
 */
export class GuestLine {
  readonly #options: GuestLineOptions;
  readonly #ticks = new FrameQueue<readonly SaidFrame[]>();
  /** Who is in the room by this seat, and how they are let out. */
  readonly #leaves = new Map<string, () => void>();
  readonly #says = new Map<string, Int16Array | null>();
  readonly #stopTicks: () => void;
  #isOver = false;

  constructor(options: GuestLineOptions) {
    this.#options = options;
    const { port, everyFrame } = options;
    port.on('message', (message: ToHost) => this.#receive(message));
    // The other thread has ended.
    port.on('close', () => this.#end());
    this.#stopTicks = everyFrame(() => this.#tick());
  }

  get roomId(): string {
    return this.#options.room.id;
  }

  #receive(message: ToHost): void {
    const { room, lineId } = this.#options;
    if (this.#isOver) return;
    switch (message.type) {
      case 'join':
        this.#leaves.set(message.memberId, room.join(this.#memberOf(message)));
        return;
      case 'leave':
        this.#leaves.get(message.memberId)?.();
        this.#leaves.delete(message.memberId);
        this.#says.delete(message.memberId);
        return;
      case 'live':
        room.setLive(message.memberId);
        return;
      case 'seat':
        room.setSeat(message.memberId, message.seat);
        return;
      case 'tick':
        this.#ticks.push(message.said);
        return;
      case 'arrive':
        room.arrive(lineId, message.samples);
        return;
      case 'end':
        this.#end();
        return;
    }
  }

  #memberOf({ memberId, kind, ownerId }: ToHost & { type: 'join' }): RoomMember {
    const isLine = memberId === this.#options.lineId;
    return {
      id: memberId,
      kind,
      ownerId,
      speak: isLine ? null : () => this.#says.get(memberId) ?? null,
      hear: isLine
        ? null
        : (samples) => this.#post({ type: 'hear', memberId, samples: samples.slice() }),
    };
  }

  #tick(): void {
    const { lineId, room } = this.#options;
    const said = this.#ticks.pop() ?? [];
    this.#says.clear();
    for (const { memberId, samples } of said) this.#says.set(memberId, samples);
    const heard = room.tick(lineId, this.#says.get(lineId) ?? null);
    this.#post({ type: 'heard', samples: heard });
  }

  #post(message: ToGuest): void {
    if (!this.#isOver) this.#options.port.postMessage(message);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTicks();
    for (const leave of this.#leaves.values()) leave();
    void this.#options.room.settle().finally(() => {
      this.#options.port.close();
      this.#options.onGone();
    });
  }
}
