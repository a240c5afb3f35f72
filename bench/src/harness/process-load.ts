import { readdir, readFile } from 'node:fs/promises';

/** What processes have used so far. */
export interface ProcessUse {
  cpuMs: number;
  residentKb: number;
}

/** The program and what it started, apart. */
export interface ProgramUse {
  program: ProcessUse;
  /** Processes below it: the embedded database. Their shared memory is counted once for each. */
  children: ProcessUse;
  /** Milliseconds of CPU by the names of the program's threads. */
  threadCpuMs: Record<string, number>;
}

/** What the whole machine has used so far, in milliseconds of one core. */
export interface MachineUse {
  busyMs: number;
}

/** USER_HZ of Linux on every common architecture. */
const TICKS_PER_SECOND = 100;
const MS_PER_TICK = 1000 / TICKS_PER_SECOND;
/** Fields of /proc/PID/stat behind the command's name, which may hold spaces. */
const PARENT = 1;
const UTIME = 11;
const STIME = 12;

/** Reads /proc of a process, with all of its threads, and of its descendants. */
export async function programUse(pid: number): Promise<ProgramUse> {
  const parents = await parentsOfAll();
  const below = [...parents.keys()].filter((one) => one !== pid && isBelow(one, pid, parents));
  const children = await Promise.all(below.map(processUse));
  return {
    program: await processUse(pid),
    children: children.reduce(
      (a, b) => ({ cpuMs: a.cpuMs + b.cpuMs, residentKb: a.residentKb + b.residentKb }),
      { cpuMs: 0, residentKb: 0 },
    ),
    threadCpuMs: await threadUse(pid),
  };
}

export async function machineUse(): Promise<MachineUse> {
  const [line] = (await readFile('/proc/stat', 'utf8')).split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (line ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { busyMs: (user + nice + system + irq + softirq) * MS_PER_TICK };
}

async function processUse(pid: number): Promise<ProcessUse> {
  const stat = await statFields(`/proc/${pid}/stat`);
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return { cpuMs: cpuMsOf(stat), residentKb: Number(resident ?? 0) };
}

async function threadUse(pid: number): Promise<Record<string, number>> {
  const use: Record<string, number> = {};
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  for (const thread of threads) {
    const folder = `/proc/${pid}/task/${thread}`;
    const name = (await readFile(`${folder}/comm`, 'utf8').catch(() => '?')).trim();
    // Numbered threads of one kind are told apart by their id.
    const key = `${name}#${thread === String(pid) ? 'main' : thread}`;
    use[key] = cpuMsOf(await statFields(`${folder}/stat`));
  }
  return use;
}

async function parentsOfAll(): Promise<Map<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(
    pids.map(async (pid): Promise<[number, number]> => {
      const stat = await statFields(`/proc/${pid}/stat`);
      return [pid, Number(stat[PARENT] ?? 0)];
    }),
  );
  return new Map(entries);
}

function isBelow(pid: number, ancestor: number, parents: ReadonlyMap<number, number>): boolean {
  let at = pid;
  for (let depth = 0; depth < 20 && at > 1; depth++) {
    at = parents.get(at) ?? 0;
    if (at === ancestor) return true;
  }
  return false;
}

/** Empty where the process has ended meanwhile. */
async function statFields(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
}

function cpuMsOf(stat: readonly string[]): number {
  return (Number(stat[UTIME] ?? 0) + Number(stat[STIME] ?? 0)) * MS_PER_TICK;
}
