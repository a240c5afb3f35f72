import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

/** A part of a list that is counted through, with how much there is in all. */
export interface OffsetPage<Row> {
  data: Row[];
  totalCount: number;
}

export interface OffsetRequest {
  limit: number;
  offset: number;
}

/** `where` holds the conditions with `$1`, `$2`, ... for `values`. */
export async function selectOffsetPage<Row>(
  client: Queryable,
  statement: { from: string; where: readonly string[]; values: readonly unknown[]; order: string },
  { limit, offset }: OffsetRequest,
): Promise<OffsetPage<Row>> {
  const where = statement.where.length > 0 ? statement.where.join(' and ') : 'true';
  const { values } = statement;
  const data = await selectRows<Row>(
    client,
    `select * from ${statement.from} where ${where} order by ${statement.order}
     limit $${values.length + 1} offset $${values.length + 2}`,
    [...values, limit, offset],
  );
  const [counted] = await selectRows<{ count: string }>(
    client,
    `select count(*) from ${statement.from} where ${where}`,
    [...values],
  );
  return { data, totalCount: Number(counted?.count ?? 0) };
}
