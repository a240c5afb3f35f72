import type { RoomContext } from '../../calls/rooms/room-context.ts';
import type { ApiContext } from '../api-context.ts';

/** What LiveKit's methods work on. */
export type LiveKitContext = Pick<
  ApiContext,
  'trunks' | 'numbers' | 'dispatchRules' | 'calls' | 'database' | 'logger' | 'clock' | 'secrets'
> & {
  rooms: RoomContext;
};
