import { spawn, type ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { TrunklineClient, type Call } from '@trunkline/sdk';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
const READY_TIMEOUT_MS = 90_000;

export interface ProgramOptions {
  env?: Record<string, string>;
  /** A data directory that outlives the program, for restarts. */
  dataDir?: string;
}

/** The running program, spoken to from outside only. */
export interface Program {
  readonly url: string;
  readonly apiKey: string;
  readonly client: TrunklineClient;
  readonly dataDir: string;
  readonly sipPort: number;
  readonly carrierSipPort: number;
  readonly rtpPortMin: number;
  readonly pid: number;
  /** What it printed. */
  output(): string;
  log(): Promise<string>;
  fetch(
    method: string,
    path: string,
    init?: { body?: string; key?: string | null },
  ): Promise<{ status: number; body: unknown }>;
  /** SIGTERM twice; waits for the exit. The data stays when it was given. Idempotent. */
  stop(): Promise<number | null>;
  /** SIGKILL; waits for the exit. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  exited: Promise<number | null>;
}

const TEST_KEY = 'tl_e2e_key_for_tests_only_0123456789abcdef';

/** Ports are taken from here, a block for each program that this process starts. */
let nextRtpBase = 30_000 + (process.pid % 100) * 200;

/** Starts the program on free ports with a fresh data directory and waits until it takes calls. */
export async function startProgram(options: ProgramOptions = {}): Promise<Program> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(os.tmpdir(), 'trunkline-e2e-')));
  const [httpPort, sipPort, carrierSipPort] = await Promise.all([
    freeTcpPort(),
    freeUdpPort(),
    freeUdpPort(),
  ]);
  const rtpPortMin = nextRtpBase;
  nextRtpBase += 400;
  const child = spawn(process.execPath, ['server/src/main.ts'], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HTTP_PORT: String(httpPort),
      SIP_PORT: String(sipPort),
      CARRIER_SIP_PORT: String(carrierSipPort),
      RTP_PORT_MIN: String(rtpPortMin),
      RTP_PORT_MAX: String(rtpPortMin + 199),
      CARRIER_RTP_PORT_MIN: String(rtpPortMin + 200),
      CARRIER_RTP_PORT_MAX: String(rtpPortMin + 399),
      TRUNKLINE_DATA_DIR: dataDir,
      TRUNKLINE_API_KEY: TEST_KEY,
      ...options.env,
    },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = `http://127.0.0.1:${httpPort}`;
  await waitUntilReady(url, child, () => output);

  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      child.kill('SIGTERM');
    }
    const code = await exited;
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    return code;
  };
  return {
    url,
    apiKey: TEST_KEY,
    client: new TrunklineClient({ baseUrl: url, token: () => TEST_KEY }),
    dataDir,
    sipPort,
    carrierSipPort,
    rtpPortMin,
    pid: child.pid ?? 0,
    output: () => output,
    log: () => readFile(path.join(dataDir, 'trunkline.log'), 'utf8'),
    async fetch(method, where, init = {}) {
      const key = init.key === undefined ? TEST_KEY : init.key;
      const response = await fetch(`${url}${where}`, {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(init.body === undefined ? {} : { body: init.body }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
    },
    stop,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    signal: (signal) => void child.kill(signal),
    exited,
  };
}

/** Follows the call's live feed until it is final; then the whole call. */
export async function finalCall(program: Program, callId: string): Promise<Call> {
  for await (const event of program.client.callEvents(callId)) {
    if (event.type === 'call.status') break;
  }
  return program.client.getCall(callId);
}

/** Places a call and waits until it is final. */
export async function callAndWait(
  program: Program,
  call: Parameters<TrunklineClient['placeCall']>[0],
): Promise<Call> {
  const placed = await program.client.placeCall(call);
  return finalCall(program, placed.id);
}

/** Resolves with the first event that `wanted` accepts. */
export async function eventOf(
  program: Program,
  callId: string,
  wanted: (type: string, data: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for await (const event of program.client.callEvents(callId)) {
    if (wanted(event.type, event.data)) return event.data;
  }
  throw new Error(`the feed of ${callId} ended without the event`);
}

async function waitUntilReady(
  url: string,
  child: ChildProcess,
  output: () => string,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) {
      throw new Error(`the program ended with ${child.exitCode} while starting:\n${output()}`);
    }
    const ready = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    if (performance.now() > deadline) throw new Error(`not ready in time:\n${output()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

export async function freeTcpPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** A port that is free for UDP and TCP. */
export async function freeUdpPort(): Promise<number> {
  for (;;) {
    const port = await freeTcpPort();
    const socket = dgram.createSocket('udp4');
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(port, '127.0.0.1', () => resolve(true));
    });
    socket.close();
    if (free) return port;
  }
}
