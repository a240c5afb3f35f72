import type { RoomContext } from './room-context.ts';
export async function keepRecordings(_ctx: RoomContext): Promise<void> {
  await Promise.resolve();
}
