import { hot } from '../hot-statements.ts';
import type { Queryable } from './queryable.ts';
import { countTouched, requireCursor, requireOne, selectOne, selectRows } from './row.ts';

/** Kinds of cost, in the order in which they are shown. */
export const RATE_KINDS = ['platform', 'network', 'transcriber', 'model', 'synthesizer'] as const;
export const RATE_UNITS = ['minute', 'character', 'input_token', 'output_token'] as const;

/** What a unit costs. */
export interface RatePrice {
  kind: (typeof RATE_KINDS)[number];
  /** `*`: any that has no rate of its own. */
  provider: string;
  /** Of `network`: first digits of the number called, without `+`; empty: any. */
  prefix: string;
  unit: (typeof RATE_UNITS)[number];
  /** Millionths of the workspace's currency. */
  microsPerUnit: number;
}

export interface RateRow extends RatePrice {
  id: string;
  /** Whose price it is; null: of every workspace that has none of its own. */
  workspaceId: string | null;
}

const PLATFORM = 'id, null as workspace_id, kind, provider, prefix, unit, micros_per_unit';
const OWN = 'id, workspace_id, kind, provider, prefix, unit, micros_per_unit';
const BOTH = `(select ${PLATFORM} from rates
  union all select ${OWN} from workspace_rates where workspace_id = $1) as both_rates`;

/** The platform's rates. */
export async function all(client: Queryable): Promise<RateRow[]> {
  return selectRows(client, `select ${PLATFORM} from rates order by kind, provider, prefix, unit`);
}

/** What a workspace pays: its own rates, and the platform's where it has none. */
export async function effective(client: Queryable, workspaceId: string): Promise<RateRow[]> {
  return selectRows(
    client,
    hot(`select distinct on (kind, provider, prefix, unit) * from ${BOTH}
     order by kind, provider, prefix, unit, (workspace_id is null)`),
    [workspaceId],
  );
}

/** The platform's rates and those of the workspace, by id, from after `cursor` on. */
export async function listVisible(
  client: Queryable,
  workspaceId: string,
  page: { limit: number; cursor?: string | undefined },
): Promise<{ data: RateRow[]; nextCursor: string | null }> {
  requireCursor(page.cursor, 'rate');
  const rows = await selectRows<RateRow>(
    client,
    `select * from ${BOTH} where ($2::text is null or id > $2) order by id limit $3`,
    [workspaceId, page.cursor ?? null, page.limit + 1],
  );
  const data = rows.slice(0, page.limit);
  return { data, nextCursor: rows.length > page.limit ? (data.at(-1)?.id ?? null) : null };
}

/** A rate that the workspace sees. */
export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<RateRow | null> {
  return selectOne(client, `select * from ${BOTH} where id = $2`, [workspaceId, id]);
}

/** Adds a rate. Throws PostgreSQL's 23505 where there is one for the same. */
export async function insert(client: Queryable, rate: RateRow): Promise<RateRow> {
  const { id, workspaceId, kind, provider, prefix, unit, microsPerUnit } = rate;
  if (workspaceId === null) {
    return requireOne(
      client,
      `insert into rates (id, kind, provider, prefix, unit, micros_per_unit)
       values ($1, $2, $3, $4, $5, $6) returning ${PLATFORM}`,
      [id, kind, provider, prefix, unit, microsPerUnit],
    );
  }
  return requireOne(
    client,
    `insert into workspace_rates (id, workspace_id, kind, provider, prefix, unit, micros_per_unit)
     values ($1, $2, $3, $4, $5, $6, $7) returning ${OWN}`,
    [id, workspaceId, kind, provider, prefix, unit, microsPerUnit],
  );
}

/** Changes the price of a rate of the platform (`workspaceId` null) or of a workspace. */
export async function setPrice(
  client: Queryable,
  rate: { id: string; workspaceId: string | null; microsPerUnit: number },
): Promise<RateRow | null> {
  const { id, workspaceId, microsPerUnit } = rate;
  return workspaceId === null
    ? selectOne(
        client,
        `update rates set micros_per_unit = $2 where id = $1 returning ${PLATFORM}`,
        [id, microsPerUnit],
      )
    : selectOne(
        client,
        `update workspace_rates set micros_per_unit = $3 where id = $1 and workspace_id = $2
         returning ${OWN}`,
        [id, workspaceId, microsPerUnit],
      );
}

/** False when there was none. */
export async function remove(
  client: Queryable,
  { id, workspaceId }: { id: string; workspaceId: string | null },
): Promise<boolean> {
  const touched =
    workspaceId === null
      ? await countTouched(client, 'delete from rates where id = $1', [id])
      : await countTouched(
          client,
          'delete from workspace_rates where id = $1 and workspace_id = $2',
          [id, workspaceId],
        );
  return touched > 0;
}

/** Sets the platform's price of a unit. */
export async function upsert(
  client: Queryable,
  rate: Omit<RatePrice, 'prefix'> & { prefix?: string },
): Promise<void> {
  await client.query(
    `insert into rates (kind, provider, prefix, unit, micros_per_unit) values ($1, $2, $3, $4, $5)
     on conflict (kind, provider, prefix, unit)
     do update set micros_per_unit = excluded.micros_per_unit`,
    [rate.kind, rate.provider, rate.prefix ?? '', rate.unit, rate.microsPerUnit],
  );
}
