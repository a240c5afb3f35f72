import os from 'node:os';
import { monotonicMs } from '../farm/monotonic.ts';
import type { Load } from './load-watch.ts';
import { printTable, type Row } from './table.ts';

/** Figures of one benchmark as they are written to the results file. */
export interface BenchReport {
  name: string;
  startedAt: string;
  durationS: number;
  rows: Row[];
  /** Machine and program during each row, in the order of the rows. */
  loads: (Load & { scenario: string })[];
  notes: string[];
  /** Why it ended early; null: it did not. */
  failure: string | null;
}

/** Where a benchmark puts its figures. */
export interface BenchOutput {
  row(row: Row, load?: Load): void;
  note(text: string): void;
}

export interface Benchmark {
  name: string;
  /** What is measured, in a line. */
  title: string;
  run: (output: BenchOutput) => Promise<void>;
}

/** Runs a benchmark and prints what it finds. */
export async function runBenchmark(benchmark: Benchmark): Promise<BenchReport> {
  const startedAtMs = monotonicMs();
  const report: BenchReport = {
    name: benchmark.name,
    startedAt: new Date().toISOString(),
    durationS: 0,
    rows: [],
    loads: [],
    notes: [],
    failure: null,
  };
  console.log(`\n${benchmark.name}: ${benchmark.title}`);
  console.log(machineLine());
  try {
    await benchmark.run({
      row(row, load) {
        report.rows.push(withLoad(row, load));
        if (load) report.loads.push({ scenario: scenarioOf(row), ...load });
        console.log(`  done: ${scenarioOf(row)}`);
      },
      note: (text) => void report.notes.push(text),
    });
  } catch (error) {
    // What was measured before is not lost with the rest.
    report.failure = error instanceof Error ? error.message : String(error);
    process.exitCode = 1;
  }
  report.durationS = Math.round((monotonicMs() - startedAtMs) / 1000);
  printReport(report);
  return report;
}

/** The table of a report, with its notes. */
export function printReport(report: BenchReport): void {
  console.log(`\n${report.name} (${report.durationS} s)`);
  printTable(report.rows);
  for (const note of report.notes) console.log(`  ${note}`);
  if (report.failure !== null) console.log(`  ended early: ${report.failure}`);
}

/** The machine in a line. */
export function machineLine(): string {
  const cpu = os.cpus()[0]?.model ?? 'unknown CPU';
  const load = os.loadavg().map((value) => value.toFixed(2));
  return `${os.availableParallelism()} cores of ${cpu.trim()}, Node ${process.versions.node}, load average ${load.join(' ')}`;
}

function scenarioOf(row: Row): string {
  return `${row['scenario'] ?? ''}${row['calls'] === undefined ? '' : `, ${row['calls']} calls`}`;
}

function withLoad(row: Row, load: Load | undefined): Row {
  if (!load) return row;
  return {
    ...row,
    'program cores': Number(load.programCores.toFixed(2)),
    'other cores': Number(load.otherCores.toFixed(2)),
    'load avg': Number(load.loadAverage.toFixed(2)),
  };
}
