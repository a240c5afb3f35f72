import type { Database } from '../db/database.ts';
import * as numbers from '../db/queries/numbers.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { parseE164 } from './e164.ts';

/** A number cannot be added. */
export class NumberError extends Error {
  readonly code: 'invalid-number' | 'trunk-not-found' | 'number-taken';

  constructor(code: NumberError['code'], message: string) {
    super(message);
    this.name = 'NumberError';
    this.code = code;
  }
}

export interface NumberStore {
  /** @throws NumberError */
  add(
    workspaceId: string,
    number: {
      e164: string;
      trunkId: string;
      agentId: string | null;
      name?: string | undefined;
      provider?: string | undefined;
      inboundTrunkId?: string | null | undefined;
      /** Whether it must be a number that can exist. Default true. */
      e164Check?: boolean | undefined;
    },
  ): Promise<numbers.NumberRow>;
  get(workspaceId: string, numberId: string): Promise<numbers.NumberRow | null>;
  list(
    workspaceId: string,
    request?: PageRequest & { trunkId?: string | undefined; agentId?: string | undefined },
  ): Promise<Page<numbers.NumberRow>>;
  /** By E.164, in this workspace. */
  find(workspaceId: string, e164: string): Promise<numbers.NumberRow | null>;
  /** Null when there is no such number. @throws NumberError */
  update(
    workspaceId: string,
    numberId: string,
    patch: numbers.NumberPatch,
  ): Promise<numbers.NumberRow | null>;
  /** Null when there is no such number. */
  assign(
    workspaceId: string,
    numberId: string,
    agentId: string | null,
  ): Promise<numbers.NumberRow | null>;
  remove(workspaceId: string, numberId: string): Promise<boolean>;
}

/** Numbers of trunks, and which agent answers them. */
export function createNumberStore(options: {
  db: Pick<Database, 'tenant'>;
  clock: Clock;
}): NumberStore {
  const { clock, db } = options;

  async function requireTrunk(
    workspaceId: string,
    trunkId: string,
  ): Promise<trunks.TrunkWithGateways> {
    const trunk = await trunks.getWithGateways(db.tenant(workspaceId), workspaceId, trunkId);
    if (!trunk) throw new NumberError('trunk-not-found', `there is no trunk ${trunkId}`);
    return trunk;
  }

  return {
    async add(workspaceId, { e164, trunkId, agentId, name, provider, inboundTrunkId, e164Check }) {
      const trunk = await requireTrunk(workspaceId, trunkId);
      if (inboundTrunkId != null) await requireTrunk(workspaceId, inboundTrunkId);
      const parsed = parseE164(e164, {
        sandbox: trunk.sandbox,
        check: e164Check === false ? 'form' : 'plan',
      });
      if (!parsed.ok) throw new NumberError('invalid-number', parsed.message);
      try {
        return await numbers.insert(db.tenant(workspaceId), {
          id: newId('number', clock.now()),
          workspaceId,
          e164: parsed.e164,
          trunkId,
          agentId,
          name,
          provider,
          inboundTrunkId,
        });
      } catch (error) {
        if ((error as { code?: unknown }).code !== '23505') throw error;
        throw new NumberError('number-taken', 'the number belongs to a trunk already');
      }
    },
    get: (workspaceId, numberId) => numbers.get(db.tenant(workspaceId), workspaceId, numberId),
    list: (workspaceId, request) => numbers.list(db.tenant(workspaceId), workspaceId, request),
    async find(workspaceId, e164) {
      const route = await numbers.findByE164(db.tenant(workspaceId), e164);
      return route?.number.workspaceId === workspaceId ? route.number : null;
    },
    async update(workspaceId, numberId, patch) {
      if (patch.trunkId !== undefined) await requireTrunk(workspaceId, patch.trunkId);
      if (patch.inboundTrunkId != null) await requireTrunk(workspaceId, patch.inboundTrunkId);
      return numbers.assign(db.tenant(workspaceId), workspaceId, numberId, patch);
    },
    assign: (workspaceId, numberId, agentId) =>
      numbers.assign(db.tenant(workspaceId), workspaceId, numberId, { agentId }),
    remove: (workspaceId, numberId) =>
      numbers.remove(db.tenant(workspaceId), workspaceId, numberId),
  };
}
