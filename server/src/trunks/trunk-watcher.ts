import type { Database } from '../db/database.ts';
import * as health from '../db/queries/trunk-health.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import { appendEvent } from '../events/outbox.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { GatewayWatch, type GatewayReport } from './gateway-watch.ts';
import { gatewaysInOrder } from './routing.ts';
import { TrunkRegistration, type RegistrationReport } from './trunk-registration.ts';

export interface TrunkWatcherOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  ua: Pick<UserAgent, 'request' | 'port' | 'tlsPort'>;
  secrets: Secrets;
  clock: Clock;
  logger: Logger;
  /** Host that far ends are told to send to. */
  advertisedHost: string;
  /** 0 to 1. Default `Math.random`. */
  random?: () => number;
}

export interface TrunkWatcher {
  /** Looks at the trunks anew, at once instead of within some seconds. */
  refresh(): Promise<void>;
  /** Takes every binding away. Idempotent. */
  close(): Promise<void>;
}

/** How soon a change of a trunk is seen. */
const REFRESH_MS = 5_000;

interface Watched {
  /** Of everything that it was made from: another one makes it anew. */
  key: string;
  registration: TrunkRegistration | null;
  gateways: GatewayWatch[];
}

/** Registers trunks that want it, and asks their gateways whether they are there. */
export async function startTrunkWatcher(options: TrunkWatcherOptions): Promise<TrunkWatcher> {
  const { db, ua, secrets, clock, logger, advertisedHost } = options;
  const watched = new Map<string, Watched>();
  const writing = new Set<Promise<void>>();
  let timer: TimerHandle | null = null;
  let closing: Promise<void> | null = null;

  function write(what: string, work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((error: unknown) => logger.warn({ err: error }, `${what} was not stored`))
      .finally(() => writing.delete(done));
    writing.add(done);
  }

  function watch(trunk: TrunkWithGateways, key: string): Watched {
    const { id, workspaceId, qualifyFrequencyS } = trunk;
    const gateways = gatewaysInOrder(trunk.gateways);
    const domain = trunk.fromDomain ?? advertisedHost;
    return {
      key,
      registration: trunk.authType === 'registration' ? register(trunk) : null,
      gateways:
        qualifyFrequencyS === 0
          ? []
          : gateways.map(({ host, port, transport, lookup }) => {
              const shown = host.includes(':') ? `[${host}]` : host;
              const gateway = `${shown}:${port};${transport}`;
              return new GatewayWatch({
                gateway: { host, port, transport, lookup },
                domain,
                periodMs: qualifyFrequencyS * 1000,
                ua,
                clock,
                random: options.random ?? Math.random,
                onReport: (report) =>
                  write(
                    'the health of a gateway',
                    noteGateway({ id, workspaceId }, gateway, report),
                  ),
              });
            }),
    };
  }

  function register(trunk: TrunkWithGateways): TrunkRegistration | null {
    const { id, workspaceId, authUsername, authPasswordSealed, fromDomain } = trunk;
    const [registrar] = gatewaysInOrder(trunk.gateways);
    if (!registrar || authUsername === null || authPasswordSealed === null) return null;
    let password: string;
    try {
      password = secrets.open({ workspaceId, table: 'trunks', id }, authPasswordSealed);
    } catch (error) {
      logger.warn({ err: error, trunkId: id }, 'a trunk is not registered: its password is sealed');
      return null;
    }
    const { host, port, transport, lookup } = registrar;
    const ownPort = transport === 'tls' ? (ua.tlsPort ?? ua.port) : ua.port;
    const ownHost = advertisedHost.includes(':') ? `[${advertisedHost}]` : advertisedHost;
    return new TrunkRegistration({
      target: {
        registrar: { host, port, transport, lookup },
        domain: fromDomain ?? (host.includes(':') ? `[${host}]` : host),
        username: authUsername,
        password,
        contactHost: `${ownHost}:${ownPort}`,
      },
      ua,
      clock,
      onChange: (report) => write('a registration', noteRegistration({ id, workspaceId }, report)),
    });
  }

  async function noteRegistration(
    { id: trunkId, workspaceId }: { id: string; workspaceId: string },
    { state, sipCode, sipReason, expiresAtMs }: RegistrationReport,
  ): Promise<void> {
    await db.transaction(async (client) => {
      const before = await health.registrationOf(client, workspaceId, trunkId);
      await health.storeRegistration(client, {
        trunkId,
        workspaceId,
        state,
        sipCode,
        sipReason,
        expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs),
        changedAt: new Date(clock.now()),
      });
      if (before?.state === state || state === 'stopped') return;
      await appendEvent(client, {
        workspaceId,
        orderKey: trunkId,
        type: 'trunk.health',
        data: { trunk_id: trunkId, registration: state, sip: { code: sipCode, reason: sipReason } },
      });
    });
    if (state !== 'registered' && state !== 'stopped') {
      logger.warn({ trunkId, state, sipCode, sipReason }, 'a trunk is not registered');
    }
  }

  async function noteGateway(
    { id: trunkId, workspaceId }: { id: string; workspaceId: string },
    gateway: string,
    { state, before, sipCode, sipReason, roundTripMs, misses }: GatewayReport,
  ): Promise<void> {
    await db.transaction(async (client) => {
      await health.storeGateway(client, {
        trunkId,
        workspaceId,
        gateway,
        state,
        sipCode,
        sipReason,
        roundTripMs,
        misses,
        checkedAt: new Date(clock.now()),
      });
      // One that was never asked and is up is nothing new.
      if (state === before || (before === null && state === 'up')) return;
      await appendEvent(client, {
        workspaceId,
        orderKey: trunkId,
        type: 'trunk.health',
        data: { trunk_id: trunkId, gateway, state, misses },
      });
    });
  }

  async function forget(id: string, one: Watched): Promise<void> {
    watched.delete(id);
    for (const gateway of one.gateways) gateway.close();
    await one.registration?.close();
  }

  async function refresh(): Promise<void> {
    const active = await trunks.listActive(db.pool);
    const wanted = new Map(
      active.filter((trunk) => !trunk.sandbox).map((trunk) => [trunk.id, trunk] as const),
    );
    for (const [id, one] of watched) {
      const trunk = wanted.get(id);
      if (!trunk || keyOf(trunk) !== one.key) void forget(id, one);
    }
    for (const [id, trunk] of wanted) {
      if (!watched.has(id)) watched.set(id, watch(trunk, keyOf(trunk)));
    }
  }

  function again(): void {
    timer = clock.setTimer(REFRESH_MS, () => {
      void refresh()
        // What is known stays in force while the database is away.
        .catch((error: unknown) => logger.warn({ err: error }, 'trunks to watch not refreshed'))
        .finally(() => {
          if (!closing) again();
        });
    });
  }

  await refresh();
  again();
  return {
    refresh,
    close() {
      closing ??= (async () => {
        timer?.cancel();
        await Promise.all([...watched].map(([id, one]) => forget(id, one)));
        await Promise.all(writing);
      })();
      return closing;
    },
  };
}

/** What decides how a trunk registers and is asked. */
function keyOf(trunk: TrunkWithGateways): string {
  const { authType, authUsername, authPasswordSealed, fromDomain, qualifyFrequencyS } = trunk;
  const gateways = gatewaysInOrder(trunk.gateways).map(
    ({ host, port, transport }) => `${host}:${port};${transport}`,
  );
  return JSON.stringify([
    authType,
    authUsername,
    authPasswordSealed,
    fromDomain,
    qualifyFrequencyS,
    gateways,
  ]);
}
