import { agentConfigSchema } from '../agents/agent-config.ts';
import * as agents from '../db/queries/agents.ts';
import * as line from '../db/queries/waiting-line.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as trunks from '../db/queries/trunks.ts';
import * as workspaces from '../db/queries/workspaces.ts';
import type { CallContext } from './call-context.ts';

/** What calls can wait for, besides a limit: their turn in a trunk's line of INVITEs. */
export const PACE = 'pace';
/** INVITEs that are let out of the line ahead of their time, so that their agents get ready. */
const PACE_AHEAD_MS = 2_000;
/** Calls let out at once, for one key. */
const MAX_RELEASED = 200;

/** Puts a queued call aside until what it waits for has a place; its job is done with that. */
export async function park(ctx: CallContext, callId: string, key: string): Promise<void> {
  await line.park(ctx.db.pool, callId, key);
}

/** Gives calls that were put aside their job again, oldest first, as many as there are places. */
export async function releaseParked(ctx: CallContext): Promise<void> {
  for (const key of await line.keys(ctx.db.pool)) {
    const free = Math.min(await placesOf(ctx.db.pool, key), MAX_RELEASED);
    if (free <= 0) continue;
    await ctx.db.transaction(async (client) => {
      for (const callId of await line.release(client, key.text, free)) {
        await ctx.jobs.send('call.dial', { callId }, { client, singletonKey: callId });
      }
    });
  }
}

async function placesOf(client: Queryable, key: line.LineKey): Promise<number> {
  const { kind, id, workspaceId } = key;
  if (kind === PACE) {
    const trunk = await trunks.getWithGateways(client, workspaceId, id);
    if (!trunk?.callsPerSecond) return MAX_RELEASED;
    const aheadMs = await line.aheadMs(client, id);
    return Math.ceil(((PACE_AHEAD_MS - aheadMs) / 1_000) * trunk.callsPerSecond);
  }
  const limit = await limitOf(client, kind, id, workspaceId);
  // A limit that was taken away holds nobody back.
  return limit === null ? MAX_RELEASED : limit - (await line.inFlight(client, key));
}

async function limitOf(
  client: Queryable,
  kind: string,
  id: string,
  workspaceId: string,
): Promise<number | null> {
  switch (kind) {
    case 'workspace':
      return (await workspaces.get(client, id))?.maxConcurrentCalls ?? null;
    case 'trunk':
      return (await trunks.getWithGateways(client, workspaceId, id))?.maxConcurrentCalls ?? null;
    case 'agent': {
      const row = await agents.get(client, workspaceId, id);
      return agentConfigSchema.safeParse(row?.config).data?.max_concurrent_calls ?? null;
    }
    default:
      return null;
  }
}
