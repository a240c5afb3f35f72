import type { RoomEgress } from '@livekit/protocol';
import { TwirpError } from './twirp-error.ts';

/** @throws TwirpError `unimplemented` */
export function refuseRoomEgress(egress: RoomEgress | undefined): void {
  if (!egress?.room && !egress?.participant && !egress?.tracks) return;
  throw new TwirpError(
    'unimplemented',
    'a room does not start its recordings by itself; call StartRoomCompositeEgress',
    { argument: 'egress' },
  );
}
