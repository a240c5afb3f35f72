import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const STOP_LIMIT_MS = 3_000;
const LOOK_MS = 20;

/** Nothing outlives the tests, however they end. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program of somebody else that runs beside ours. */
export interface PeerProcess {
  readonly pid: number;
  readonly running: boolean;
  output(): string;
  /** Resolves when `text` was printed; rejects when the process ends before. */
  waitFor(text: string | RegExp): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL when that takes too long, then the exit code. Idempotent. */
  stop(): Promise<number | null>;
  exited: Promise<number | null>;
}

/** Whether a program is on this machine. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** sipp as a far end that is called; resolves when it listens on `port`. */
export async function startSippServer(
  port: number,
  args: readonly string[],
  cwd: string,
): Promise<PeerProcess> {
  const all = ['-i', '127.0.0.1', '-p', String(port), '-m', '1', '-nostdin', ...args];
  const sipp = startPeer('sipp', all, { cwd });
  await listensOnUdp(sipp, port);
  return sipp;
}

/**
 * Resolves when somebody listens on the UDP port, rejects when `peer` ends before. Until then the system
 * refuses what is sent there, and a call whose second INVITE is refused has failed.
 */
export async function listensOnUdp(peer: PeerProcess, port: number): Promise<void> {
  const shown = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  while (peer.running) {
    let sockets: string;
    try {
      sockets = readFileSync('/proc/net/udp', 'latin1');
    } catch {
      // Only Linux tells.
      return;
    }
    if (sockets.split('\n').some((line) => line.slice(0, 24).includes(shown))) return;
    await wait(LOOK_MS);
  }
  throw new Error(`a peer ended before it listened on port ${port}:\n${peer.output()}`);
}

export function startPeer(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): PeerProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  running.add(child);
  let output = '';
  const waiting = new Set<() => void>();
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
    for (const check of Array.from(waiting)) check();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<number | null>((resolve) => {
    // Not `exit`: what it said last must have been read.
    child.once('close', resolve);
    child.once('error', (error) => {
      output += String(error);
      resolve(null);
    });
  });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  void exited.then(() => running.delete(child));
  return {
    pid: child.pid ?? 0,
    get running() {
      return isRunning();
    },
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
    signal: (signal) => void child.kill(signal),
    async stop() {
      if (isRunning()) child.kill('SIGTERM');
      // sipp waits for its calls, kamailio for its children.
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      return exited.finally(() => clearTimeout(late));
    },
    exited,
  };
}
