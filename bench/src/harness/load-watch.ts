import os from 'node:os';
import { monotonicMs } from '../farm/monotonic.ts';
import type { PhoneFarmClient } from './phone-farm-client.ts';
import { machineUse, programUse } from './process-load.ts';

/** What was used between two moments. Cores: 1 is one core for all of the time. */
export interface Load {
  durationS: number;
  programCores: number;
  databaseCores: number;
  generatorCores: number;
  /** Everybody else on the machine, this benchmark's own process not counted. */
  otherCores: number;
  /** One minute's load average at the end. */
  loadAverage: number;
  /** Of the program at the end. */
  programResidentMb: number;
  databaseResidentMb: number;
  /** The program's busiest threads. */
  threads: { name: string; cores: number }[];
}

const THREADS_SHOWN = 6;

/** Begins to watch; the returned function tells what was used since. */
export async function watchLoad(pid: number, farm: PhoneFarmClient): Promise<() => Promise<Load>> {
  const before = await sample(pid, farm);
  return async () => {
    const after = await sample(pid, farm);
    const elapsedMs = after.atMs - before.atMs;
    const cores = (a: number, b: number): number => (b - a) / elapsedMs;
    const program = cores(before.program.program.cpuMs, after.program.program.cpuMs);
    const database = cores(before.program.children.cpuMs, after.program.children.cpuMs);
    const generator = cores(before.farmCpuMs, after.farmCpuMs);
    const own = cores(before.ownCpuMs, after.ownCpuMs);
    const busy = cores(before.busyMs, after.busyMs);
    const threads = Object.entries(after.program.threadCpuMs)
      .map(([name, cpuMs]) => ({
        name,
        cores: cores(before.program.threadCpuMs[name] ?? 0, cpuMs),
      }))
      .toSorted((a, b) => b.cores - a.cores)
      .slice(0, THREADS_SHOWN);
    return {
      durationS: elapsedMs / 1000,
      programCores: program,
      databaseCores: database,
      generatorCores: generator,
      otherCores: Math.max(0, busy - program - database - generator - own),
      loadAverage: os.loadavg()[0] ?? 0,
      programResidentMb: after.program.program.residentKb / 1024,
      databaseResidentMb: after.program.children.residentKb / 1024,
      threads,
    };
  };
}

async function sample(
  pid: number,
  farm: PhoneFarmClient,
): Promise<{
  atMs: number;
  busyMs: number;
  ownCpuMs: number;
  farmCpuMs: number;
  program: Awaited<ReturnType<typeof programUse>>;
}> {
  const [machine, program, farmCpuMs] = await Promise.all([
    machineUse(),
    programUse(pid),
    farm.cpuMs(),
  ]);
  const { user, system } = process.cpuUsage();
  return {
    atMs: monotonicMs(),
    busyMs: machine.busyMs,
    ownCpuMs: (user + system) / 1000,
    farmCpuMs,
    program,
  };
}
