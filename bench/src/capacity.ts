/**
 * What a call costs: `node bench/src/capacity.ts`. CPU and memory of the program from /proc, all
 * threads, while callers talk; the load generator and the database apart.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConfigInput } from '../../server/src/agents/agent-config.ts';
import { askingAgent, stubAgent } from './harness/agents.ts';
import { startBenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { watchLoad, type Load } from './harness/load-watch.ts';
import { rounded } from './harness/quantile.ts';

interface Scenario {
  name: string;
  agent: AgentConfigInput;
  calls: number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'stubs 150/350/120', agent: stubAgent, calls: 50 },
  { name: 'stubs, no recording', agent: { ...stubAgent, recording: false }, calls: 50 },
  { name: 'embedded speech', agent: askingAgent, calls: 20 },
];
const SETTLE_MS = 3_000;
const IDLE_MS = 8_000;
const MEASURE_MS = 20_000;
/** Nobody runs out of things to say. */
const TURNS = 1_000;

export const capacity: Benchmark = {
  name: 'capacity',
  title: 'CPU and memory of the program while callers talk',
  async run(output) {
    for (const scenario of SCENARIOS) await runScenario(scenario, output);
    output.note('% of a core a call: the program with the idle share taken off.');
    output.note(
      'MB a call: growth of resident memory from idle with one call behind it, per call.',
    );
    output.note('database: the embedded PostgreSQL; generator: the load generator’s process.');
  },
};

async function runScenario(scenario: Scenario, output: BenchOutput): Promise<void> {
  // A fresh program each: memory that the last scenario left must not count.
  const session = await startBenchSession();
  const { farm, program } = session;
  try {
    const agentId = await session.createAgent(scenario.agent);
    await farm.plan({ behaviour: 'talk', turns: 2, speech: 'synthetic' });
    await session.placeCalls(agentId, 1);
    await farm.until(({ up, done }) => done >= up, 30_000);
    await farm.hangUpAll();
    await session.settle();
    await sleep(SETTLE_MS);
    const watchIdle = await watchLoad(program.pid, farm);
    await sleep(IDLE_MS);
    const idle = await watchIdle();
    output.row(rowOf('idle', 0, idle, null), idle);

    await farm.plan({ behaviour: 'talk', turns: TURNS, speech: 'synthetic' });
    await session.placeCalls(agentId, scenario.calls, 101);
    await sleep(SETTLE_MS);
    const watch = await watchLoad(program.pid, farm);
    const turnsBefore = (await farm.collect()).map((report) => report.turns.length);
    await sleep(MEASURE_MS);
    const used = await watch();
    const { up } = await farm.state();
    const turns = (await farm.hangUpAll()).flatMap((report, n) =>
      report.turns.slice(turnsBefore[n] ?? 0),
    );
    await session.settle();
    const latencies = turns.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
    output.row(
      {
        ...rowOf(scenario.name, up, used, idle),
        turns: turns.length,
        answered: latencies.length,
        'turn p50': rounded(latencies, 0.5),
        'turn p95': rounded(latencies, 0.95),
      },
      used,
    );
    for (const { name, cores } of used.threads) {
      if (cores < 0.005) continue;
      output.note(`${scenario.name}: thread ${name} ${(cores * 100).toFixed(1)} % of a core.`);
    }
  } finally {
    await session.close();
  }
}

function rowOf(
  scenario: string,
  calls: number,
  load: Load,
  idle: Load | null,
): Record<string, number | string | null> {
  const perCall = (now: number, before: number): number | null =>
    calls === 0 ? null : (now - before) / calls;
  const cpu = perCall(load.programCores, idle?.programCores ?? 0);
  const memory = perCall(load.programResidentMb, idle?.programResidentMb ?? 0);
  return {
    scenario,
    calls,
    'program %': Number((load.programCores * 100).toFixed(1)),
    '% a call': cpu === null ? null : Number((cpu * 100).toFixed(2)),
    'program MB': Math.round(load.programResidentMb),
    'MB a call': memory === null ? null : Number(memory.toFixed(2)),
    'database %': Number((load.databaseCores * 100).toFixed(1)),
    'generator %': Number((load.generatorCores * 100).toFixed(1)),
  };
}

if (import.meta.main) await runBenchmark(capacity);
