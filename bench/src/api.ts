/**
 * The API under a table of a million calls: `node bench/src/api.ts [--rows 1000000] [--live 100]`.
 * Placing (far ahead), listing, filtering and reading, beside the floor in the same run, in two ways:
 * `--rate` requests a second, each timed from when it was due, and as many as it can answer, four at
 * a time. Then POST to INVITE while calls live. With `--data` the filled database is kept in that
 * folder and used again.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { openDatabase, type Database } from '../../server/src/db/database.ts';
import { systemClock } from '../../server/src/shared/clock.ts';
import { silentLogger } from '../../server/src/shared/logger.ts';
import { stubAgent } from './harness/agents.ts';
import { startBenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { startProgram, type Program } from './harness/program.ts';
import { rounded } from './harness/quantile.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    live: { type: 'string' },
    requests: { type: 'string' },
    rate: { type: 'string' },
    data: { type: 'string' },
  },
});
const ROWS = Number(values.rows ?? 1_000_000);
const LIVE_CALLS = Number(values.live ?? 100);
const REQUESTS = Number(values.requests ?? 2_000);
const RATE = Number(values.rate ?? 100);
const CONCURRENCY = 4;
const WARM_UP = 200;
const PROBES = 50;
const KEY = 'tl_bench_key_0123456789abcdef0123456789abcdef';
const FROM = '+14155552000';
const DAY_MS = 86_400_000;

interface Request {
  method: 'GET' | 'POST';
  path: string;
  body?: object;
}

/** Ids of rows that are there. */
interface Sample {
  workspaceId: string;
  callId: string;
  agentId: string;
  to: string;
  from: string;
  after: string;
  before: string;
}

export const api: Benchmark = {
  name: 'api',
  title: `${ROWS} calls in the table, ${RATE} requests a second and ${CONCURRENCY} at a time, milliseconds`,
  async run(output) {
    await underRows(output);
    if (LIVE_CALLS > 0) await whileCallsLive(output);
  },
};

async function underRows(output: BenchOutput): Promise<void> {
  const dataDir = values.data ?? (await mkdtemp(path.join(os.tmpdir(), 'trunkline-bench-')));
  const logFile = path.join(os.tmpdir(), `trunkline-bench-${process.pid}.log`);
  const start = () => startProgram({ TRUNKLINE_DATA_DIR: dataDir, LOG_FILE: logFile });
  let program: Program | null = await start();
  try {
    const parts = await createParts(program);
    await program.stop();
    program = null;
    const { sample, floor } = await fillAndMeasureFloor(dataDir, parts);
    program = await start();
    output.row({ scenario: 'floor: fastify and select 1', ...floor.figures });
    for (const [scenario, request] of scenarios(sample)) {
      const { figures, p99 } = await measure(program.client.baseUrl, request);
      const ratio = p99 === null || !floor.p99 ? null : Number((p99 / floor.p99).toFixed(1));
      output.row({ scenario, ...figures, 'p99 of floor': ratio });
    }
    output.note(`load average at the end: ${os.loadavg()[0]?.toFixed(1)}.`);
  } finally {
    await program?.stop();
    if (values.data === undefined) await rm(dataDir, { recursive: true, force: true });
  }
}

function scenarios(sample: Sample): [string, (n: number) => Request][] {
  const { agentId, from, to, after, before, callId } = sample;
  const list = (query: string) => (): Request => ({ method: 'GET', path: `/v1/calls?${query}` });
  const scheduledAt = new Date(Date.now() + 300 * DAY_MS).toISOString();
  const place = (n: number): Request => ({
    method: 'POST',
    path: '/v1/calls',
    body: {
      to: `+1415556${String(n % 10_000).padStart(4, '0')}`,
      from,
      agent_id: agentId,
      scheduled_at: scheduledAt,
      variables: { name: 'Maria', appointment: { day: 'Tuesday' } },
    },
  });
  return [
    ['POST /v1/calls, scheduled', place],
    ['GET /v1/calls, newest 50', list('limit=50')],
    ['GET by status', list('status=failed')],
    ['GET by agent', list(`agent_id=${agentId}`)],
    ['GET by agent and status', list(`agent_id=${agentId}&status=no-answer`)],
    ['GET by number called', list(`to=${encodeURIComponent(to)}`)],
    ['GET by an old day', list(`created_after=${after}&created_before=${before}`)],
    ['GET by metadata', list('metadata_key=order&metadata_value=order-77000')],
    ['GET one', () => ({ method: 'GET', path: `/v1/calls/${callId}` })],
  ];
}

type Parts = Pick<Sample, 'agentId' | 'from'> & { trunkId: string };

/** An agent, a trunk and its number: those of a run before, or new ones. */
async function createParts({ client }: Program): Promise<Parts> {
  type Numbers = { data: { number: string; trunk_id: string; agent_id: string }[] };
  const numbers = await client.request<Numbers>('GET', '/v1/numbers?limit=100');
  const kept = numbers.data.find(({ number }) => number === FROM);
  if (kept) return { agentId: kept.agent_id, from: FROM, trunkId: kept.trunk_id };
  const { id: agentId } = await client.request<{ id: string }>('POST', '/v1/agents', stubAgent);
  const from = FROM;
  const { id: trunkId } = await client.request<{ id: string }>('POST', '/v1/trunks', {
    name: 'bench',
    gateways: [{ host: '127.0.0.1', port: 9, transport: 'udp' }],
  });
  await client.request('POST', '/v1/numbers', {
    number: from,
    trunk_id: trunkId,
    agent_id: agentId,
  });
  return { agentId, from, trunkId };
}

/** The calls of months past, and the floor on the same database while the program is down. */
async function fillAndMeasureFloor(
  dataDir: string,
  parts: Parts,
): Promise<{ sample: Sample; floor: Measured }> {
  const db = await openDatabase({ dataDir, logger: silentLogger, clock: systemClock });
  try {
    return { sample: await fill(db, parts), floor: await measureFloor(db.url) };
  } finally {
    await db.close();
  }
}

async function fill({ pool }: Database, parts: Parts): Promise<Sample> {
  const { agentId, from, trunkId } = parts;
  const { rows } = await pool.query<{ id: string }>('select id from workspaces limit 1');
  const workspaceId = rows[0]?.id ?? '';
  const oldest = await pool.query<{ ms: number }>(OLDEST);
  const startMs = oldest.rows[0]?.ms ?? Date.now() - 180 * DAY_MS;
  if (oldest.rows.length === 0) {
    const client = await pool.connect();
    // What the rows name is there: looking it up for each would take longer than the rows.
    await client.query('set session_replication_role = replica');
    await client.query(FILL, [ROWS, startMs, (180 * DAY_MS) / ROWS, workspaceId, agentId, trunkId]);
    client.release(true);
  }
  await pool.query('vacuum analyze calls');
  const middle = new Date(startMs + 90 * DAY_MS);
  const found = await pool.query<{ id: string; to_number: string }>(
    'select id, to_number from calls where created_at >= $1 order by id limit 1',
    [middle],
  );
  return {
    workspaceId,
    agentId,
    from,
    callId: found.rows[0]?.id ?? '',
    to: found.rows[0]?.to_number ?? '',
    after: middle.toISOString(),
    before: new Date(middle.getTime() + DAY_MS).toISOString(),
  };
}

const OLDEST = `select extract(epoch from created_at)::float8 * 1000 as ms from calls
  order by created_at limit 1`;

/** Ids as the program makes them: ten characters of time, base 32, then chance. */
const FILL = `
  insert into calls (id, workspace_id, agent_id, trunk_id, direction, from_number, to_number, status,
    end_reason, ended_by, metadata, batch_id, created_at, ended_at)
  select 'call_' || (
      select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', ((ms >> (5 * i)) & 31)::int + 1, 1), ''
        order by i desc) from generate_series(0, 9) i) || substr(md5(n::text), 1, 16),
    $4, $5, $6, case when n % 5 = 0 then 'inbound' else 'outbound' end, '+14155552000',
    '+1415' || lpad((n::bigint * 7919 % 10000000)::text, 7, '0'),
    case when n % 100 < 70 then 'completed' when n % 100 < 85 then 'no-answer'
      when n % 100 < 95 then 'busy' else 'failed' end,
    'callee-hangup', 'callee',
    case when n % 10 = 0 then jsonb_build_object('order', 'order-' || n) else '{}' end,
    case when n % 2 = 0 then 'batch_' || (n / 10000) end,
    to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0)
  from (select n, ($2::float8 + n * $3::float8)::bigint as ms from generate_series(0, $1::int - 1) n) rows`;

interface Measured {
  figures: Record<string, number | null>;
  p99: number | null;
}

async function measureFloor(url: string): Promise<Measured> {
  const port = await freePort();
  const child = fork(new URL('./api-floor.ts', import.meta.url), [url, String(port)]);
  await once(child, 'message');
  const measured = await measure(`http://127.0.0.1:${port}`, () => ({ method: 'GET', path: '/' }));
  child.disconnect();
  await once(child, 'exit');
  return measured;
}

async function measure(baseUrl: string, requestOf: (n: number) => Request): Promise<Measured> {
  const pool = new Pool(baseUrl, { connections: 64 });
  try {
    await allAtOnce(pool, requestOf, WARM_UP);
    const paced = await atRate(pool, requestOf);
    const startMs = performance.now();
    const full = await allAtOnce(pool, requestOf, REQUESTS);
    const perSecond = Math.round((REQUESTS * 1_000) / (performance.now() - startMs));
    const p99 = rounded(paced, 0.99, 1);
    return {
      figures: {
        [`p50 at ${RATE}/s`]: rounded(paced, 0.5, 1),
        [`p99 at ${RATE}/s`]: p99,
        'a second at most': perSecond,
        'p50 then': rounded(full, 0.5, 1),
        'p99 then': rounded(full, 0.99, 1),
      },
      p99,
    };
  } finally {
    await pool.close();
  }
}

/** Times of requests that leave as soon as one of so many places is free. */
async function allAtOnce(
  pool: Pool,
  requestOf: (n: number) => Request,
  count: number,
): Promise<number[]> {
  const timesMs: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (next < count) timesMs.push(await time(pool, requestOf(next++)));
    }),
  );
  return timesMs;
}

/** Times from when each request was due: one that leaves late, behind a slow one, counts its wait. */
async function atRate(pool: Pool, requestOf: (n: number) => Request): Promise<number[]> {
  const startMs = performance.now();
  const running: Promise<number>[] = [];
  for (let n = 0; n < REQUESTS; n++) {
    const dueMs = startMs + (n * 1_000) / RATE;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    running.push(time(pool, requestOf(n), dueMs));
  }
  return Promise.all(running);
}

async function time(
  pool: Pool,
  { method, path: target, body }: Request,
  startMs = performance.now(),
): Promise<number> {
  const response = await pool.request({
    method,
    path: target,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.body.text();
  if (response.statusCode >= 300) throw new Error(`${method} ${target}: ${text.slice(0, 300)}`);
  return performance.now() - startMs;
}

/** POST to INVITE, the agent's words made ready in between; its caller speaks first. */
async function whileCallsLive(output: BenchOutput): Promise<void> {
  const session = await startBenchSession();
  try {
    const agentId = await session.createAgent({ ...stubAgent, greeting: null });
    await session.farm.plan({ behaviour: 'listen' });
    for (const live of [0, LIVE_CALLS]) {
      if (live > 0) await session.placeCalls(agentId, live, 50);
      const placed = await session.placeCalls(agentId, PROBES, 100);
      const reports = await session.farm.collect();
      const invitedAtMs = new Map(reports.map((report) => [report.number, report.inviteAtMs]));
      const spans = placed.flatMap(({ number, postedAtMs }) => {
        const atMs = invitedAtMs.get(number);
        return atMs === undefined ? [] : [atMs - postedAtMs];
      });
      output.row({
        scenario: `POST to INVITE with ${live} calls live`,
        p50: rounded(spans, 0.5, 1),
        p99: rounded(spans, 0.99, 1),
      });
      if (live === 0) {
        await session.farm.hangUpAll();
        await session.settle();
      }
    }
    await session.farm.hangUpAll();
  } finally {
    await session.close();
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

if (import.meta.main) await runBenchmark(api);
