import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrunklineClient } from '@trunkline/sdk';
import { monotonicMs } from '../farm/monotonic.ts';

/** The running program, spoken to from outside only. */
export interface Program {
  readonly pid: number;
  readonly sipPort: number;
  readonly client: TrunklineClient;
  /** Resolves with the exit code; null: by a signal. */
  readonly exited: Promise<number | null>;
  /** What it printed. */
  output(): string;
  /** SIGTERM, and once more for the calls that live. Idempotent. */
  stop(): Promise<void>;
}

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
const API_KEY = 'tl_bench_key_0123456789abcdef0123456789abcdef';
const READY_TIMEOUT_MS = 90_000;
const SECOND_SIGNAL_AFTER_MS = 500;
const KILL_AFTER_MS = 15_000;
/** Two for each call, with room for calls that have just ended. */
const RTP_PORTS = 800;

/** Starts the program with fresh data on free ports of the loopback interface, without sandbox. */
export async function startProgram(env: Record<string, string>): Promise<Program> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trunkline-bench-'));
  const [httpPort, sipPort] = [await freePort(), await freePort()];
  const rtpPortMin = 20_000 + 2 * randomInt(0, 5_500);
  const child = spawn(process.execPath, ['server/src/main.ts'], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HTTP_PORT: String(httpPort),
      SIP_PORT: String(sipPort),
      SANDBOX: 'off',
      RTP_PORT_MIN: String(rtpPortMin),
      RTP_PORT_MAX: String(rtpPortMin + RTP_PORTS),
      TRUNKLINE_DATA_DIR: dataDir,
      TRUNKLINE_API_KEY: API_KEY,
      ...env,
    },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const stop = async (): Promise<void> => {
    if (running()) {
      child.kill('SIGTERM');
      const second = setTimeout(() => child.kill('SIGTERM'), SECOND_SIGNAL_AFTER_MS);
      const last = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await exited;
      clearTimeout(second);
      clearTimeout(last);
    }
    await rm(dataDir, { recursive: true, force: true });
  };

  const url = `http://127.0.0.1:${httpPort}`;
  const deadlineMs = monotonicMs() + READY_TIMEOUT_MS;
  while (!(await isReady(url))) {
    if (!running() || monotonicMs() > deadlineMs) {
      await stop();
      throw new Error(`the program did not become ready:\n${output}`);
    }
    await sleep(100);
  }
  return {
    pid: child.pid ?? 0,
    sipPort,
    client: new TrunklineClient({ baseUrl: url, token: () => API_KEY }),
    exited,
    output: () => output,
    stop,
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}

/** A port that is free for UDP and TCP. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const socket = dgram.createSocket('udp4');
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(port, '127.0.0.1', () => resolve(true));
    });
    socket.close();
    server.close();
    await once(server, 'close');
    if (free) return port;
  }
}
