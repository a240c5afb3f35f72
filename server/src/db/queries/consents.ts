import type { Queryable } from './queryable.ts';
import { requireOne, selectOne, selectPage, type Page, type PageRequest } from './row.ts';
import { storableText } from './storable-text.ts';

export type ConsentPurpose = 'service' | 'promotional' | 'recording';

/** Somebody agreed to be called, or recorded. */
export interface ConsentRow {
  id: string;
  workspaceId: string;
  number: string;
  purpose: ConsentPurpose;
  /** Where and how, such as a form's address. */
  source: string;
  /** Hash of the text that was agreed to. */
  textHash: string | null;
  obtainedAt: Date;
  revokedAt: Date | null;
  createdAt: Date;
}

export async function insert(
  client: Queryable,
  row: Omit<ConsentRow, 'revokedAt'>,
): Promise<ConsentRow> {
  return requireOne(
    client,
    `insert into consents
       (id, workspace_id, number, purpose, source, text_hash, obtained_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
    [
      row.id,
      row.workspaceId,
      row.number,
      row.purpose,
      storableText(row.source),
      row.textHash,
      row.obtainedAt,
      row.createdAt,
    ],
  );
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  number: string | undefined,
  request: PageRequest = {},
): Promise<Page<ConsentRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  if (number !== undefined) where.push(`number = $${values.push(number)}`);
  return selectPage(
    client,
    { from: 'consents', where, values, kind: 'consent', order: 'desc' },
    request,
  );
}

/** Takes a consent back; null when there is none in force. */
export async function revoke(
  client: Queryable,
  workspaceId: string,
  id: string,
  at: Date,
): Promise<ConsentRow | null> {
  return selectOne(
    client,
    `update consents set revoked_at = $3
     where workspace_id = $1 and id = $2 and revoked_at is null returning *`,
    [workspaceId, id, at],
  );
}
