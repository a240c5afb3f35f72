import { readFileSync } from 'node:fs';

interface LogSource {
  file: string;
  /** What the program printed. */
  output: () => string;
}

const TAIL_LINES = 60;
const live = new Set<LogSource>();
let ended: string[] = [];

/** Keeps a program's log at hand for a test that fails. `close` before its folder is removed. */
export function keepLog(source: LogSource): { close(): void } {
  live.add(source);
  return {
    close() {
      if (live.delete(source)) ended.push(tailOf(source));
    },
  };
}

/** The ends of the logs of all programs that ran since the last time; those that ended are forgotten. */
export function takeLogTails(): string {
  const tails = [...ended, ...Array.from(live, tailOf)];
  ended = [];
  return tails.join('\n');
}

function tailOf({ file, output }: LogSource): string {
  let lines: string[] = [];
  try {
    lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  } catch {
    // It ended before it wrote any.
  }
  const printed = output().trimEnd();
  return `--- ${file}\n${lines.slice(-TAIL_LINES).join('\n')}\n--- printed\n${printed}\n`;
}
