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
    number: { e164: string; trunkId: string; agentId: string | null },
  ): Promise<numbers.NumberRow>;
  get(workspaceId: string, numberId: string): Promise<numbers.NumberRow | null>;
  list(workspaceId: string, page?: PageRequest): Promise<Page<numbers.NumberRow>>;
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
  db: Pick<Database, 'pool'>;
  clock: Clock;
}): NumberStore {
  const { clock } = options;
  const client = options.db.pool;
  return {
    async add(workspaceId, { e164, trunkId, agentId }) {
      const trunk = await trunks.getWithGateways(client, workspaceId, trunkId);
      if (!trunk) throw new NumberError('trunk-not-found', `there is no trunk ${trunkId}`);
      const parsed = parseE164(e164, { sandbox: trunk.sandbox });
      if (!parsed.ok) throw new NumberError('invalid-number', parsed.message);
      try {
        return await numbers.insert(client, {
          id: newId('number', clock.now()),
          workspaceId,
          e164: parsed.e164,
          trunkId,
          agentId,
        });
      } catch (error) {
        if ((error as { code?: unknown }).code !== '23505') throw error;
        throw new NumberError('number-taken', 'the number belongs to a trunk already');
      }
    },
    get: (workspaceId, numberId) => numbers.get(client, workspaceId, numberId),
    list: (workspaceId, page) => numbers.list(client, workspaceId, page),
    assign: (workspaceId, numberId, agentId) =>
      numbers.assign(client, workspaceId, numberId, { agentId }),
    remove: (workspaceId, numberId) => numbers.remove(client, workspaceId, numberId),
  };
}
