import type { QueryResultRow } from 'pg';

/** What statements run on: the pool, or the client of an open transaction. */
export interface Queryable {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: QueryResultRow[]; rowCount: number | null }>;
}
