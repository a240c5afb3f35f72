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

/** `direct`: one room for all; `individual`: one for each call; `callee`: one for each number called. */
export type DispatchRuleKind = 'direct' | 'individual' | 'callee';

export interface DispatchRuleRow {
  id: string;
  workspaceId: string;
  name: string;
  kind: DispatchRuleKind;
  /** Inbound trunks that it is for; empty: all of the workspace. */
  trunkIds: string[];
  /** Numbers called that it is for; empty: all. */
  calledNumbers: string[];
  /** Numbers that call; empty: all. */
  callerNumbers: string[];
  /** Name of the room (`direct`), else its prefix. */
  room: string;
  /** Adds random characters to the room's name. */
  randomize: boolean;
  pinSealed: string | null;
  hidePhoneNumber: boolean;
  agentId: string | null;
  attributes: Record<string, string>;
  metadata: string;
  roomConfig: Record<string, unknown> | null;
  door: string;
  doorData: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

type RuleFields = Omit<DispatchRuleRow, 'id' | 'workspaceId' | 'createdAt' | 'updatedAt'>;

export type DispatchRulePatch = { [Field in keyof RuleFields]?: RuleFields[Field] | undefined };
export type NewDispatchRule = Pick<DispatchRuleRow, 'id' | 'workspaceId' | 'kind'> &
  DispatchRulePatch;

const FIELDS: readonly (keyof RuleFields)[] = [
  'name',
  'kind',
  'trunkIds',
  'calledNumbers',
  'callerNumbers',
  'room',
  'randomize',
  'pinSealed',
  'hidePhoneNumber',
  'agentId',
  'attributes',
  'metadata',
  'roomConfig',
  'door',
  'doorData',
];
const JSON_FIELDS = ['attributes', 'roomConfig', 'doorData'];

export async function insert(client: Queryable, rule: NewDispatchRule): Promise<DispatchRuleRow> {
  const { id, workspaceId, ...fields } = rule;
  const created = await requireOne<DispatchRuleRow>(
    client,
    'insert into dispatch_rules (id, workspace_id, kind) values ($1, $2, $3) returning *',
    [id, workspaceId, rule.kind],
  );
  return (await update(client, workspaceId, id, fields)) ?? created;
}

/** Changes the fields that are given. Null when there is no such rule. */
export async function update(
  client: Queryable,
  workspaceId: string,
  ruleId: string,
  patch: DispatchRulePatch,
): Promise<DispatchRuleRow | null> {
  const values: unknown[] = [workspaceId, ruleId];
  const sets = assignments({ ...patch }, FIELDS, values, JSON_FIELDS);
  return selectOne(
    client,
    `update dispatch_rules set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 returning *`,
    values,
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  ruleId: string,
): Promise<DispatchRuleRow | null> {
  return selectOne(client, 'select * from dispatch_rules where workspace_id = $1 and id = $2', [
    workspaceId,
    ruleId,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest & { door?: string | undefined } = {},
): Promise<Page<DispatchRuleRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (request.door !== undefined) where.push(`door = $${values.push(request.door)}`);
  return selectPage(
    client,
    { from: 'dispatch_rules', where, values, kind: 'rule', order: 'desc' },
    request,
  );
}

/** Takes the agent from its rules. */
export async function unassignAgent(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<void> {
  await client.query(
    `update dispatch_rules set agent_id = null, updated_at = now()
     where workspace_id = $1 and agent_id = $2`,
    [workspaceId, agentId],
  );
}

/** False when there is no such rule. */
export async function remove(
  client: Queryable,
  workspaceId: string,
  ruleId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from dispatch_rules where workspace_id = $1 and id = $2',
    [workspaceId, ruleId],
  );
  return touched > 0;
}

/**
 * Rules that a call matches, the most particular first: one that names the trunk goes before one
 * for all, then one that names the number called, then the caller, then the older.
 */
export async function findMatching(
  client: Queryable,
  call: { workspaceId: string; trunkId: string; called: string; caller: string },
): Promise<DispatchRuleRow[]> {
  return selectRows(
    client,
    `select * from dispatch_rules
     where workspace_id = $1
       and (trunk_ids = '{}' or $2 = any(trunk_ids))
       and (called_numbers = '{}' or $3 = any(called_numbers))
       and (caller_numbers = '{}' or $4 = any(caller_numbers))
     order by (trunk_ids = '{}'), (called_numbers = '{}'), (caller_numbers = '{}'), created_at, id
     limit 50`,
    [call.workspaceId, call.trunkId, call.called, call.caller],
  );
}

/** The rule that a call follows: the most particular of those that match; null: none does. */
export async function findRule(
  client: Queryable,
  call: { workspaceId: string; trunkId: string; called: string; caller: string },
): Promise<DispatchRuleRow | null> {
  return (await findMatching(client, call))[0] ?? null;
}
