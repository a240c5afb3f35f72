import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { attachWaitingAgents } from './attach-agents.ts';
import { bringIntoRoom } from './bring-into-room.ts';
import type { RoomContext } from './room-context.ts';
import { closeRoom } from './room-directory.ts';
import { applySeat } from './room-members.ts';
import { keepRecordings } from './room-recordings.ts';
import { settleParticipants } from './settle-participants.ts';

/** How soon rooms follow what happened to their calls, on whatever node. */
const PERIOD_MS = 250;

export interface RoomKeeper {
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Keeps rooms in line with their calls, and this node's audio in line with what is stored: who has
 * been answered, who has left, who was moved, who is muted, which agent came late, what is recorded, which room is
 * empty for too long.
 */
export function startRoomKeeper(ctx: RoomContext): RoomKeeper {
  const closing = new AbortController();
  /** Versions of participants whose seat is as stored. */
  const applied = new Map<string, number>();

  async function applySeats(): Promise<void> {
    const here = await participants.listOfNode(ctx.db.pool, ctx.nodeId);
    const ids = new Set(here.map(({ id }) => id));
    for (const id of applied.keys()) if (!ids.has(id)) applied.delete(id);
    for (const participant of here) {
      const { id, version, callId } = participant;
      await bringIntoRoom(ctx, participant).catch((error: unknown) => {
        ctx.logger.warn({ err: error, callId }, 'a call did not follow its move yet');
      });
      if (applied.get(id) === version) continue;
      // A first look at one whom nobody has changed changes nothing.
      if (version > 0 || applied.has(id)) await applySeat(ctx, id);
      applied.set(id, version);
    }
  }

  async function closeEmpty(): Promise<void> {
    for (const room of await rooms.listExpired(ctx.db.pool)) await closeRoom(ctx, room, 'empty');
  }

  const steps: readonly [string, () => Promise<void>][] = [
    ['participants', () => settleParticipants(ctx)],
    ['seats', applySeats],
    ['agents', () => attachWaitingAgents(ctx)],
    ['recordings', () => keepRecordings(ctx)],
    ['empty rooms', closeEmpty],
  ];

  async function keep(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await ctx.clock.sleep(PERIOD_MS, closing.signal);
      } catch {
        return;
      }
      // Most installations have no rooms most of the time: one question is all that they cost.
      if (!(await rooms.isAnyAlive(ctx.db.pool).catch(() => false))) continue;
      for (const [name, step] of steps) {
        // The next period does again what failed while the database was away.
        await step().catch((error: unknown) => {
          if (!closing.signal.aborted)
            ctx.logger.warn({ err: error, step: name }, 'rooms not kept');
        });
      }
    }
  }

  const keeping = keep();
  return {
    async close() {
      closing.abort(new Error('the program ends'));
      await keeping;
    },
  };
}
