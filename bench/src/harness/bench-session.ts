import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConfigInput } from '../../../server/src/agents/agent-config.ts';
import { monotonicMs } from '../farm/monotonic.ts';
import { startProgram, type Program } from './program.ts';
import { startPhoneFarm, type PhoneFarmClient } from './phone-farm-client.ts';

/** A call as it was asked for. */
export interface PlacedCall {
  id: string;
  number: string;
  /** POST sent, and answered: milliseconds of the machine's monotonic clock. */
  postedAtMs: number;
  acceptedAtMs: number;
}

/** The running program and a trunk whose far end is the load generator. */
export interface BenchSession {
  readonly program: Program;
  readonly farm: PhoneFarmClient;
  createAgent(agent: AgentConfigInput): Promise<string>;
  /** A number of the program that `agentId` answers; calls to it come over the generator's trunk. */
  numberFor(agentId: string): Promise<string>;
  /** Places calls `everyMs` apart and waits until the phone has answered them all. */
  placeCalls(agentId: string, count: number, everyMs?: number): Promise<PlacedCall[]>;
  /** Waits until no call lives. */
  settle(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

const ANSWER_TIMEOUT_MS = 30_000;
const SETTLE_TIMEOUT_MS = 20_000;

/** Starts program and generator. The program's log is kept in the temporary folder. */
export async function startBenchSession(env: Record<string, string> = {}): Promise<BenchSession> {
  const logFile = path.join(os.tmpdir(), `trunkline-bench-${process.pid}.log`);
  const program = await startProgram({ LOG_FILE: logFile, ...env });
  try {
    return await withProgram(program);
  } catch (error) {
    await program.stop();
    throw error;
  }
}

async function withProgram(program: Program): Promise<BenchSession> {
  const farm = await startPhoneFarm();
  // Whatever the hour is where the numbers are.
  await program.client.request('PATCH', '/v1/guardrails', { calling_windows: { enabled: false } });
  let trunkCount = 0;
  const newTrunk = async (agentId: string | null): Promise<string> => {
    const number = `+1415555${String(2000 + trunkCount++)}`;
    const { id } = await program.client.request<{ id: string }>('POST', '/v1/trunks', {
      name: `bench ${number}`,
      gateways: [{ host: '127.0.0.1', port: farm.sipPort, transport: 'udp' }],
      // The load is the generator's to pace.
      calls_per_second: 1_000,
    });
    await program.client.request('POST', '/v1/numbers', {
      number,
      trunk_id: id,
      ...(agentId === null ? {} : { agent_id: agentId }),
    });
    return number;
  };
  const from = await newTrunk(null);
  let callCount = 0;
  let closed = false;
  const said = program.output();
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    const since = program.output().slice(said.length).trim();
    if (since !== '') console.error(`the program said in the meantime:\n${since}`);
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    await farm.close();
    await program.stop();
  };
  const interrupted = (): void => void close().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  void program.exited.then((code) => {
    if (closed) return;
    console.error(`the program ended with ${code} in the middle:\n${program.output()}`);
  });
  return {
    program,
    farm,
    async createAgent(agent) {
      const { id } = await program.client.request<{ id: string }>('POST', '/v1/agents', agent);
      return id;
    },
    numberFor: (agentId) => newTrunk(agentId),
    async placeCalls(agentId, count, everyMs = 137) {
      const before = await farm.state();
      const startedAtMs = monotonicMs();
      const placing: Promise<PlacedCall>[] = [];
      for (let n = 0; n < count; n++) {
        await sleep(Math.max(0, startedAtMs + n * everyMs - monotonicMs()));
        const number = `+1415556${String(callCount++).padStart(4, '0')}`;
        const postedAtMs = monotonicMs();
        placing.push(
          program.client
            .placeCall({ to: number, from, agent_id: agentId })
            .then(({ id }) => ({ id, number, postedAtMs, acceptedAtMs: monotonicMs() })),
        );
      }
      const placed = await Promise.all(placing);
      const answered = await farm.until(
        ({ up, over }) => up + over >= before.up + before.over + count,
        ANSWER_TIMEOUT_MS,
      );
      if (!answered) console.warn(`not all of ${count} calls reached the phone`);
      return placed;
    },
    async settle() {
      const deadlineMs = monotonicMs() + SETTLE_TIMEOUT_MS;
      while (monotonicMs() < deadlineMs) {
        const { data } = await program.client.listCalls({ status: 'in-progress', limit: '1' });
        if (data.length === 0) return;
        await sleep(200);
      }
    },
    close,
  };
}
