import * as queries from '../db/queries/traffic.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';
import { firstIdAt } from '../shared/ids.ts';

const HOUR_MS = 3_600_000;
/** Several scrapers, or one that is impatient, ask the database once. */
const FRESH_MS = 10_000;

/** G30: how the last hour's outbound calls of each trunk went, for metrics. */
export function createTrafficGauges(
  client: Queryable,
  clock: Clock,
): { read(): Promise<queries.TrafficRow[]> } {
  let latest: { atMs: number; rows: Promise<queries.TrafficRow[]> } | null = null;
  return {
    read() {
      const atMs = clock.monotonicMs();
      if (latest && atMs - latest.atMs < FRESH_MS) return latest.rows;
      const sinceId = firstIdAt('call', clock.now() - HOUR_MS);
      // Metrics are wanted also while the database is away.
      const rows = queries.trafficQuality(client, null, sinceId).catch(() => []);
      latest = { atMs, rows };
      return rows;
    },
  };
}
