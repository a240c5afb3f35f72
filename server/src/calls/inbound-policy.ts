import type { AgentConfig } from '../agents/agent-config.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { requireOne } from '../db/queries/row.ts';
import { firstIdAt } from '../shared/ids.ts';
import { findFullLimit, type CallLimits } from './limits.ts';
import type { InboundRefusal } from './store-inbound.ts';

const FORBIDDEN = { code: 403, reason: 'Forbidden' };

/** A call that came in, before anything is stored for it. */
export interface InboundCandidate {
  workspaceId: string;
  trunkId: string;
  /** Null: a line of a room that no agent speaks in. */
  agentId: string | null;
  caller: string;
  agent: Pick<AgentConfig, 'inbound'>;
  limits: CallLimits;
}

/**
 * Why an agent does not take this call; null: it does. Run it in the transaction that stores the
 * call, so that two callers cannot take the last place.
 */
export async function inboundRefusal(
  client: Queryable,
  candidate: InboundCandidate,
  nowMs: number,
): Promise<InboundRefusal | null> {
  const { inbound } = candidate.agent;
  const { allowed_callers: allowed } = inbound;
  if (allowed.length > 0 && !allowed.includes(candidate.caller)) {
    return { cause: { type: 'caller-not-allowed' }, ...FORBIDDEN };
  }
  if (await callsTooOften(client, candidate, nowMs)) {
    return { cause: { type: 'caller-limit' }, ...FORBIDDEN };
  }
  const full = await findFullLimit(client, candidate, candidate.limits, 'dial');
  return full ? overCapacity(inbound, { type: 'limit-reached' }) : null;
}

/** 486 ends the call; on 503 a carrier tries what it has as a fallback. */
export function overCapacity(
  inbound: AgentConfig['inbound'],
  cause: InboundRefusal['cause'],
): InboundRefusal {
  return inbound.over_capacity === 'busy'
    ? { cause, code: 486, reason: 'Busy Here' }
    : { cause, code: 503, reason: 'Service Unavailable' };
}

/** Callers who hide their number are one caller. */
async function callsTooOften(
  client: Queryable,
  { workspaceId, agentId, caller, agent }: InboundCandidate,
  nowMs: number,
): Promise<boolean> {
  const limit = agent.inbound.max_calls_per_caller;
  if (limit === null) return false;
  const { count } = await requireOne<{ count: number }>(
    client,
    `select count(*)::int as count from (
       select from calls where workspace_id = $1 and from_number = $2 and agent_id = $3
         and direction = 'inbound' and id >= $4
         and (answered_at is not null or status in ('initiated', 'ringing'))
       limit $5) calls`,
    [workspaceId, caller, agentId, firstIdAt('call', nowMs - limit.per_s * 1_000), limit.calls],
  );
  return count >= limit.calls;
}
