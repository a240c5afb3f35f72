import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ApiContext } from './api/api-context.ts';
import { startApi } from './api/api-server.ts';
import { callView } from './api/schemas/call.ts';
import { startCalls } from './calls/call-service.ts';
import type { RoomContext } from './calls/rooms/room-context.ts';
import { startRoomKeeper } from './calls/rooms/room-keeper.ts';
import { startAnomalyWatch } from './compliance/anomaly-watch.ts';
import { createGuardrails } from './compliance/guardrails.ts';
import { startSpendWatch } from './compliance/spend-watch.ts';
import { createTrafficGauges } from './compliance/traffic-gauges.ts';
import type { Config } from './config.ts';
import { openDatabase } from './db/database.ts';
import { countPending } from './db/queries/webhook-deliveries.ts';
import { readCallEvents } from './events/event-log.ts';
import { appendEvent } from './events/outbox.ts';
import { createGuardedFetch } from './egress/guarded-fetch.ts';
import { createSafeFetch } from './egress/safe-fetch.ts';
import { WEBHOOK_FORMATS } from './events/event-type.ts';
import { startFeedRelay } from './events/feed-relay.ts';
import { createLiveFeed } from './events/live-feed.ts';
import { startJobs } from './jobs/job-queue.ts';
import { createMetrics } from './metrics.ts';
import { nodeHealth } from './node-health.ts';
import { startPostCall } from './post-call/post-call.ts';
import { startSpeechService } from './providers/local/speech-service.ts';
import type { Clock } from './shared/clock.ts';
import { newId, randomText } from './shared/ids.ts';
import { createLogger } from './shared/logger.ts';
import { makePrivateDirectory } from './shared/private-directory.ts';
import { loadTlsIdentity } from './sip/tls-identity.ts';
import { startUserAgent } from './sip/user-agent.ts';
import { startCarrier } from './start-carrier.ts';
import { createRecordingLibrary } from './storage/recording-library.ts';
import { createRecordingStore } from './storage/recordings.ts';
import { createRecordingUrls } from './storage/recording-urls.ts';
import { createS3Store } from './storage/s3-store.ts';
import { createTrunkDoctor } from './trunks/doctor/trunk-doctor.ts';
import { createDispatchRuleStore } from './trunks/dispatch-rule-store.ts';
import { createNumberStore } from './trunks/number-store.ts';
import { startTrunkWatcher } from './trunks/trunk-watcher.ts';
import { createTrunkStore } from './trunks/trunk-store.ts';
import { startVoicePool } from './voice/voice-pool.ts';
import { startDeliverer } from './webhooks/deliverer.ts';
import { createWebhookStore } from './webhooks/endpoint-store.ts';
import { formatList } from './webhooks/formats/format-list.ts';
import { ensureBootstrapKey } from './workspaces/api-keys.ts';
import { createKeyVerifier } from './workspaces/key-verifier.ts';
import { keyMaker } from './workspaces/create-key.ts';
import { findLiveKitSecret, findSigningPair } from './workspaces/livekit-keys.ts';
import { loadMasterKey } from './workspaces/master-key.ts';
import { scopesOf } from './workspaces/scopes.ts';
import { createWallet } from './wallet/wallet.ts';
import { createSecrets } from './workspaces/secrets.ts';
import { createWorkspaceStore, ensureDefaultWorkspace } from './workspaces/workspace-store.ts';

export interface AppOptions {
  config: Config;
  clock: Clock;
  /** Told what is being done, for somebody who waits at a terminal. */
  onProgress: (message: string) => void;
}

export interface App {
  /** Address of the API; null where this node does not serve it. */
  readonly url: string | null;
  /** The API key that was made in this start: the only time that it can be read. */
  readonly newApiKey: string | null;
  readonly sipPort: number;
  readonly sipTlsPort: number | null;
  readonly carrierSipPort: number | null;
  /** Takes no new calls; resolves when the live ones have finished or the time is over. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends everything, from the top floor down. Idempotent. */
  close(): Promise<void>;
}

/** As many as Zentrunk takes. */
const ZENTRUNK_REQUESTS_PER_5_S = 300;

/** The composition root: builds the program from the ground up. */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: (() => Promise<void> | void)[] = [];
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= closeAll(closers);
    return closing;
  };
  try {
    return await build(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function closeAll(closers: (() => Promise<void> | void)[]): Promise<void> {
  const errors: unknown[] = [];
  for (let closer = closers.pop(); closer; closer = closers.pop()) {
    try {
      await closer();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed');
}

async function build(
  { config, clock, onProgress }: AppOptions,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<App> {
  const { roles } = config;
  makePrivateDirectory(config.dataDir, { enterable: config.databaseUrl === null });
  const log = { level: config.log.level, destination: config.log.destination };
  const logger = createLogger(log);
  const masterKey = await loadMasterKey({ text: config.masterKey, dataDir: config.dataDir });
  const secrets = createSecrets([masterKey]);

  onProgress(config.databaseUrl ? 'connecting to the database' : 'starting PostgreSQL');
  const database = await openDatabase({
    url: config.databaseUrl ?? undefined,
    dataDir: config.dataDir,
    logger,
    clock,
    onProgress,
  });
  closers.push(() => database.close());
  const workspace = await ensureDefaultWorkspace(database, clock);
  const newApiKey = await ensureBootstrapKey(database.pool, clock, {
    workspaceId: workspace.id,
    key: config.apiKey,
  });
  const liveKitPair = config.livekit && { workspaceId: workspace.id, ...config.livekit };
  const jobs = await startJobs({ url: database.url, logger });
  closers.push(() => jobs.close());

  const needsSpeech = roles.has('voice') || (roles.has('carrier') && config.sandbox.enabled);
  if (needsSpeech) onProgress('loading the speech models');
  const speech = needsSpeech ? await startSpeechService({ ...config.speech, logger, clock }) : null;
  if (speech) closers.push(() => speech.close());

  const voice = await startVoicePool({
    workers: roles.has('voice') ? config.voice.workers : 0,
    rtp: { host: config.sip.host, ...config.rtp },
    connectSpeech: speech && (() => speech.connect()),
    llm: {
      openaiBaseUrl: config.openai.baseUrl,
      openaiApiKey: config.openai.apiKey,
      keys: config.providerKeys,
      allowPrivateTargets: config.allowPrivateTargets,
    },
    workerLog: log,
    logger,
  });
  closers.push(() => voice.close());
  const { advertisedHost } = config.sip;
  const userAgent = await startUserAgent({
    host: config.sip.host,
    port: config.sip.port,
    advertisedHost,
    tls: {
      port: config.sip.tls.port,
      ...(await loadTlsIdentity({
        ...config.sip.tls,
        directory: config.dataDir,
        hosts: [advertisedHost],
        nowMs: clock.now(),
      })),
    },
    userAgent: `Trunkline/${await version()}`,
    clock,
    logger,
  });
  closers.push(() => userAgent.close());

  const spendWatch = startSpendWatch({ db: database, clock, logger });
  closers.push(() => spendWatch.close());
  const guardrails = createGuardrails({ clock, onSpendStop: (stop) => spendWatch.noteStop(stop) });
  const carrier =
    config.carrier.enabled && roles.has('carrier')
      ? await startCarrier({
          config,
          database,
          secrets,
          guardrails,
          speech,
          platformSipPort: userAgent.port,
          workspaceId: workspace.id,
          clock,
          logger,
          log,
          onProgress,
          closers,
        })
      : null;
  const carrierSipPort = carrier?.sipPort ?? null;

  const feed = createLiveFeed((callId, after) => readCallEvents(database.pool, callId, after));
  closers.push(() => feed.close());
  if (roles.has('api')) {
    const relay = startFeedRelay({ feed, pool: database.pool, clock, logger });
    closers.push(() => relay.close());
  }
  const recordings = createRecordingStore(path.join(config.dataDir, 'recordings'));
  const { s3, urlTtlS } = config.recordings;
  const library = createRecordingLibrary(recordings, s3 && createS3Store(s3, clock));
  const wallet = createWallet({ db: database, appendEvent });
  if (roles.has('jobs')) {
    const anomalies = startAnomalyWatch({ db: database, clock, logger });
    closers.push(() => anomalies.close());
  }
  const nodeId = newId('node', clock.now());
  const safeFetch = createSafeFetch({ allowPrivateTargets: config.allowPrivateTargets, clock });
  closers.push(() => safeFetch.close());
  const calls = await startCalls({
    db: database,
    safeFetch,
    guardrails,
    jobs,
    ua: userAgent,
    voice,
    feed,
    clock,
    logger,
    recordings,
    secrets,
    wallet,
    llm: {
      openaiBaseUrl: config.openai.baseUrl,
      openaiApiKey: config.openai.apiKey,
      keys: config.providerKeys,
    },
    nodeId,
    localHost: advertisedHost,
    maxCalls: config.voice.maxCalls,
    carriesCalls: roles.has('voice'),
  });
  closers.push(() => calls.close());
  const rooms: RoomContext = {
    db: database,
    clock,
    logger,
    nodeId,
    calls,
    recordings,
    secrets,
    nonces: new Set(),
    recordingUrl: (id) => `${publicUrl()}/v1/room-recordings/${id}/audio`,
  };
  const roomKeeper = startRoomKeeper(rooms);
  closers.push(() => roomKeeper.close());
  if (roles.has('voice')) {
    const watch = { db: database, ua: userAgent, secrets, clock, logger, advertisedHost };
    const trunkWatcher = await startTrunkWatcher(watch);
    closers.push(() => trunkWatcher.close());
  }
  const postCall = roles.has('jobs')
    ? await startPostCall({
        db: database,
        jobs,
        feed,
        clock,
        logger,
        wallet,
        recordings: library,
        secrets,
        llm: {
          openaiBaseUrl: config.openai.baseUrl,
          openaiApiKey: config.openai.apiKey,
          keys: config.providerKeys,
          guardedFetch: createGuardedFetch(config),
        },
      })
    : null;
  if (postCall) closers.push(() => postCall.close());

  let url: string | null = null;
  const publicUrl = (): string => config.publicUrl ?? url ?? '';
  const recordingUrls = createRecordingUrls({ masterKey, clock, ttlS: urlTtlS, publicUrl });
  const webhookFormats = formatList({
    describeCall: ({ call, ...parts }) => callView(call, parts, recordingUrls),
    findSigningPair: (workspaceId) =>
      findSigningPair(database.pool, workspaceId, { secrets, configured: liveKitPair }),
  });
  const deliverer = roles.has('jobs')
    ? startDeliverer({
        db: database,
        clock,
        logger,
        secrets,
        safeFetch,
        formats: webhookFormats,
        recordingUrlOf: (call) => recordingUrls.urlOf(call),
        nodeId,
      })
    : null;
  if (deliverer) {
    closers.push(() => deliverer.close());
    feed.onPublish(() => deliverer.wake());
  }
  if (roles.has('api')) {
    const traffic = createTrafficGauges(database.pool, clock);
    const registry = createMetrics({
      userAgent,
      voice,
      speech,
      liveCalls: () => calls.liveCount,
      traffic: () => traffic.read(),
      webhooks: deliverer && {
        counters: deliverer.counters,
        pending: () => countPending(database.pool),
      },
    });
    const keys = createKeyVerifier({ client: database.pool, clock, logger });
    const context: ApiContext = {
      version: await version(),
      clock,
      logger,
      newRequestId: () => `req_${randomText(20)}`,
      auth: {
        verifyKey: async (key) => {
          const row = await keys.verify(key);
          return (
            row && { workspaceId: row.workspaceId, keyId: row.id, scopes: scopesOf(row.scopes) }
          );
        },
        forgetKeys: () => keys.forget(),
        findLiveKitSecret: (apiKey) =>
          findLiveKitSecret(database.pool, apiKey, { secrets, configured: liveKitPair }),
        defaultWorkspaceId: workspace.id,
        masterKey,
        clock,
      },
      database,
      workspaces: createWorkspaceStore({
        db: database,
        clock,
        onKeysRevoked: () => keys.forget(),
      }),
      secrets,
      calls,
      rooms,
      trunks: createTrunkStore({
        db: database,
        secrets,
        clock,
        sandbox: config.sandbox.enabled,
      }),
      numbers: createNumberStore({ db: database, clock }),
      dispatchRules: createDispatchRuleStore({ db: database, secrets, clock }),
      sipHost: advertisedHost,
      sipPort: userAgent.port,
      carrier: {
        domain: config.carrier.domain,
        sipPort: carrierSipPort,
        sipTlsPort: carrier?.sipTlsPort ?? null,
        requestsPer5s: ZENTRUNK_REQUESTS_PER_5_S,
      },
      doctor: createTrunkDoctor({
        ua: userAgent,
        clock,
        advertisedHost,
        liveTrace: (callId) => calls.sipTraceOf(callId),
      }),
      feed,
      recordings: library,
      recordingUrls,
      wallet,
      safeFetch,
      webhooks: createWebhookStore({
        clock,
        secrets,
        checkTargetUrl: safeFetch.checkTargetUrl,
        formats: WEBHOOK_FORMATS.filter((name) => webhookFormats[name] !== undefined),
      }),
      wakeWebhooks: () => deliverer?.wake(),
      guardrails,
      createKey: keyMaker({ db: database, secrets, clock }),
      publicUrl,
      health: () => nodeHealth({ database, calls, voice, config, carrierSipPort, clock }),
      metrics: () => registry.metrics(),
    };
    const api = await startApi(context, config.http);
    closers.push(() => api.close());
    url = `http://${urlHost(config.http.host)}:${api.port}`;
  }
  logger.info({ url, sipPort: userAgent.port, carrierSipPort }, 'started');
  return {
    url,
    newApiKey,
    sipPort: userAgent.port,
    sipTlsPort: userAgent.tlsPort,
    carrierSipPort,
    async drain(timeoutMs) {
      await Promise.all([calls.drain(timeoutMs), carrier?.drain(timeoutMs)]);
      // Whoever follows the last calls is told their end before the API goes away.
      await postCall?.settleAll();
    },
    close,
  };
}

/** An address that a client can use for what was bound. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

async function version(): Promise<string> {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
}
