import type { RoomContext } from './room-context.ts';
export async function attachWaitingAgents(_ctx: RoomContext): Promise<void> {
  await Promise.resolve();
}
