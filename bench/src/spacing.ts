/**
 * Spacing of the agent's packets at the receiver: `node bench/src/spacing.ts`. In the same run the
 * same receiver judges a bare Node sender with one timer chain a stream: the floor.
 */
import type { LinesReport } from './farm/farm-protocol.ts';
import type { BareSenderProcedures } from './farm/bare-sender.ts';
import { monologueAgent } from './harness/agents.ts';
import { startBenchSession, type BenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { forked } from './harness/forked.ts';
import { watchLoad, type Load } from './harness/load-watch.ts';
import { quantile, rounded } from './harness/quantile.ts';

const CALLS: readonly number[] = [1, 10, 100];
const FRAME_MS = 20;
const MEASURE_MS = 15_000;
/** Calls are placed this far apart, and no two begin in the same millisecond of a frame. */
const PLACE_EVERY_MS = 53;
const SETTLE_MS = 2_000;

export const spacing: Benchmark = {
  name: 'spacing',
  title: 'milliseconds that gaps between packets are off 20 ms',
  async run(output) {
    const session = await startBenchSession();
    try {
      const agentId = await session.createAgent(monologueAgent);
      for (const calls of CALLS) {
        const floor = await measureFloor(session, calls);
        await measureProgram(session, agentId, calls, output, floor);
      }
    } finally {
      await session.close();
    }
    output.note('ratio: p99 of the program over p99 of the bare sender.');
    output.note('own late p99: how late the receiver’s own sending was, in the same process.');
  },
};

async function measureProgram(
  session: BenchSession,
  agentId: string,
  calls: number,
  output: BenchOutput,
  floor: { report: LinesReport; load: Load },
): Promise<void> {
  const { farm, program } = session;
  await farm.plan({ behaviour: 'listen' });
  await session.placeCalls(agentId, calls, PLACE_EVERY_MS);
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS);
  });
  const load = await watchLoad(program.pid, farm);
  const report = await farm.measureLines(MEASURE_MS);
  const used = await load();
  await farm.hangUpAll();
  await session.settle();
  const own = quantile(offsets(report), 0.99);
  const bare = quantile(offsets(floor.report), 0.99);
  output.row(rowOf('bare sender', calls, floor.report), floor.load);
  output.row(
    {
      ...rowOf('program', calls, report),
      ratio: own === null || !bare ? null : Number((own / bare).toFixed(2)),
    },
    used,
  );
}

async function measureFloor(
  session: BenchSession,
  count: number,
): Promise<{ report: LinesReport; load: Load }> {
  const { farm, program } = session;
  const sender = forked<BareSenderProcedures>(new URL('farm/bare-sender.ts', import.meta.url));
  try {
    const senderPorts = await sender.rpc.call('open', { count });
    const remotePorts = await farm.openLines(senderPorts);
    await sender.rpc.call('send', { remotePorts });
    await new Promise((resolve) => {
      setTimeout(resolve, SETTLE_MS);
    });
    const load = await watchLoad(program.pid, farm);
    const report = await farm.measureLines(MEASURE_MS);
    return { report, load: await load() };
  } finally {
    await farm.closeLines();
    await sender.close();
  }
}

function rowOf(
  scenario: string,
  calls: number,
  report: LinesReport,
): Record<string, number | string | null> {
  const off = offsets(report);
  return {
    scenario,
    calls,
    lines: report.lines,
    packets: report.packets,
    'gap p50': rounded(report.gapsMs, 0.5, 2),
    'off p50': rounded(off, 0.5, 2),
    'off p99': rounded(off, 0.99, 2),
    'off max': rounded(off, 1, 1),
    'sequence errors': report.sequenceErrors,
    'timestamp errors': report.timestampErrors,
    'own late p99': rounded(report.ownLatenessMs, 0.99, 2),
  };
}

function offsets(report: LinesReport): number[] {
  return report.gapsMs.map((gapMs) => Math.abs(gapMs - FRAME_MS));
}

if (import.meta.main) await runBenchmark(spacing);
