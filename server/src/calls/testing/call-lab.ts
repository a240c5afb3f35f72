import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase, type Database } from '../../db/database.ts';
import * as agents from '../../db/queries/agents.ts';
import * as attempts from '../../db/queries/attempts.ts';
import * as calls from '../../db/queries/calls.ts';
import { createTestDatabase } from '../../db/testing/test-database.ts';
import type { CallEvent, StatusData } from '../../events/call-event.ts';
import { readCallEvents } from '../../events/event-log.ts';
import { createLiveFeed, type LiveFeed } from '../../events/live-feed.ts';
import { startJobs, type JobQueue } from '../../jobs/job-queue.ts';
import { startPostCall } from '../../post-call/post-call.ts';
import { systemClock } from '../../shared/clock.ts';
import { newId } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import { declineRefer } from '../../sip/refer.ts';
import { startUserAgent, type UserAgent } from '../../sip/user-agent.ts';
import { DEFAULT_OPENAI_BASE_URL } from '../../providers/openai/openai-llm.ts';
import { createRecordingLibrary } from '../../storage/recording-library.ts';
import { createRecordingStore } from '../../storage/recordings.ts';
import { createNumberStore } from '../../trunks/number-store.ts';
import { createTrunkStore, type TrunkInput } from '../../trunks/trunk-store.ts';
import { createWallet, type Wallet } from '../../wallet/wallet.ts';
import { createSecrets, type Secrets } from '../../workspaces/secrets.ts';
import { ensureDefaultWorkspace } from '../../workspaces/workspace-store.ts';
import type { CallContext } from '../call-context.ts';
import { CallSlots } from '../call-slots.ts';
import { NO_LLM, startCalls, type CallService, type CallServiceOptions } from '../call-service.ts';
import { SipTrace } from '../sip-trace.ts';
import { FINAL_STATUSES, type CallStatus } from '../call-status.ts';
import { FakeVoicePool } from './fake-voice-pool.ts';

export const FROM = '+15005550199';
export const TO = '+15005550101';
export const AGENT_CONFIG = { name: 'test', type: 'llm', llm: { provider: 'fake' } } as const;

/** A node of the lab: a user agent, a voice pool and the calls between them. */
export interface LabNode {
  ua: UserAgent;
  voice: FakeVoicePool;
  service: CallService;
  nodeId: string;
  /** For tests that drive a part of the node by themselves. */
  context: CallContext;
  close(): Promise<void>;
}

/** A database, a job queue and a workspace with an agent; nodes and trunks are added by tests. */
export interface CallLab {
  db: Database;
  jobs: JobQueue;
  feed: LiveFeed;
  secrets: Secrets;
  wallet: Wallet;
  workspaceId: string;
  agentId: string;
  node(overrides?: Partial<CallServiceOptions>): Promise<LabNode>;
  /** A sandbox trunk to these ports on loopback, with the from-number. */
  trunk(ports: readonly number[], input?: TrunkInput): Promise<string>;
  /** Resolves with the data of the first stored status that is one of these. Default: final. */
  reached(callId: string, statuses?: ReadonlySet<CallStatus>): Promise<StatusData>;
  events(callId: string): Promise<CallEvent[]>;
  call(callId: string): Promise<calls.CallRow>;
  attempts(callId: string): Promise<attempts.AttemptRow[]>;
  close(): Promise<void>;
}

export async function openCallLab(): Promise<CallLab> {
  const clock = systemClock;
  const logger = silentLogger;
  const test = await createTestDatabase();
  const db = await openDatabase({ url: test.url, logger, clock });
  const jobs = await startJobs({ url: test.url, logger });
  const feed = createLiveFeed((callId, after) => readCallEvents(db.pool, callId, after));
  const secrets = createSecrets([randomBytes(32)]);
  const wallet = createWallet({ db });
  const folder = await mkdtemp(path.join(tmpdir(), 'trunkline-calls-'));
  const workspace = await ensureDefaultWorkspace(db, clock);
  const agent = await agents.insert(db.pool, {
    id: newId('agent', clock.now()),
    workspaceId: workspace.id,
    config: AGENT_CONFIG,
  });
  const disk = createRecordingStore(folder);
  const postCall = await startPostCall({
    db,
    jobs,
    feed,
    clock,
    logger,
    wallet,
    secrets,
    recordings: createRecordingLibrary(disk, null),
    llm: { openaiBaseUrl: DEFAULT_OPENAI_BASE_URL, openaiApiKey: null },
  });
  const opened: { close(): Promise<void> }[] = [];
  const call = async (callId: string): Promise<calls.CallRow> => {
    const row = await calls.get(db.pool, callId);
    if (!row) throw new Error(`expected call ${callId}, got none`);
    return row;
  };
  return {
    db,
    jobs,
    feed,
    secrets,
    wallet,
    workspaceId: workspace.id,
    agentId: agent.id,
    async node(overrides = {}) {
      const ua = await startUserAgent({
        host: '127.0.0.1',
        port: 0,
        userAgent: 'node',
        clock,
        logger,
        t1Ms: 50,
      });
      const voice = new FakeVoicePool();
      const options: CallServiceOptions = {
        db,
        jobs,
        ua,
        voice,
        feed,
        clock,
        logger,
        recordings: disk,
        secrets,
        wallet,
        nodeId: newId('node', clock.now()),
        localHost: '127.0.0.1',
        maxCalls: 10,
        ...overrides,
      };
      const service = await startCalls(options);
      const node: LabNode = {
        ua,
        voice,
        service,
        nodeId: options.nodeId,
        context: {
          guardrails: null,
          safeFetch: null,
          llm: NO_LLM,
          ...options,
          dialling: new Map(),
          dialPlace: () => null,
          linesUntilMs: new Map(),
          placeFree: () => undefined,
          referred: declineRefer,
          askedByAgent: () => Promise.reject(new Error('nothing is done for agents here')),
          slots: new CallSlots(options.maxCalls),
          sipTrace: new SipTrace(options),
          live: new Map(),
          closing: new AbortController().signal,
        },
        async close() {
          await service.close();
          await ua.close();
        },
      };
      opened.push(node);
      return node;
    },
    async trunk(ports, input = {}) {
      const trunk = await createTrunkStore({ db, secrets, clock }).create(workspace.id, {
        sandbox: true,
        gateways: ports.map((port) => ({ host: '127.0.0.1', port, transport: 'udp' })),
        ...input,
        name: input.name ?? 'lab',
      });
      await createNumberStore({ db, clock }).add(workspace.id, {
        e164: FROM,
        trunkId: trunk.id,
        agentId: agent.id,
      });
      return trunk.id;
    },
    async reached(callId, statuses = FINAL_STATUSES) {
      for await (const event of feed.replay({ workspaceId: workspace.id, callId }, 0)) {
        const { status } = event.data as Partial<StatusData>;
        if (status !== undefined && statuses.has(status as CallStatus)) {
          return event.data as StatusData;
        }
      }
      throw new Error('the feed was closed before the status was reached');
    },
    events: (callId) => readCallEvents(db.pool, callId, 0),
    call,
    attempts: (callId) => attempts.listByCall(db.pool, callId),
    async close() {
      for (const thing of opened) await thing.close();
      await postCall.close();
      feed.close();
      await jobs.close();
      await db.close();
      await rm(folder, { recursive: true, force: true });
      await test.close();
    },
  };
}
