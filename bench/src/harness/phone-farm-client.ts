import { setTimeout as sleep } from 'node:timers/promises';
import type {
  FarmProcedures,
  FarmState,
  LinesReport,
  PhoneReport,
  Plan,
  SpeechKind,
} from '../farm/farm-protocol.ts';
import { monotonicMs } from '../farm/monotonic.ts';
import { forked } from './forked.ts';

/** The load generator's process, spoken to from the benchmark. */
export interface PhoneFarmClient {
  readonly sipPort: number;
  readonly speech: readonly SpeechKind[];
  plan(plan: Plan): Promise<void>;
  state(): Promise<FarmState>;
  /** Resolves with true when `reached`, with false after `timeoutMs`. */
  until(reached: (state: FarmState) => boolean, timeoutMs: number): Promise<boolean>;
  dial(call: { number: string; from: string; sipPort: number }): Promise<{ status: number }>;
  /** Ends all calls; resolves with their reports. */
  hangUpAll(): Promise<PhoneReport[]>;
  collect(): Promise<PhoneReport[]>;
  openLines(remotePorts: number[]): Promise<number[]>;
  closeLines(): Promise<void>;
  measureLines(durationMs: number): Promise<LinesReport>;
  cpuMs(): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
}

const POLL_MS = 100;

export async function startPhoneFarm(): Promise<PhoneFarmClient> {
  const child = forked<FarmProcedures>(new URL('../phone-farm.ts', import.meta.url));
  const { rpc } = child;
  const { sipPort, speech } = await rpc.call('start', {});
  const client: PhoneFarmClient = {
    sipPort,
    speech,
    plan: (plan) => rpc.call('plan', plan),
    state: () => rpc.call('state', {}),
    async until(reached, timeoutMs) {
      const deadlineMs = monotonicMs() + timeoutMs;
      for (;;) {
        if (reached(await client.state())) return true;
        if (monotonicMs() > deadlineMs) return false;
        await sleep(POLL_MS);
      }
    },
    dial: (call) => rpc.call('dial', call),
    async hangUpAll() {
      await rpc.call('hangUpAll', {});
      return client.collect();
    },
    collect: () => rpc.call('collect', {}),
    openLines: (remotePorts) => rpc.call('openLines', { remotePorts }),
    closeLines: () => rpc.call('closeLines', {}),
    measureLines: (durationMs) => rpc.call('measureLines', { durationMs }),
    cpuMs: async () => (await rpc.call('cpu', {})).cpuMs,
    close: () => child.close(),
  };
  return client;
}
