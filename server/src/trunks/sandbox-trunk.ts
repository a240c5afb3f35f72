import type { Database } from '../db/database.ts';
import * as agents from '../db/queries/agents.ts';
import * as numbers from '../db/queries/numbers.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { Clock } from '../shared/clock.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { createNumberStore } from './number-store.ts';
import { createTrunkStore, SANDBOX_TRUNK_ID, type Trunk } from './trunk-store.ts';

/** The from-number of sandbox calls. */
export const SANDBOX_NUMBER = '+15005550199';
/** A test's phone that never answers should not take a minute. */
const RING_TIMEOUT_MS = 30_000;

export interface SandboxTrunkOptions {
  db: Pick<Database, 'pool' | 'tenant'>;
  secrets: Secrets;
  clock: Clock;
  workspaceId: string;
  /** Who answers the sandbox number, and speaks where a request names nobody. */
  agentId: string;
  /** The agent was made in this start: it answers even where the number had nobody. */
  agentIsNew: boolean;
  /** Where the carrier listens: gateway 1 is its UDP port, gateway 2 its TCP port. */
  carrier: { host: string; port: number };
  credentials: { username: string; password: string };
}

/**
 * The trunk `sandbox` with its number: a trunk like any other, on the real SIP path to the carrier
 * on loopback. Brings its gateways and credentials up to date at each start, and makes again what
 * was deleted of it.
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
  await trunks.revive(db.tenant(workspaceId), workspaceId, SANDBOX_TRUNK_ID);
  const trunk =
    (await store.update(workspaceId, SANDBOX_TRUNK_ID, input)) ??
    (await store.create(workspaceId, {
      ...input,
      id: SANDBOX_TRUNK_ID,
      ringTimeoutMs: RING_TIMEOUT_MS,
    }));
  const number = await numbers.getByE164(db.pool, SANDBOX_NUMBER);
  if (!number) {
    await createNumberStore({ db, clock }).add(workspaceId, {
      e164: SANDBOX_NUMBER,
      trunkId: trunk.id,
      agentId,
    });
  } else if (number.workspaceId === workspaceId && (await needsAgent(options, number))) {
    await numbers.assign(db.tenant(workspaceId), workspaceId, number.id, { agentId });
  }
  return trunk;
}

/** A number that was taken from its agent on purpose stays without one. */
async function needsAgent(
  { db, workspaceId, agentIsNew }: SandboxTrunkOptions,
  { agentId }: numbers.NumberRow,
): Promise<boolean> {
  if (agentId === null) return agentIsNew;
  return !(await agents.get(db.tenant(workspaceId), workspaceId, agentId));
}

/** Who answers the sandbox number: an agent that is there; else null. */
export async function sandboxAgent(
  db: Pick<Database, 'pool' | 'tenant'>,
  workspaceId: string,
): Promise<agents.AgentRow | null> {
  const number = await numbers.getByE164(db.pool, SANDBOX_NUMBER);
  if (number?.workspaceId !== workspaceId || number.agentId === null) return null;
  return agents.get(db.tenant(workspaceId), workspaceId, number.agentId);
}
