import { spawn, spawnSync } from 'node:child_process';

/** A program of somebody else that runs beside ours. */
export interface PeerProcess {
  readonly pid: number;
  output(): string;
  /** Resolves when `text` was printed; rejects when the process ends before. */
  waitFor(text: string | RegExp): Promise<void>;
  /** SIGTERM, then the exit code. Idempotent. */
  stop(): Promise<number | null>;
  exited: Promise<number | null>;
}

/** Whether a program is on this machine. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

export function startPeer(
  program: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): PeerProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let output = '';
  const waiting = new Set<() => void>();
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
    for (const check of Array.from(waiting)) check();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', (error) => {
      output += String(error);
      resolve(null);
    });
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    waitFor(text) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          const found = typeof text === 'string' ? output.includes(text) : text.test(output);
          if (!found) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        void exited.then((code) => {
          if (waiting.delete(check)) {
            reject(new Error(`${program} ended with ${code} before printing ${text}:\n${output}`));
          }
        });
        check();
      });
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return exited;
    },
    exited,
  };
}
