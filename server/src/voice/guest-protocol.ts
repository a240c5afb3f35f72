import type { MessagePort } from 'node:worker_threads';
import type { ParticipantKind } from '../rooms/room.ts';

/** What one member says in a tick; null: silence. */
export interface SaidFrame {
  memberId: string;
  samples: Int16Array | null;
}

/** From the thread of a line to the one that mixes its room. */
export type ToHost =
  | { type: 'join'; memberId: string; kind: ParticipantKind; ownerId: string | null }
  | { type: 'leave'; memberId: string }
  | { type: 'live'; memberId: string }
  | {
      type: 'seat';
      memberId: string;
      seat: { muted: boolean; deaf: boolean; unheard: ReadonlySet<string> };
    }
  /** Every 20 ms: the line, then those that came for it. */
  | { type: 'tick'; said: readonly SaidFrame[] }
  | { type: 'arrive'; samples: Int16Array }
  /** The last message: everybody has left. The host closes the port when that is done. */
  | { type: 'end' };

/** From the thread that mixes a room to that of a line of it. */
export type ToGuest =
  /** Every 20 ms: what the line is to hear. */
  | { type: 'heard'; samples: Int16Array | null }
  /** What one that came for the line hears. */
  | { type: 'hear'; memberId: string; samples: Int16Array };

/** The end of a channel whose messages are typed. */
export type GuestPort = Pick<MessagePort, 'on' | 'close' | 'postMessage'>;
