import type { Database } from '../db/database.ts';
import * as numbers from '../db/queries/numbers.ts';
import type { Clock } from '../shared/clock.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { createNumberStore } from './number-store.ts';
import { createTrunkStore, type Trunk } from './trunk-store.ts';

/** The from-number of sandbox calls. */
export const SANDBOX_NUMBER = '+15005550199';
export const SANDBOX_TRUNK_ID = 'trunk_sandbox';
/** A test's phone that never answers should not take a minute. */
const RING_TIMEOUT_MS = 30_000;

export interface SandboxTrunkOptions {
  db: Pick<Database, 'pool' | 'tenant'>;
  secrets: Secrets;
  clock: Clock;
  workspaceId: string;
  /** Who answers the sandbox number, and speaks where a request names nobody. */
  agentId: string;
  /** Where the carrier listens: gateway 1 is its UDP port, gateway 2 its TCP port. */
  carrier: { host: string; port: number };
  credentials: { username: string; password: string };
}

/**
 * The trunk `sandbox` with its number: a trunk like any other, on the real SIP path to the carrier
 * on loopback. Brings its gateways and credentials up to date at each start.
 */
export async function ensureSandboxTrunk(options: SandboxTrunkOptions): Promise<Trunk> {
  const { db, clock, workspaceId, agentId, credentials } = options;
  const store = createTrunkStore(options);
  const input = {
    name: 'sandbox',
    sandbox: true,
    authUsername: credentials.username,
    authPassword: credentials.password,
    gateways: [
      { ...options.carrier, transport: 'udp' as const },
      { ...options.carrier, transport: 'tcp' as const },
    ],
  };
  const trunk =
    (await store.update(workspaceId, SANDBOX_TRUNK_ID, input)) ??
    (await store.create(workspaceId, {
      ...input,
      id: SANDBOX_TRUNK_ID,
      ringTimeoutMs: RING_TIMEOUT_MS,
    }));
  if (!(await numbers.findByE164(db.pool, SANDBOX_NUMBER))) {
    await createNumberStore({ db, clock }).add(workspaceId, {
      e164: SANDBOX_NUMBER,
      trunkId: trunk.id,
      agentId,
    });
  }
  return trunk;
}
