import { fencedRooms, type RoomContext } from '../../calls/rooms/room-context.ts';
import type { ApiContext } from '../api-context.ts';

/** What LiveKit's methods work on. */
export type LiveKitContext = Pick<
  ApiContext,
  'trunks' | 'numbers' | 'dispatchRules' | 'calls' | 'database' | 'logger' | 'clock' | 'secrets'
> & {
  rooms: RoomContext;
};

/** The rooms as the workspace of a request sees them. */
export type RoomsOf = (caller: { workspaceId: string }) => RoomContext;

export function roomsOf(ctx: Pick<LiveKitContext, 'rooms' | 'database'>): RoomsOf {
  return ({ workspaceId }) => fencedRooms(ctx.rooms, ctx.database.tenant(workspaceId));
}
