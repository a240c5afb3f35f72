import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase, type Database } from '../../server/src/db/database.ts';
import * as agents from '../../server/src/db/queries/agents.ts';
import type { Queryable } from '../../server/src/db/queries/queryable.ts';
import { systemClock } from '../../server/src/shared/clock.ts';
import { silentLogger } from '../../server/src/shared/logger.ts';

/** What the fence costs a statement: the same query on the pool and behind row security. */

const ROWS = 2_000;
const RUNS = 4_000;
const ROUNDS = 3;

const dataDir = await mkdtemp(path.join(tmpdir(), 'trunkline-bench-'));
const database = await openDatabase({ dataDir, logger: silentLogger, clock: systemClock });
try {
  await fill(database);
  const ids = Array.from({ length: RUNS }, (_none, index) => `agent_${index % ROWS}`);
  const read = (client: Queryable) => (id: string) => agents.get(client, 'ws_bench', id);
  const tenant = database.tenant('ws_bench');
  for (const width of [1, 10]) {
    for (let round = 0; round < ROUNDS; round++) {
      const open = await microsPerQuery(ids, width, read(database.pool));
      const fenced = await microsPerQuery(ids, width, read(tenant));
      const block = await microsPerQuery(ids, width, (id) =>
        tenant.transaction((client) => read(client)(id)),
      );
      console.log(
        `${width} at a time: pool ${open.toFixed(0)} us, tenant ${fenced.toFixed(0)} us ` +
          `(+${(fenced - open).toFixed(0)}), tenant transaction ${block.toFixed(0)} us`,
      );
    }
  }
} finally {
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
}

async function fill({ pool }: Database): Promise<void> {
  await pool.query(`insert into workspaces (id, name) values ('ws_bench', 'Bench')`);
  await pool.query(
    `insert into agents (id, workspace_id, config)
     select 'agent_' || n, 'ws_bench', '{"name": "bench"}' from generate_series(0, $1) n`,
    [ROWS - 1],
  );
  await pool.query('analyze');
}

/** Wall time by queries, `width` of them under way at any time. */
async function microsPerQuery(
  ids: readonly string[],
  width: number,
  run: (id: string) => Promise<unknown>,
): Promise<number> {
  const waiting = ids.values();
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const id of waiting) await run(id);
    }),
  );
  return ((performance.now() - startMs) * 1_000) / ids.length;
}
