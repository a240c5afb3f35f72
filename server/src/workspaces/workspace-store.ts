import type { Database, TransactionClient } from '../db/database.ts';
import * as apiKeys from '../db/queries/api-keys.ts';
import * as queries from '../db/queries/workspaces.ts';
import * as usage from '../db/queries/workspace-usage.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { createApiKey, type ApiKeyOptions, type NewApiKey } from './api-keys.ts';

/** What a workspace is made or changed with. */
export interface WorkspaceInput {
  name?: string | undefined;
  /** ISO 4217. Default the parent's. */
  currency?: string | undefined;
  /** IANA name. Default the parent's. */
  timezone?: string | undefined;
  maxConcurrentCalls?: number | null | undefined;
}

/** A workspace cannot be what was asked for. */
export class WorkspaceError extends Error {
  readonly code: 'invalid' | 'conflict' | 'forbidden';
  readonly field: string | null;

  constructor(code: WorkspaceError['code'], field: string | null, message: string) {
    super(message);
    this.name = 'WorkspaceError';
    this.code = code;
    this.field = field;
  }
}

/**
 * Workspaces as one of them sees them: itself and its children (sub-accounts). `viewerId` is the
 * workspace of the key that asks; to it, all others are not there.
 */
export interface WorkspaceStore {
  /** A child of the viewer with its first key, readable only now. @throws WorkspaceError */
  create(
    viewerId: string,
    input: WorkspaceInput & { name: string; keyForm?: ApiKeyOptions['form'] },
  ): Promise<{ workspace: queries.WorkspaceRow; firstKey: NewApiKey }>;
  get(viewerId: string, workspaceId: string): Promise<queries.WorkspaceRow | null>;
  list(viewerId: string, page?: PageRequest): Promise<Page<queries.WorkspaceRow>>;
  /** Null when there is no such workspace. @throws WorkspaceError */
  update(
    viewerId: string,
    workspaceId: string,
    input: WorkspaceInput,
  ): Promise<queries.WorkspaceRow | null>;
  /** Hides a child, revokes its keys and frees its numbers. False when there is none. @throws WorkspaceError */
  remove(viewerId: string, workspaceId: string): Promise<boolean>;
  /** Null when there is no such workspace. */
  usage(
    viewerId: string,
    workspaceId: string,
    range: usage.UsageRange,
  ): Promise<usage.Usage | null>;
}

export function createWorkspaceStore(options: {
  db: Pick<Database, 'tenant'>;
  clock: Clock;
  /** The keys of a workspace that was removed are revoked; after the commit. */
  onKeysRevoked?: () => void;
}): WorkspaceStore {
  const { db, clock } = options;
  const find = (viewerId: string, workspaceId: string): Promise<queries.WorkspaceRow | null> =>
    queries.getVisible(db.tenant(viewerId), viewerId, workspaceId);
  return {
    async create(viewerId, input) {
      check(input);
      const parent = await find(viewerId, viewerId);
      if (!parent) {
        throw new WorkspaceError('conflict', null, 'the workspace of the key was deleted');
      }
      // One level: else a sub-account would escape its own limit by sub-accounts of its own.
      if (parent.parentId !== null) {
        throw new WorkspaceError('forbidden', null, 'a sub-account cannot have sub-accounts');
      }
      const id = newId('ws', clock.now());
      // In the child's name: its key belongs to it, and the parent's fence would refuse that.
      return db.tenant(id).transaction(async (client) => {
        const workspace = await queries.insert(client, {
          id,
          parentId: viewerId,
          name: input.name,
          currency: input.currency ?? parent.currency,
          timezone: input.timezone ?? parent.timezone,
          maxConcurrentCalls: input.maxConcurrentCalls ?? null,
        });
        const firstKey = await createApiKey(client, clock, {
          workspaceId: id,
          name: 'first',
          form: input.keyForm,
        });
        return { workspace, firstKey };
      });
    },
    get: find,
    list: (viewerId, page) => queries.listVisible(db.tenant(viewerId), viewerId, page),
    async update(viewerId, workspaceId, input) {
      check(input);
      const before = await find(viewerId, workspaceId);
      if (!before) return null;
      if (before.parentId !== null && viewerId === workspaceId) refuseOwnLimits(input);
      return db.tenant(workspaceId).transaction(async (client) => {
        if (input.currency !== undefined && input.currency !== before.currency) {
          await requireNoAmounts(client, workspaceId);
        }
        return queries.update(client, workspaceId, {
          name: input.name,
          currency: input.currency,
          timezone: input.timezone,
          maxConcurrentCalls: input.maxConcurrentCalls,
        });
      });
    },
    async remove(viewerId, workspaceId) {
      const found = await find(viewerId, workspaceId);
      if (!found) return false;
      if (workspaceId === viewerId) {
        throw new WorkspaceError(
          'conflict',
          null,
          'a workspace is deleted with a key of its parent',
        );
      }
      const removed = await db.tenant(workspaceId).transaction(async (client) => {
        if (await usage.hasUnfinishedCalls(client, workspaceId)) {
          throw new WorkspaceError(
            'conflict',
            null,
            'the workspace has calls that are not over; cancel or stop them first',
          );
        }
        await apiKeys.revokeAll(client, workspaceId);
        await usage.releaseTrunks(client, workspaceId);
        return queries.softDelete(client, workspaceId);
      });
      options.onKeysRevoked?.();
      return removed;
    },
    async usage(viewerId, workspaceId, range) {
      if (!(await find(viewerId, workspaceId))) return null;
      return usage.summarize(db.tenant(workspaceId), workspaceId, range);
    },
  };
}

/** The workspace of a fresh installation: the oldest one, made when there is none. */
export function ensureDefaultWorkspace(
  db: Pick<Database, 'transaction'>,
  clock: Clock,
): Promise<queries.WorkspaceRow> {
  return db.transaction((client) =>
    queries.ensureDefault(client, { id: newId('ws', clock.now()), name: 'Default' }),
  );
}

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

function check({ name, currency, timezone, maxConcurrentCalls }: WorkspaceInput): void {
  if (name !== undefined && name.trim() === '') {
    throw new WorkspaceError('invalid', 'name', 'expected a name, got nothing');
  }
  if (currency !== undefined && !CURRENCIES.has(currency)) {
    throw new WorkspaceError('invalid', 'currency', 'expected a code of ISO 4217, such as USD');
  }
  if (timezone !== undefined && !isTimezone(timezone)) {
    throw new WorkspaceError(
      'invalid',
      'timezone',
      'expected a name of the IANA time zones, such as Europe/Berlin',
    );
  }
  if (maxConcurrentCalls != null && !(maxConcurrentCalls >= 1 && maxConcurrentCalls <= 100_000)) {
    throw new WorkspaceError('invalid', 'max_concurrent_calls', 'expected 1 to 100000');
  }
}

/** What holds a sub-account is not its own to change. */
function refuseOwnLimits({ currency, maxConcurrentCalls }: WorkspaceInput): void {
  const field =
    maxConcurrentCalls !== undefined
      ? 'max_concurrent_calls'
      : currency !== undefined
        ? 'currency'
        : null;
  if (field === null) return;
  throw new WorkspaceError(
    'forbidden',
    field,
    `${field} of a sub-account is set with a key of its parent`,
  );
}

/** By name only: an offset such as +02:00 knows no summer time. */
function isTimezone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    // A RangeError: there is no such zone.
    return false;
  }
}

/** Amounts that are stored already would change their worth. */
async function requireNoAmounts(client: TransactionClient, workspaceId: string): Promise<void> {
  const what = (await usage.hasCalls(client, workspaceId))
    ? 'calls with a cost'
    : (await usage.hasMoney(client, workspaceId))
      ? 'bookings or rates'
      : null;
  if (what === null) return;
  throw new WorkspaceError(
    'conflict',
    'currency',
    `the workspace has ${what} in its currency; make another workspace`,
  );
}
