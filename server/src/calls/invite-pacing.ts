import type { Queryable } from '../db/queries/queryable.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import type { CallContext } from './call-context.ts';

/** The place in a trunk's line of INVITEs. */
export type InviteTurn =
  /** The INVITE may leave after so long, not before. */
  | { type: 'turn'; waitMs: number }
  /** The line is longer than anybody should stand in: come back. */
  | { type: 'later' };

/**
 * Takes the next place in the line of a trunk with calls per second: whichever node sends them, two
 * INVITEs are `1 / callsPerSecond` apart. Time is the database's.
 */
export async function takeInviteTurn(
  client: Queryable,
  trunk: { id: string; workspaceId: string; callsPerSecond: number },
  maxWaitMs: number,
): Promise<InviteTurn> {
  const spacingMs = 1_000 / trunk.callsPerSecond;
  const { rows } = await client.query(
    `insert into trunk_pacing as line (trunk_id, workspace_id, next_at)
     values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (trunk_id) do update set
       next_at = greatest(line.next_at, clock_timestamp()) + $3 * interval '1 millisecond'
       where line.next_at < clock_timestamp() + $4 * interval '1 millisecond'
     returning extract(epoch from (next_at - clock_timestamp()))::float8 * 1000 - $3 as wait_ms`,
    [trunk.id, trunk.workspaceId, spacingMs, maxWaitMs],
  );
  const wait = rows[0]?.['wait_ms'] as number | undefined;
  return wait === undefined ? { type: 'later' } : { type: 'turn', waitMs: Math.max(0, wait) };
}

/** A turn that was taken. */
export interface HeldTurn {
  /** Time until the INVITE may leave; 0 or less: now. */
  leftMs(): number;
}

/** The turn of a trunk's next INVITE: at once where the trunk sets no pace. */
export async function inviteTurn(
  { db, clock, linesUntilMs }: Pick<CallContext, 'db' | 'clock' | 'linesUntilMs'>,
  trunk: Pick<TrunkRow, 'id' | 'workspaceId' | 'callsPerSecond'>,
  maxWaitMs: number,
): Promise<HeldTurn | 'later'> {
  const { id, workspaceId, callsPerSecond } = trunk;
  if (callsPerSecond === null) return { leftMs: () => 0 };
  const turn = await takeInviteTurn(db.pool, { id, workspaceId, callsPerSecond }, maxWaitMs);
  const nowMs = clock.monotonicMs();
  linesUntilMs.set(id, nowMs + (turn.type === 'later' ? maxWaitMs : turn.waitMs));
  if (turn.type === 'later') return 'later';
  const dueMs = nowMs + turn.waitMs;
  return { leftMs: () => dueMs - clock.monotonicMs() };
}
