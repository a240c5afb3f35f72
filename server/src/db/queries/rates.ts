import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

export interface RateRow {
  kind: 'platform' | 'network' | 'transcriber' | 'model' | 'synthesizer';
  provider: string;
  unit: 'minute' | 'character' | 'input_token' | 'output_token';
  /** Millionths of the workspace's currency. */
  microsPerUnit: number;
}

export async function all(client: Queryable): Promise<RateRow[]> {
  return selectRows(client, 'select * from rates order by kind, provider, unit');
}

/** Sets the price of a unit. */
export async function upsert(client: Queryable, rate: RateRow): Promise<void> {
  await client.query(
    `insert into rates (kind, provider, unit, micros_per_unit) values ($1, $2, $3, $4)
     on conflict (kind, provider, unit) do update set micros_per_unit = excluded.micros_per_unit`,
    [rate.kind, rate.provider, rate.unit, rate.microsPerUnit],
  );
}
