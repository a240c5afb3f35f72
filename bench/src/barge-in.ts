/**
 * Reaction to being interrupted: `node bench/src/barge-in.ts`. From the packet with the caller's
 * first audible sample to the agent's last audible packet before 200 ms of silence.
 */
import type { AgentConfigInput } from '../../server/src/agents/agent-config.ts';
import type { SpeechKind } from './farm/farm-protocol.ts';
import { longWindedAskingAgent, longWindedStubAgent } from './harness/agents.ts';
import { startBenchSession, type BenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { watchLoad } from './harness/load-watch.ts';
import { rounded } from './harness/quantile.ts';

interface Scenario {
  name: string;
  agent: AgentConfigInput;
  calls: number;
  rounds: number;
  speech: SpeechKind;
}

const stubs = { name: 'stubs', agent: longWindedStubAgent };
const embedded = { name: 'embedded speech', agent: longWindedAskingAgent };
const SCENARIOS: readonly Scenario[] = [
  { ...stubs, calls: 1, rounds: 12, speech: 'synthetic' },
  { ...stubs, calls: 10, rounds: 6, speech: 'synthetic' },
  { ...stubs, calls: 10, rounds: 6, speech: 'recorded' },
  { ...embedded, calls: 1, rounds: 12, speech: 'synthetic' },
  { ...embedded, calls: 10, rounds: 6, speech: 'synthetic' },
];
const ROUND_LIMIT_MS = 15_000;

export const bargeIn: Benchmark = {
  name: 'barge-in',
  title: 'caller onset to the agent’s last packet, milliseconds',
  async run(output) {
    const session = await startBenchSession();
    try {
      for (const scenario of SCENARIOS) await runScenario(session, scenario, output);
    } finally {
      await session.close();
    }
    output.note('stopped: for good; resumed: spoke on while the caller was still speaking.');
    output.note('not stopped: spoke on through the caller’s words.');
  },
};

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
  await farm.plan({ behaviour: 'interrupt', rounds: scenario.rounds, speech: scenario.speech });
  const agentId = await session.createAgent(scenario.agent);
  const load = await watchLoad(program.pid, farm);
  await session.placeCalls(agentId, scenario.calls);
  await farm.until(({ up, done }) => done >= up, scenario.rounds * ROUND_LIMIT_MS);
  const used = await load();
  const measured = (await farm.hangUpAll())
    .flatMap((report) => report.bargeIns)
    .filter(({ result }) => result !== 'paused');
  await session.settle();
  const reactions = measured.flatMap(({ reactionMs }) => (reactionMs === null ? [] : [reactionMs]));
  const count = (wanted: string): number =>
    measured.filter(({ result }) => result === wanted).length;
  output.row(
    {
      scenario: scenario.name,
      caller: scenario.speech,
      calls: scenario.calls,
      tried: measured.length,
      stopped: count('stopped'),
      resumed: count('resumed'),
      'not stopped': count('not-stopped'),
      p50: rounded(reactions, 0.5),
      p95: rounded(reactions, 0.95),
      max: rounded(reactions, 1),
    },
    used,
  );
}

if (import.meta.main) await runBenchmark(bargeIn);
