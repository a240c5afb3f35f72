import * as calls from '../../db/queries/calls.ts';
import type { ApiContext } from '../api-context.ts';

/** Cancels the calls of an agent that were not dialled yet; their ids. */
export async function stopQueued(
  context: ApiContext,
  workspaceId: string,
  agentId: string,
): Promise<string[]> {
  const stopped: string[] = [];
  const db = context.database.tenant(workspaceId);
  const filter = { agentId, status: ['scheduled', 'queued', 'rescheduled'] } as const;
  let cursor: string | undefined;
  do {
    const page = await calls.list(db, workspaceId, filter, { limit: 200, cursor });
    for (const { id } of page.data) {
      const { outcome } = await context.calls.hangup(workspaceId, id);
      if (outcome === 'canceled') stopped.push(id);
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return stopped;
}
