import type { Queryable } from '../db/queries/queryable.ts';
import { requireOne } from '../db/queries/row.ts';
import { LIVE_ATTEMPTS } from '../db/queries/zentrunk-attempts.ts';

/** Calls at once; null: any number. */
export interface CallLimits {
  workspace: number | null;
  trunk: number | null;
  agent: number | null;
}

/** Whose calls are counted. */
export interface LimitScope {
  workspaceId: string;
  trunkId: string;
  /** Null: a leg of a room that no agent speaks in. */
  agentId: string | null;
  /** It does not count against itself. */
  callId?: string;
}

/** A limit that is reached. */
export interface FullLimit {
  scope: keyof CallLimits;
  /** As stored with a call that waits: `trunk:trunk_...`. */
  key: string;
  limit: number;
}

interface InFlight {
  workspace: number;
  trunk: number;
  agent: number;
}

/**
 * The first limit that is reached, or null. Run it in the transaction that makes the call count:
 * others of the workspace wait until that is over, so two cannot take the last place.
 * @param stage `admission` counts calls that were promised a place, too; `dial` only those dialled.
 */
export async function findFullLimit(
  client: Queryable,
  scope: LimitScope,
  limits: CallLimits,
  stage: 'admission' | 'dial',
): Promise<FullLimit | null> {
  if (limits.workspace === null && limits.trunk === null && limits.agent === null) return null;
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `call-limits:${scope.workspaceId}`,
  ]);
  return fullLimit(await countInFlight(client, scope, stage), scope, limits);
}

/** The same without the lock: a glance, before anything costly is done. */
export async function glanceAtLimits(
  client: Queryable,
  scope: LimitScope,
  limits: CallLimits,
): Promise<FullLimit | null> {
  if (limits.workspace === null && limits.trunk === null && limits.agent === null) return null;
  return fullLimit(await countInFlight(client, scope, 'dial'), scope, limits);
}

function fullLimit(used: InFlight, scope: LimitScope, limits: CallLimits): FullLimit | null {
  const ids = { workspace: scope.workspaceId, trunk: scope.trunkId, agent: scope.agentId };
  for (const name of ['workspace', 'trunk', 'agent'] as const) {
    const limit = limits[name];
    if (limit !== null && used[name] >= limit) {
      return { scope: name, key: `${name}:${ids[name]}`, limit };
    }
  }
  return null;
}

async function countInFlight(
  client: Queryable,
  { workspaceId, trunkId, agentId, callId }: LimitScope,
  stage: 'admission' | 'dial',
): Promise<InFlight> {
  return requireOne<InFlight>(
    client,
    `select count(*)::int as workspace,
       count(*) filter (where trunk_id = $2)::int as trunk,
       count(*) filter (where agent_id = $3)::int as agent
     from (
       select trunk_id, agent_id from calls where workspace_id = $1
         and status in ('queued', 'initiated', 'ringing', 'in-progress')
         and (status <> 'queued' or ($5 and not waits)) and id is distinct from $4
       union all
       select trunk_id, null from ${LIVE_ATTEMPTS}) running`,
    [workspaceId, trunkId, agentId, callId ?? null, stage === 'admission'],
  );
}
