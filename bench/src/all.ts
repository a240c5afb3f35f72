/**
 * Every benchmark of the running program: `node bench/src/all.ts [--out FILE]`. Prints one table a
 * benchmark and writes all figures as JSON.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bargeIn } from './barge-in.ts';
import { capacity } from './capacity.ts';
import {
  machineLine,
  printReport,
  runBenchmark,
  type Benchmark,
  type BenchReport,
} from './harness/benchmark.ts';
import { setup } from './setup.ts';
import { spacing } from './spacing.ts';
import { turns } from './turns.ts';

const BENCHMARKS: readonly Benchmark[] = [spacing, turns, bargeIn, setup, capacity];

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const out = path.resolve(values.out ?? path.join(os.tmpdir(), 'trunkline-bench', 'latest.json'));
const machine = machineLine();
const reports: BenchReport[] = [];
for (const benchmark of BENCHMARKS) reports.push(await runBenchmark(benchmark));

console.log(`\nAll figures. At the start: ${machine}. Now: ${machineLine()}.`);
for (const report of reports) printReport(report);
await mkdir(path.dirname(out), { recursive: true });
await writeFile(out, `${JSON.stringify({ machine, reports }, null, 2)}\n`);
console.log(`\nwritten to ${out}`);
