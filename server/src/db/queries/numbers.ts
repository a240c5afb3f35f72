import type { Queryable } from './queryable.ts';
import {
  assignments,
  countTouched,
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import type { AgentRow } from './agents.ts';
import * as agents from './agents.ts';
import type { TrunkWithGateways } from './trunks.ts';
import { storableText } from './storable-text.ts';
import * as trunks from './trunks.ts';

export interface NumberRow {
  id: string;
  workspaceId: string;
  e164: string;
  name: string;
  provider: string;
  /** The trunk that it calls from. */
  trunkId: string;
  /** The trunk that calls to it come in by, when that is another one. */
  inboundTrunkId: string | null;
  /** Who answers; null: nobody. */
  agentId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** A number with what a call to it needs; `agent` is null when nobody answers it. */
export interface NumberRoute {
  number: NumberRow;
  trunk: TrunkWithGateways;
  agent: AgentRow | null;
}

export type NewNumber = Pick<NumberRow, 'id' | 'workspaceId' | 'e164' | 'trunkId' | 'agentId'> & {
  name?: string | undefined;
  provider?: string | undefined;
  inboundTrunkId?: string | null | undefined;
};

export interface NumberPatch {
  agentId?: string | null | undefined;
  trunkId?: string | undefined;
  inboundTrunkId?: string | null | undefined;
  name?: string | undefined;
  provider?: string | undefined;
}

const NUMBER_FIELDS = ['agentId', 'trunkId', 'inboundTrunkId', 'name', 'provider'];

/** Throws PostgreSQL's 23505 when the number exists already. */
export async function insert(client: Queryable, number: NewNumber): Promise<NumberRow> {
  return requireOne(
    client,
    `insert into numbers (id, workspace_id, e164, trunk_id, agent_id, name, provider, inbound_trunk_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
    [
      number.id,
      number.workspaceId,
      number.e164,
      number.trunkId,
      number.agentId,
      storableText(number.name ?? ''),
      storableText(number.provider ?? ''),
      number.inboundTrunkId ?? null,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  numberId: string,
): Promise<NumberRow | null> {
  return selectOne(client, 'select * from numbers where workspace_id = $1 and id = $2', [
    workspaceId,
    numberId,
  ]);
}

/** Whoever has it, whatever its trunk is. */
export async function getByE164(client: Queryable, e164: string): Promise<NumberRow | null> {
  return selectOne(client, 'select * from numbers where e164 = $1', [e164]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest & { trunkId?: string | undefined; agentId?: string | undefined } = {},
): Promise<Page<NumberRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (request.trunkId !== undefined) {
    const trunk = `$${values.push(request.trunkId)}`;
    where.push(`(trunk_id = ${trunk} or inbound_trunk_id = ${trunk})`);
  }
  if (request.agentId !== undefined) where.push(`agent_id = $${values.push(request.agentId)}`);
  return selectPage(
    client,
    { from: 'numbers', where, values, kind: 'number', order: 'desc' },
    request,
  );
}

/**
 * The number, the trunk that it calls from and its agent; null when the number is unknown or its
 * trunk deleted.
 */
export async function findByE164(client: Queryable, e164: string): Promise<NumberRoute | null> {
  return findRoute(client, e164, (number) => number.trunkId);
}

/** The same with the trunk that calls to the number come in by. */
export async function findInbound(client: Queryable, e164: string): Promise<NumberRoute | null> {
  return findRoute(client, e164, (number) => number.inboundTrunkId ?? number.trunkId);
}

async function findRoute(
  client: Queryable,
  e164: string,
  trunkOf: (number: NumberRow) => string,
): Promise<NumberRoute | null> {
  const number = await getByE164(client, e164);
  if (!number) return null;
  const trunk = await trunks.getWithGateways(client, number.workspaceId, trunkOf(number));
  if (!trunk) return null;
  const agent = number.agentId
    ? await agents.get(client, number.workspaceId, number.agentId)
    : null;
  return { number, trunk, agent };
}

/** Gives the number to an agent (null: to nobody) or to another trunk, or renames it. Null when there is none. */
export async function assign(
  client: Queryable,
  workspaceId: string,
  numberId: string,
  patch: NumberPatch,
): Promise<NumberRow | null> {
  const values: unknown[] = [workspaceId, numberId];
  const sets = assignments({ ...patch }, NUMBER_FIELDS, values);
  if (sets.length === 0) return get(client, workspaceId, numberId);
  return selectOne(
    client,
    `update numbers set ${[...sets, 'updated_at = now()'].join(', ')} where workspace_id = $1 and id = $2 returning *`,
    values,
  );
}

/** Takes the agent from its numbers. */
export async function unassignAgent(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<void> {
  await client.query(
    `update numbers set agent_id = null, updated_at = now()
     where workspace_id = $1 and agent_id = $2`,
    [workspaceId, agentId],
  );
}

/** False when there is no such number. */
export async function remove(
  client: Queryable,
  workspaceId: string,
  numberId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from numbers where workspace_id = $1 and id = $2',
    [workspaceId, numberId],
  );
  return touched > 0;
}

/**
 * Frees the numbers of a trunk that goes away. One that calls come in to by another trunk stays
 * with that. How many were freed.
 */
export async function removeOfTrunk(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<number> {
  await client.query(
    `update numbers set inbound_trunk_id = null, updated_at = now()
     where workspace_id = $1 and inbound_trunk_id = $2`,
    [workspaceId, trunkId],
  );
  await client.query(
    `update numbers set trunk_id = inbound_trunk_id, inbound_trunk_id = null, updated_at = now()
     where workspace_id = $1 and trunk_id = $2 and inbound_trunk_id is not null`,
    [workspaceId, trunkId],
  );
  return countTouched(client, 'delete from numbers where workspace_id = $1 and trunk_id = $2', [
    workspaceId,
    trunkId,
  ]);
}

/** Numbers whose calls come in by these trunks. */
export async function listInboundOf(
  client: Queryable,
  trunkIds: readonly string[],
): Promise<{ e164: string; trunkId: string }[]> {
  if (trunkIds.length === 0) return [];
  return selectRows(
    client,
    `select e164, coalesce(inbound_trunk_id, trunk_id) as trunk_id from numbers
     where coalesce(inbound_trunk_id, trunk_id) = any($1)`,
    [trunkIds],
  );
}
