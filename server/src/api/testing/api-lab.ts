import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { recordStatus } from '../../calls/record-status.ts';
import type { CallStatus } from '../../calls/call-status.ts';
import { FROM, openCallLab, type CallLab } from '../../calls/testing/call-lab.ts';
import { createGuardrails } from '../../compliance/guardrails.ts';
import type * as calls from '../../db/queries/calls.ts';
import * as turns from '../../db/queries/turns.ts';
import type { CallEventDraft } from '../../events/call-event.ts';
import { appendCallEvent } from '../../events/event-log.ts';
import { systemClock } from '../../shared/clock.ts';
import { createSafeFetch } from '../../egress/safe-fetch.ts';
import { createWebhookStore } from '../../webhooks/endpoint-store.ts';
import { newId, randomText } from '../../shared/ids.ts';
import { silentLogger, type LogFields, type Logger } from '../../shared/logger.ts';
import { createRecordingLibrary } from '../../storage/recording-library.ts';
import { createRecordingUrls } from '../../storage/recording-urls.ts';
import { createRecordingStore, type RecordingStore } from '../../storage/recordings.ts';
import { createTrunkDoctor } from '../../trunks/doctor/trunk-doctor.ts';
import { createDispatchRuleStore } from '../../trunks/dispatch-rule-store.ts';
import { createNumberStore } from '../../trunks/number-store.ts';
import { createTrunkStore } from '../../trunks/trunk-store.ts';
import { createApiKey } from '../../workspaces/api-keys.ts';
import { createKeyVerifier } from '../../workspaces/key-verifier.ts';
import { keyMaker } from '../../workspaces/create-key.ts';
import { findLiveKitSecret } from '../../workspaces/livekit-keys.ts';
import { scopesOf } from '../../workspaces/scopes.ts';
import { createWorkspaceStore } from '../../workspaces/workspace-store.ts';
import type { ApiContext, Health } from '../api-context.ts';
import { buildApi } from '../api-server.ts';
import { LOCAL_SIGN_IN_CONTEXT } from '../auth.ts';

export interface LogLine {
  level: string;
  fields: LogFields;
  message: string;
}

/** What the API answered. */
export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  /** The body as JSON; undefined where it is none. */
  body: unknown;
}

/** The API over a real database, real stores and a real call service that dials nobody. */
export interface ApiLab {
  calls: CallLab;
  context: ApiContext;
  app: FastifyInstance;
  workspaceId: string;
  agentId: string;
  trunkId: string;
  /** Key of the default workspace. */
  key: string;
  /** Key of another workspace. */
  otherKey: string;
  masterKey: Buffer;
  log: LogLine[];
  recordings: RecordingStore;
  /** What `GET /readyz` hears. */
  health: Health;
  send(method: string, url: string, body?: unknown, headers?: object): Promise<Answer>;
  /** The local sign-in's token of a time. */
  localToken(atMs: number): string;
  /** Places a call; it stays queued until the test moves it. */
  placeCall(body?: object): Promise<string>;
  /** Moves a call to a status, stores and publishes it. */
  move(callId: string, status: CallStatus, patch?: calls.CallPatch): Promise<void>;
  /** Stores and publishes something else that happened. */
  happen(callId: string, draft: CallEventDraft): Promise<void>;
  /** A whole answered call: ringing, a word of each side, its end and a recording. */
  playCall(callId: string): Promise<void>;
  close(): Promise<void>;
}

const AGENT = { name: 'lab', type: 'llm', llm: { provider: 'fake' } } as const;

export async function openApiLab(): Promise<ApiLab> {
  const lab = await openCallLab();
  const { db, secrets, feed, workspaceId } = lab;
  const clock = systemClock;
  await lab.jobs.createQueue('call.dial', { expireInSeconds: 120, retryLimit: 1 });
  const guardrails = createGuardrails({ clock });
  const node = await lab.node({ carriesCalls: false, guardrails });
  const trunkId = await lab.trunk([9]);
  const folder = await mkdtemp(path.join(tmpdir(), 'trunkline-api-'));
  const recordings = createRecordingStore(folder);
  const masterKey = randomBytes(32);
  const log: LogLine[] = [];
  const otherWorkspaceId = newId('ws', clock.now() + 1);
  await db.pool.query(`insert into workspaces (id, name) values ($1, 'Other')`, [otherWorkspaceId]);
  const keyOf = async (id: string): Promise<string> =>
    (await createApiKey(db.pool, clock, { workspaceId: id, name: 'lab' })).key;
  const key = await keyOf(workspaceId);
  const otherKey = await keyOf(otherWorkspaceId);
  const health: Health = { status: 'ok', checks: { database: true } };
  const safeFetch = createSafeFetch({ clock });
  const keys = createKeyVerifier({ client: db.pool, clock, logger: silentLogger });
  const context: ApiContext = {
    version: '0.1.0',
    clock,
    logger: recordingLogger(log),
    newRequestId: () => `req_${randomText(20)}`,
    auth: {
      verifyKey: async (text) => {
        const row = await keys.verify(text);
        return row && { workspaceId: row.workspaceId, keyId: row.id, scopes: scopesOf(row.scopes) };
      },
      forgetKeys: () => keys.forget(),
      findLiveKitSecret: (apiKey) =>
        findLiveKitSecret(db.pool, apiKey, { secrets, configured: null }),
      defaultWorkspaceId: workspaceId,
      masterKey,
      clock,
    },
    database: db,
    workspaces: createWorkspaceStore({ db, clock, onKeysRevoked: () => keys.forget() }),
    secrets,
    calls: node.service,
    rooms: {
      db,
      clock,
      logger: silentLogger,
      nodeId: node.nodeId,
      calls: node.service,
      recordings,
      secrets,
      nonces: new Set(),
      recordingUrl: (id) => `http://127.0.0.1:8080/v1/room-recordings/${id}/audio`,
    },
    trunks: createTrunkStore({ db, secrets, clock }),
    numbers: createNumberStore({ db, clock }),
    dispatchRules: createDispatchRuleStore({ db, secrets, clock }),
    sipHost: '192.0.2.1',
    sipPort: 25_060,
    carrier: {
      domain: 'carrier.test',
      sipPort: 5080,
      sipTlsPort: 5081,
      requestsPer5s: Number.POSITIVE_INFINITY,
    },
    doctor: createTrunkDoctor({ ua: node.ua, clock, advertisedHost: '192.0.2.1' }),
    feed,
    recordings: createRecordingLibrary(recordings, null),
    recordingUrls: createRecordingUrls({
      masterKey,
      clock,
      ttlS: 3_600,
      publicUrl: () => 'http://127.0.0.1:8080',
    }),
    wallet: lab.wallet,
    safeFetch,
    webhooks: createWebhookStore({
      clock,
      secrets,
      checkTargetUrl: safeFetch.checkTargetUrl,
      formats: ['trunkline', 'bolna', 'bolti'],
    }),
    wakeWebhooks: () => undefined,
    guardrails,
    createKey: keyMaker({ db, secrets, clock }),
    publicUrl: () => 'http://127.0.0.1:8080',
    health: () => Promise.resolve(health),
    metrics: () => Promise.resolve('trunkline_calls_live 0\n'),
  };
  const app = await buildApi(context);

  async function happen(callId: string, draft: CallEventDraft): Promise<void> {
    feed.publish(await db.transaction((client) => appendCallEvent(client, callId, draft)));
  }

  async function move(callId: string, to: CallStatus, patch: calls.CallPatch = {}): Promise<void> {
    // A call of no node would be taken for that of a dead one.
    const owned = { nodeId: node.nodeId, ...patch };
    const moved = await db.transaction((client) => recordStatus(client, callId, to, owned));
    if (!moved) throw new Error(`expected call ${callId} to become ${to}, it did not`);
    feed.publish(moved.event);
  }

  async function send(
    method: string,
    url: string,
    body?: unknown,
    headers: object = { authorization: `Bearer ${key}` },
  ): Promise<Answer> {
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.payload,
      body: jsonOrNothing(response.payload),
    };
  }

  return {
    calls: lab,
    context,
    app,
    workspaceId,
    agentId: lab.agentId,
    trunkId,
    key,
    otherKey,
    masterKey,
    log,
    recordings,
    health,
    send,
    localToken(atMs) {
      const mac = createHmac('sha256', masterKey).update(`${LOCAL_SIGN_IN_CONTEXT}:${atMs}`);
      return `local.${atMs}.${mac.digest('hex')}`;
    },
    async placeCall(body = {}) {
      const {
        status,
        body: call,
        text,
      } = await send('POST', '/v1/calls', {
        to: '+15005550101',
        ...body,
      });
      if (status !== 201) throw new Error(`expected a call, got ${text}`);
      return (call as { id: string }).id;
    },
    move,
    happen,
    async playCall(callId) {
      const startMs = clock.now();
      const at = (ms: number): Date => new Date(startMs + ms);
      await move(callId, 'initiated', { initiatedAt: at(0) });
      await move(callId, 'ringing', { ringingAt: at(100), sipCode: 180, sipReason: 'Ringing' });
      await move(callId, 'in-progress', { answeredAt: at(2_000), sipCode: 200, sipReason: 'OK' });
      const spoken = spokenTurns(callId, workspaceId);
      await turns.insertMany(db.pool, spoken);
      for (const turn of spoken) await happen(callId, turnEvent(turn));
      const file = await recordings.pathFor(workspaceId, callId);
      await writeFile(file, 'RIFF----WAVE');
      await move(callId, 'call-disconnected', {
        disconnectedAt: at(14_300),
        endReason: 'callee-hangup',
        endedBy: 'callee',
        recordingKey: recordings.keyOf(workspaceId, callId),
        recordingDurationMs: 12_300,
        outcome: { appointment: 'confirmed' },
      });
      await move(callId, 'completed', {
        endedAt: at(14_400),
        cost: {
          total_micros: 4_200,
          lines: [{ kind: 'platform', provider: 'trunkline', micros: 4_200 }],
        },
      });
    },
    async close() {
      await app.close();
      await safeFetch.close();
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export { AGENT as LAB_AGENT, FROM as LAB_FROM };

function spokenTurns(callId: string, workspaceId: string): turns.TurnRow[] {
  const common = { workspaceId, callId, interrupted: false };
  return [
    {
      ...common,
      id: `turn_${callId}_1`,
      sequence: 1,
      speaker: 'agent',
      text: 'Hello Maria, this is the practice of Doctor Weber. Your appointment is tomorrow at ten in the morning.',
      startedMs: 300,
      endedMs: 5_000,
      confidence: null,
      latency: null,
      interrupted: true,
    },
    {
      ...common,
      id: `turn_${callId}_2`,
      sequence: 2,
      speaker: 'caller',
      text: 'Yes, that is right.',
      startedMs: 5_400,
      endedMs: 6_600,
      confidence: 0.93,
      latency: null,
    },
    {
      ...common,
      id: `turn_${callId}_3`,
      sequence: 3,
      speaker: 'agent',
      text: 'Thank you. Goodbye.',
      startedMs: 7_200,
      endedMs: 8_900,
      confidence: null,
      latency: { totalMs: 612, endpointingMs: 400, sttMs: 120, llmMs: 2, ttsMs: 90 },
    },
  ];
}

function turnEvent(turn: turns.TurnRow): CallEventDraft {
  const latency = turn.latency as Record<string, number> | null;
  return {
    type: 'call.turn',
    data: {
      id: turn.id,
      speaker: turn.speaker,
      text: turn.text,
      started_ms: turn.startedMs,
      ended_ms: turn.endedMs,
      interrupted: turn.interrupted,
      confidence: turn.confidence,
      latency: latency && {
        total_ms: latency['totalMs'] ?? 0,
        endpointing_ms: latency['endpointingMs'] ?? 0,
        stt_ms: latency['sttMs'] ?? 0,
        llm_ms: latency['llmMs'] ?? 0,
        tts_ms: latency['ttsMs'] ?? 0,
      },
    },
  };
}

function recordingLogger(lines: LogLine[]): Logger {
  const at =
    (level: string) =>
    (fields: LogFields, message: string): void =>
      void lines.push({ level, fields, message });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => recordingLogger(lines),
  };
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not every answer is JSON: then the test looks at the text.
    return undefined;
  }
}
