/**
 * Spacing of the agent's packets at the receiver: `node bench/src/spacing.ts`. In the same run the
 * same receiver judges a bare Node sender with one timer chain a stream: the floor.
 */
import type { LineFigures } from './farm/line-meter.ts';
import type { LinesReport } from './farm/farm-protocol.ts';
import type { BareSenderProcedures } from './farm/bare-sender.ts';
import { monologueAgent } from './harness/agents.ts';
import { startBenchSession, type BenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { forked } from './harness/forked.ts';
import { watchLoad, type Load } from './harness/load-watch.ts';
import { watchPackets } from './harness/packet-stamps.ts';
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
    output.note(
      'stamped by kernel: arrival as the kernel saw it (python3 and the right to sniff); by receiver: as its event loop saw it.',
    );
    output.note('receiver off: the same by its event loop; late: its own sending.');
  },
};

async function measureProgram(
  session: BenchSession,
  agentId: string,
  calls: number,
  output: BenchOutput,
  floor: Spacing,
): Promise<void> {
  const { farm } = session;
  await farm.plan({ behaviour: 'listen' });
  await session.placeCalls(agentId, calls, PLACE_EVERY_MS);
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS);
  });
  const measured = await measure(session);
  await farm.hangUpAll();
  await session.settle();
  const own = quantile(offsets(measured.figures), 0.99);
  const bare = quantile(offsets(floor.figures), 0.99);
  output.row(rowOf('bare sender', calls, floor), floor.load);
  output.row(
    {
      ...rowOf('program', calls, measured),
      ratio: own === null || !bare ? null : Number((own / bare).toFixed(2)),
    },
    measured.load,
  );
}

interface Spacing {
  /** By the kernel's clock where that can be had, else by the receiver's event loop. */
  figures: LineFigures;
  stampedBy: 'kernel' | 'receiver';
  receiver: LinesReport;
  load: Load;
}

async function measure({ farm, program }: BenchSession): Promise<Spacing> {
  const load = await watchLoad(program.pid, farm);
  const stamps = await watchPackets();
  const receiver = await farm.measureLines(MEASURE_MS);
  const stamped = (await stamps?.stop(receiver.ports)) ?? null;
  const used = await load();
  // What the watcher missed would count as lost.
  return stamped === null || stamped.missed > 0
    ? { figures: receiver, stampedBy: 'receiver', receiver, load: used }
    : { figures: stamped.figures, stampedBy: 'kernel', receiver, load: used };
}

async function measureFloor(session: BenchSession, count: number): Promise<Spacing> {
  const { farm } = session;
  const sender = forked<BareSenderProcedures>(new URL('farm/bare-sender.ts', import.meta.url));
  try {
    const senderPorts = await sender.rpc.call('open', { count });
    const remotePorts = await farm.openLines(senderPorts);
    await sender.rpc.call('send', { remotePorts });
    await new Promise((resolve) => {
      setTimeout(resolve, SETTLE_MS);
    });
    return await measure(session);
  } finally {
    await farm.closeLines();
    await sender.close();
  }
}

function rowOf(
  scenario: string,
  calls: number,
  { figures, stampedBy, receiver }: Spacing,
): Record<string, number | string | null> {
  const off = offsets(figures);
  return {
    scenario,
    calls,
    lines: receiver.lines,
    packets: figures.packets,
    'stamped by': stampedBy,
    'gap p50': rounded(figures.gapsMs, 0.5, 2),
    'off p50': rounded(off, 0.5, 2),
    'off p99': rounded(off, 0.99, 2),
    'off max': rounded(off, 1, 1),
    'sequence errors': figures.sequenceErrors,
    'timestamp errors': figures.timestampErrors,
    'receiver off p99': rounded(offsets(receiver), 0.99, 2),
    'receiver late p99': rounded(receiver.ownLatenessMs, 0.99, 2),
  };
}

function offsets({ gapsMs }: Pick<LineFigures, 'gapsMs'>): number[] {
  return gapsMs.map((gapMs) => Math.abs(gapMs - FRAME_MS));
}

if (import.meta.main) await runBenchmark(spacing);
