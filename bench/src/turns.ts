/**
 * Turn latency on the wire: `node bench/src/turns.ts`. From the packet with the caller's last
 * audible sample to the agent's first audible packet.
 */
import type { Turn } from '@trunkline/sdk';
import type { AgentConfigInput } from '../../server/src/agents/agent-config.ts';
import type { TurnMeasure } from './farm/caller.ts';
import type { SpeechKind } from './farm/farm-protocol.ts';
import { askingAgent, SERIAL_FLOOR_MS, stubAgent } from './harness/agents.ts';
import { startBenchSession, type BenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { watchLoad } from './harness/load-watch.ts';
import { rounded } from './harness/quantile.ts';

interface Scenario {
  name: string;
  agent: AgentConfigInput;
  calls: number;
  turns: number;
  speech: SpeechKind;
  floorMs: number | null;
}

const embedded = { name: 'embedded speech', agent: askingAgent, floorMs: null };
const stubs = { name: 'stubs 150/350/120', agent: stubAgent, floorMs: SERIAL_FLOOR_MS };
const SCENARIOS: readonly Scenario[] = [
  { ...embedded, calls: 1, turns: 10, speech: 'synthetic' },
  { ...embedded, calls: 10, turns: 6, speech: 'synthetic' },
  { ...embedded, calls: 20, turns: 6, speech: 'synthetic' },
  { ...stubs, calls: 1, turns: 10, speech: 'synthetic' },
  { ...stubs, calls: 10, turns: 6, speech: 'synthetic' },
  { ...stubs, calls: 10, turns: 6, speech: 'recorded' },
];
/** A turn with its pauses, at most. */
const TURN_LIMIT_MS = 18_000;

export const turns: Benchmark = {
  name: 'turns',
  title: 'turn latency on the wire, milliseconds',
  async run(output) {
    const session = await startBenchSession();
    try {
      await warmUp(session);
      for (const scenario of SCENARIOS) await runScenario(session, scenario, output);
    } finally {
      await session.close();
    }
    output.note('end wait: of these, waited to be sure that the caller had finished (by the API).');
    output.note('cut off: the agent began while the caller was still speaking.');
    output.note(`over floor, ratio: against the delays in series, ${SERIAL_FLOOR_MS} ms.`);
  },
};

/** The first turn of a fresh program pays for compilation of its code. */
async function warmUp(session: BenchSession): Promise<void> {
  await session.farm.plan({ behaviour: 'talk', turns: 2, speech: 'synthetic' });
  for (const agent of [askingAgent, stubAgent]) {
    await session.placeCalls(await session.createAgent(agent), 1);
  }
  await session.farm.until(({ up, done }) => done >= up, 2 * TURN_LIMIT_MS);
  await session.farm.hangUpAll();
  await session.settle();
}

async function runScenario(
  session: BenchSession,
  scenario: Scenario,
  output: BenchOutput,
): Promise<void> {
  const { farm, program } = session;
  if (!farm.speech.includes(scenario.speech)) {
    output.note(`${scenario.speech} caller speech is not installed: that row is left out.`);
    return;
  }
  await farm.plan({ behaviour: 'talk', turns: scenario.turns, speech: scenario.speech });
  const agentId = await session.createAgent(scenario.agent);
  const load = await watchLoad(program.pid, farm);
  const placed = await session.placeCalls(agentId, scenario.calls);
  await farm.until(({ up, done }) => done >= up, scenario.turns * TURN_LIMIT_MS);
  const used = await load();
  const measured = (await farm.hangUpAll()).flatMap((report) => report.turns);
  await session.settle();
  const latencies = (
    await Promise.all(placed.map(async ({ id }) => (await program.client.getCall(id)).turns))
  ).flatMap((records: Turn[]) => records.flatMap(({ latency }) => (latency ? [latency] : [])));
  noteUtterances(scenario, measured, output);
  const onWire = measured.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  const p50 = rounded(onWire, 0.5);
  const { floorMs } = scenario;
  output.row(
    {
      scenario: scenario.name,
      caller: scenario.speech,
      calls: scenario.calls,
      asked: scenario.calls * scenario.turns,
      answered: onWire.length,
      'cut off': measured.filter(({ result }) => result === 'cut-off').length,
      p50,
      p95: rounded(onWire, 0.95),
      max: rounded(onWire, 1),
      'end wait p50': rounded(
        latencies.map((latency) => latency.endpointing_ms),
        0.5,
      ),
      'API total p50': rounded(
        latencies.map((latency) => latency.total_ms),
        0.5,
      ),
      'over floor': floorMs === null || p50 === null ? null : p50 - floorMs,
      ratio: floorMs === null || p50 === null ? null : Number((p50 / floorMs).toFixed(2)),
    },
    used,
  );
}

/** The waiting policy goes by the words, so sentences differ more than calls do. */
function noteUtterances(
  scenario: Scenario,
  measured: readonly TurnMeasure[],
  output: BenchOutput,
): void {
  const byUtterance = Map.groupBy(measured, ({ utterance }) => utterance);
  const parts = [...byUtterance].map(([utterance, all]) => {
    const answered = all.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
    return `${utterance} ${rounded(answered, 0.5) ?? '-'}`;
  });
  output.note(`${scenario.name}, ${scenario.calls} calls, p50 by words: ${parts.join('; ')}`);
}

if (import.meta.main) await runBenchmark(turns);
