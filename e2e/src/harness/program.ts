import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { TrunklineClient, type Call } from '@trunkline/sdk';
import { rtpPortRange } from './free-port.ts';
import { startPeer } from './peer-process.ts';
import { keepLog } from './program-logs.ts';

export const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
const READY_TIMEOUT_MS = 180_000;

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
  /** Resolves when it has printed `pattern`. */
  printed(pattern: RegExp): Promise<void>;
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

/** The banner with its last row: it may arrive in pieces. */
const UP = /Trunkline is up[^]*\n +Log +\S.*\n/;
const DRAINING = /finishing the live calls/;
const ADDRESSES = {
  url: /Dashboard\s+(http:\S+)/,
  sipPort: /SIP\s+127\.0\.0\.1:(\d+)/,
  carrierSipPort: /carrier on 127\.0\.0\.1:(\d+)/,
} as const;

/** What the program is started with, `options.env` included. */
export function programEnv(dataDir: string, env: Record<string, string> = {}): NodeJS.ProcessEnv {
  const rtp = rtpPortRange();
  return {
    ...process.env,
    // The program takes free ports itself and prints them: nobody can come in between.
    HTTP_PORT: '0',
    SIP_PORT: '0',
    CARRIER_SIP_PORT: '0',
    RTP_PORT_MIN: String(rtp.min),
    RTP_PORT_MAX: String(rtp.min + 199),
    CARRIER_RTP_PORT_MIN: String(rtp.min + 200),
    CARRIER_RTP_PORT_MAX: String(rtp.min + 399),
    TRUNKLINE_DATA_DIR: dataDir,
    TRUNKLINE_API_KEY: TEST_KEY,
    ...env,
  };
}

/** Starts the program on free ports with a fresh data directory and waits until it takes calls. */
export async function startProgram(options: ProgramOptions = {}): Promise<Program> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(os.tmpdir(), 'trunkline-e2e-')));
  const env = programEnv(dataDir, options.env);
  const started = startPeer(process.execPath, ['server/src/main.ts'], { cwd: REPOSITORY, env });
  const logFile = path.join(dataDir, 'trunkline.log');
  const log = keepLog({ file: logFile, output: () => started.output() });
  const late = setTimeout(() => started.signal('SIGKILL'), READY_TIMEOUT_MS);
  await started.waitFor(UP).finally(() => clearTimeout(late));
  const shown = (pattern: RegExp): string => pattern.exec(started.output())?.[1] ?? '';
  const url = shown(ADDRESSES.url);

  const stop = async (): Promise<number | null> => {
    if (started.running) {
      started.signal('SIGTERM');
      // Two signals at once may become one: the second follows when the first was taken.
      await started.waitFor(DRAINING).catch(() => undefined);
      started.signal('SIGTERM');
    }
    const code = await started.exited;
    log.close();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    return code;
  };
  return {
    url,
    apiKey: TEST_KEY,
    client: new TrunklineClient({ baseUrl: url, token: () => TEST_KEY }),
    dataDir,
    sipPort: Number(shown(ADDRESSES.sipPort)),
    carrierSipPort: Number(shown(ADDRESSES.carrierSipPort)),
    rtpPortMin: Number(env['RTP_PORT_MIN']),
    pid: started.pid,
    output: () => started.output(),
    printed: (pattern) => started.waitFor(pattern),
    log: () => readFile(logFile, 'utf8'),
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
      started.signal('SIGKILL');
      await started.exited;
      log.close();
    },
    signal: (signal) => started.signal(signal),
    exited: started.exited,
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
