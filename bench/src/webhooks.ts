/**
 * Webhooks: `node bench/src/webhooks.ts`. The real outbox in a real PostgreSQL, the real deliverer
 * and a receiver in a process of its own: how many a second when much waits, how late they come
 * when they come one after another, and what an endpoint that never answers costs the others.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { openDatabase, type Database } from '../../server/src/db/database.ts';
import type { Queryable } from '../../server/src/db/queries/queryable.ts';
import { createSafeFetch, type SafeFetch } from '../../server/src/egress/safe-fetch.ts';
import { appendCallEvent } from '../../server/src/events/event-log.ts';
import { systemClock } from '../../server/src/shared/clock.ts';
import { newId } from '../../server/src/shared/ids.ts';
import { silentLogger } from '../../server/src/shared/logger.ts';
import { startDeliverer, type Deliverer } from '../../server/src/webhooks/deliverer.ts';
import { createWebhookStore } from '../../server/src/webhooks/endpoint-store.ts';
import { formatList } from '../../server/src/webhooks/formats/format-list.ts';
import { createSecrets, type Secrets } from '../../server/src/workspaces/secrets.ts';
import { ensureDefaultWorkspace } from '../../server/src/workspaces/workspace-store.ts';
import { monotonicMs } from './farm/monotonic.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { forked, type Forked } from './harness/forked.ts';
import { rounded } from './harness/quantile.ts';
import type { SinkProcedures } from './webhook-sink.ts';

const CALLS = 2_000;
const EVENTS_PER_CALL = 5;
const WARM_UP_CALLS = 200;
const STEADY_PER_SECOND = [250, 1_000];
const STEADY_S = 6;
/** Connections that append at once; what is due commits together. */
const PRODUCERS = 5;
/** As many as the deliverer has to one endpoint at most. */
const BARE_CONCURRENCY = 64;

interface Lab {
  db: Database;
  secrets: Secrets;
  safeFetch: SafeFetch;
  workspaceId: string;
  sink: Forked<SinkProcedures>;
  port: number;
  deadPort: number;
}

const STATUS = {
  status: 'ringing',
  end_reason: null,
  ended_by: null,
  sip: { code: 180, reason: 'Ringing' },
};

export const webhooks: Benchmark = {
  name: 'webhooks',
  title: `${CALLS * EVENTS_PER_CALL} events of ${CALLS} calls, in order per call`,
  async run(output) {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trunkline-bench-'));
    const db = await openDatabase({ dataDir, logger: silentLogger, clock: systemClock });
    const sink = forked<SinkProcedures>(new URL('./webhook-sink.ts', import.meta.url));
    const safeFetch = createSafeFetch({
      allowPrivateTargets: ['127.0.0.0/8'],
      maxConnectionsPerOrigin: 1_024,
    });
    try {
      const workspace = await ensureDefaultWorkspace(db, systemClock);
      const ports = await sink.rpc.call('open', undefined);
      const secrets = createSecrets([randomBytes(32)]);
      const lab = { db, secrets, safeFetch, sink, workspaceId: workspace.id, ...ports };
      await endpoint(lab, `http://127.0.0.1:${lab.port}/hook`);
      await backlog(lab, WARM_UP_CALLS);
      const bare = await bareLoop(lab, output);
      const alone = await drain(lab, output, 'backlog', bare);
      await endpoint(lab, `http://127.0.0.1:${lab.deadPort}/never`);
      const beside = await drain(lab, output, 'backlog, beside a dead endpoint', bare);
      const change = (100 * (beside - alone)) / alone;
      output.note(`A dead endpoint changes the rate of the other by ${change.toFixed(1)} %.`);
      for (const rate of STEADY_PER_SECOND) await steady(lab, output, rate, bare);
      output.note('Late: from the start of the transaction that appends it to the receiver.');
      output.note('Of a backlog it says how long the backlog stood, and nothing more.');
    } finally {
      await safeFetch.close();
      await sink.close();
      await db.close();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
};

async function endpoint(lab: Lab, url: string): Promise<void> {
  const store = createWebhookStore({
    clock: systemClock,
    secrets: lab.secrets,
    checkTargetUrl: lab.safeFetch.checkTargetUrl,
    formats: ['trunkline'],
  });
  await store.create(lab.db.pool, lab.workspaceId, { url });
}

function deliver(lab: Lab): Deliverer {
  return startDeliverer({
    db: lab.db,
    clock: systemClock,
    logger: silentLogger,
    secrets: lab.secrets,
    safeFetch: lab.safeFetch,
    formats: formatList({ describeCall: ({ call }) => ({ id: call.id }) }),
    recordingUrlOf: () => null,
    nodeId: newId('node', systemClock.now()),
  });
}

async function addCalls(lab: Lab, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('call', systemClock.now()));
  await lab.db.pool.query(
    `insert into calls (id, workspace_id, direction, from_number, to_number, status)
     select id, $2, 'outbound', '+15005550199', '+15005550101', 'ringing' from unnest($1::text[]) id`,
    [ids, lab.workspaceId],
  );
  return ids;
}

async function appendAll(client: Queryable, callIds: readonly string[]): Promise<void> {
  for (const callId of callIds) {
    await appendCallEvent(client, callId, { type: 'call.ringing', data: STATUS });
  }
}

/** Puts events of new calls on the outbox, and what delivers them is not there yet. */
async function fill(lab: Lab, calls: number): Promise<number> {
  const ids = await addCalls(lab, calls);
  for (let n = 0; n < EVENTS_PER_CALL; n++) {
    for (let from = 0; from < ids.length; from += 100) {
      const part = ids.slice(from, from + 100);
      await lab.db.transaction((client) => appendAll(client, part));
    }
  }
  return ids.length * EVENTS_PER_CALL;
}

/** Delivers what waits and returns how long it took. */
async function backlog(lab: Lab, calls: number): Promise<{ count: number; tookMs: number }> {
  const count = await fill(lab, calls);
  await lab.sink.rpc.call('reset', undefined);
  const startedMs = monotonicMs();
  const deliverer = deliver(lab);
  await delivered(lab, count);
  const tookMs = monotonicMs() - startedMs;
  await deliverer.close();
  return { count, tookMs };
}

/** Waits until so many deliveries to the live endpoint are stored as delivered. */
async function delivered(lab: Lab, count: number): Promise<void> {
  while ((await lab.sink.rpc.call('count', undefined)) < count) await sleep(50);
  for (;;) {
    const { rows } = await lab.db.pool.query<{ waiting: number }>(
      `select count(*)::int as waiting from webhook_deliveries d
       join webhook_endpoints e on e.id = d.endpoint_id
       where d.state = 'pending' and e.url like '%/hook'`,
    );
    if (rows[0]?.waiting === 0) return;
    await sleep(20);
  }
}

async function drain(
  lab: Lab,
  output: BenchOutput,
  scenario: string,
  bare: number,
): Promise<number> {
  const cpuMs = ownCpuMs();
  const { count, tookMs } = await backlog(lab, CALLS);
  const perSecond = (1_000 * count) / tookMs;
  output.row({
    scenario,
    deliveries: count,
    'per second': Math.round(perSecond),
    'of the bare loop': Number((perSecond / bare).toFixed(2)),
    'late p50 ms': null,
    'late p99 ms': null,
    'deliverer cores': Number(((ownCpuMs() - cpuMs) / tookMs).toFixed(2)),
    'load avg': load(),
  });
  return perSecond;
}

/** Events one after another at a rate, delivered as they come. */
async function steady(lab: Lab, output: BenchOutput, rate: number, bare: number): Promise<void> {
  const ids = await addCalls(lab, rate);
  const count = rate * STEADY_S;
  await lab.sink.rpc.call('reset', undefined);
  const deliverer = deliver(lab);
  const startedMs = monotonicMs();
  const cpuMs = ownCpuMs();
  const produce = async (own: readonly string[]): Promise<void> => {
    for (let n = 0; n < own.length * STEADY_S;) {
      const elapsedS = (monotonicMs() - startedMs) / 1_000;
      const until = Math.min(own.length * STEADY_S, Math.ceil(own.length * elapsedS));
      const due = own.slice(n % own.length, (n % own.length) + until - n);
      if (due.length > 0) await lab.db.transaction((client) => appendAll(client, due));
      n += due.length;
      deliverer.wake();
      await sleep(5);
    }
  };
  const share = rate / PRODUCERS;
  const shares = Array.from({ length: PRODUCERS }, (_, n) => ids.slice(n * share, (n + 1) * share));
  await Promise.all(shares.map(produce));
  await delivered(lab, count);
  const tookMs = monotonicMs() - startedMs;
  const { agesMs } = await lab.sink.rpc.call('report', undefined);
  await deliverer.close();
  output.row({
    scenario: `${rate} a second, beside a dead endpoint`,
    deliveries: count,
    'per second': Math.round((1_000 * count) / tookMs),
    'of the bare loop': Number((count / (tookMs / 1_000) / bare).toFixed(2)),
    'late p50 ms': rounded(agesMs, 0.5),
    'late p99 ms': rounded(agesMs, 0.99),
    'deliverer cores': Number(((ownCpuMs() - cpuMs) / tookMs).toFixed(2)),
    'load avg': load(),
  });
}

/** The same number of requests to the same receiver, with nothing stored and nothing signed. */
async function bareLoop(lab: Lab, output: BenchOutput): Promise<number> {
  const agent = new Agent({ connections: BARE_CONCURRENCY });
  const body = JSON.stringify({
    type: 'call.ringing',
    timestamp: new Date().toISOString(),
    call_id: newId('call', systemClock.now()),
    sequence: 1,
    data: STATUS,
  });
  let left = CALLS * EVENTS_PER_CALL;
  const cpuMs = ownCpuMs();
  const startedMs = monotonicMs();
  const loop = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await agent.request({
        origin: `http://127.0.0.1:${lab.port}`,
        path: '/hook',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await response.body.dump();
    }
  };
  await Promise.all(Array.from({ length: BARE_CONCURRENCY }, loop));
  const tookMs = monotonicMs() - startedMs;
  await agent.close();
  const perSecond = (1_000 * CALLS * EVENTS_PER_CALL) / tookMs;
  output.row({
    scenario: 'bare undici loop',
    deliveries: CALLS * EVENTS_PER_CALL,
    'per second': Math.round(perSecond),
    'of the bare loop': 1,
    'late p50 ms': null,
    'late p99 ms': null,
    'deliverer cores': Number(((ownCpuMs() - cpuMs) / tookMs).toFixed(2)),
    'load avg': load(),
  });
  return perSecond;
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function load(): number {
  return Number((os.loadavg()[0] ?? 0).toFixed(2));
}

if (import.meta.main) await runBenchmark(webhooks);
