import type { Queryable } from './queryable.ts';
import {
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import { storableText } from './storable-text.ts';

/** An exception that somebody with the right made for one number. */
export interface OverrideRow {
  id: string;
  workspaceId: string;
  number: string;
  rules: string[];
  reason: string;
  /** Who made it; null: the operator's local sign-in. */
  keyId: string | null;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
}

export interface OverrideUseRow {
  rule: string;
  stage: string;
  callId: string | null;
  usedAt: Date;
}

export async function insert(
  client: Queryable,
  row: Omit<OverrideRow, 'revokedAt'>,
): Promise<OverrideRow> {
  return requireOne(
    client,
    `insert into guardrail_overrides
       (id, workspace_id, number, rules, reason, key_id, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
    [
      row.id,
      row.workspaceId,
      row.number,
      row.rules,
      storableText(row.reason),
      row.keyId,
      row.createdAt,
      row.expiresAt,
    ],
  );
}

/** Newest first, over and revoked ones too: it is a record. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest = {},
): Promise<Page<OverrideRow>> {
  return selectPage(
    client,
    {
      from: 'guardrail_overrides',
      where: ['workspace_id = $1'],
      values: [workspaceId],
      kind: 'override',
      order: 'desc',
    },
    request,
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<OverrideRow | null> {
  return selectOne(
    client,
    'select * from guardrail_overrides where workspace_id = $1 and id = $2',
    [workspaceId, id],
  );
}

/** Ends it from now on; null when there is none that is in force. */
export async function revoke(
  client: Queryable,
  workspaceId: string,
  id: string,
  at: Date,
): Promise<OverrideRow | null> {
  return selectOne(
    client,
    `update guardrail_overrides set revoked_at = $3
     where workspace_id = $1 and id = $2 and revoked_at is null returning *`,
    [workspaceId, id, at],
  );
}

export async function recordUse(
  client: Queryable,
  use: {
    workspaceId: string;
    overrideId: string;
    rule: string;
    stage: string;
    callId: string | null;
    at: Date;
  },
): Promise<void> {
  await client.query(
    `insert into guardrail_override_uses (workspace_id, override_id, rule, stage, call_id, used_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [use.workspaceId, use.overrideId, use.rule, use.stage, use.callId, use.at],
  );
}

/** The latest uses, newest first. */
export async function uses(
  client: Queryable,
  workspaceId: string,
  overrideId: string,
): Promise<OverrideUseRow[]> {
  return selectRows(
    client,
    `select rule, stage, call_id, used_at from guardrail_override_uses
     where workspace_id = $1 and override_id = $2 order by id desc limit 100`,
    [workspaceId, overrideId],
  );
}
