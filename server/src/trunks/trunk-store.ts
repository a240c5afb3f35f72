import { isIP } from 'node:net';
import type { Database } from '../db/database.ts';
import * as gateways from '../db/queries/gateways.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { isSource } from './source-list.ts';

/** What a trunk is made or changed with. The password goes in and never comes out. */
export interface TrunkInput {
  name?: string | undefined;
  active?: boolean | undefined;
  sandbox?: boolean | undefined;
  /** Digest user name; null takes the credentials away. */
  authUsername?: string | null | undefined;
  authPassword?: string | null | undefined;
  fromDomain?: string | null | undefined;
  codecs?: string[] | undefined;
  headers?: Record<string, string> | undefined;
  ringTimeoutMs?: number | undefined;
  mediaTimeouts?: trunks.MediaTimeouts | undefined;
  allowedSources?: string[] | undefined;
  /** In the order in which they are tried; replaces all. */
  gateways?: gateways.NewGateway[] | undefined;
}

/** A trunk as it may be shown: whether there is a password, not which. */
export type Trunk = Omit<trunks.TrunkWithGateways, 'authPasswordSealed'> & {
  hasPassword: boolean;
};

/** A trunk cannot be what was asked for. */
export class TrunkError extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = 'TrunkError';
    this.field = field;
  }
}

export interface TrunkStore {
  /** @throws TrunkError */
  create(workspaceId: string, input: TrunkInput & { name: string; id?: string }): Promise<Trunk>;
  /** Null when there is no such trunk. @throws TrunkError */
  update(workspaceId: string, trunkId: string, input: TrunkInput): Promise<Trunk | null>;
  get(workspaceId: string, trunkId: string): Promise<Trunk | null>;
  list(workspaceId: string, page?: PageRequest): Promise<Page<Trunk>>;
  remove(workspaceId: string, trunkId: string): Promise<boolean>;
}

const MAX_GATEWAYS = 20;
const CODECS: ReadonlySet<string> = new Set(['PCMU', 'PCMA']);
/** RFC 3261 §7.3.1: what a header may be called, and fields that are not the trunk's to set. */
const HEADER_NAME = /^[A-Za-z0-9.!%*_+`'~-]{1,64}$/;
const OWN_HEADERS =
  /^(via|from|to|call-id|cseq|contact|max-forwards|content-.*|route|record-route|authorization|proxy-authorization|[a-z])$/i;

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i;

/** Trunks with gateways and sealed passwords. */
export function createTrunkStore(options: {
  db: Pick<Database, 'pool' | 'transaction'>;
  secrets: Secrets;
  clock: Clock;
}): TrunkStore {
  const { db, secrets, clock } = options;

  function patchOf(workspaceId: string, id: string, input: TrunkInput): trunks.TrunkPatch {
    const { gateways: _gateways, authPassword, ...fields } = input;
    if (authPassword === undefined) return fields;
    return {
      ...fields,
      authPasswordSealed:
        authPassword === null
          ? null
          : secrets.seal({ workspaceId, table: 'trunks', id }, authPassword),
    };
  }

  async function read(client: Queryable, workspaceId: string, id: string): Promise<Trunk | null> {
    const row = await trunks.getWithGateways(client, workspaceId, id);
    return row && shown(row);
  }

  return {
    create(workspaceId, input) {
      const { id = newId('trunk', clock.now()), ...rest } = input;
      return db.transaction(async (client) => {
        check(rest);
        await trunks.insert(client, {
          ...patchOf(workspaceId, id, rest),
          id,
          workspaceId,
          name: input.name,
        });
        await gateways.replace(client, id, rest.gateways ?? []);
        const trunk = await read(client, workspaceId, id);
        if (!trunk) throw new Error('expected the trunk that was just stored, got none');
        return trunk;
      });
    },
    update(workspaceId, trunkId, input) {
      return db.transaction(async (client) => {
        check(input);
        const row = await trunks.update(
          client,
          workspaceId,
          trunkId,
          patchOf(workspaceId, trunkId, input),
        );
        if (!row) return null;
        if (input.gateways) await gateways.replace(client, trunkId, input.gateways);
        return read(client, workspaceId, trunkId);
      });
    },
    get: (workspaceId, trunkId) => read(db.pool, workspaceId, trunkId),
    async list(workspaceId, page) {
      const { data, nextCursor } = await trunks.list(db.pool, workspaceId, page);
      return { data: data.map(shown), nextCursor };
    },
    remove: (workspaceId, trunkId) => trunks.softDelete(db.pool, workspaceId, trunkId),
  };
}

function shown({ authPasswordSealed, ...row }: trunks.TrunkWithGateways): Trunk {
  return { ...row, hasPassword: authPasswordSealed !== null };
}

function check(input: TrunkInput): void {
  if (input.name !== undefined && input.name.trim() === '') {
    throw new TrunkError('name', 'expected a name, got nothing');
  }
  for (const codec of input.codecs ?? []) {
    if (!CODECS.has(codec)) throw new TrunkError('codecs', `expected PCMU or PCMA, got ${codec}`);
  }
  if (input.codecs?.length === 0) throw new TrunkError('codecs', 'expected a codec, got none');
  for (const source of input.allowedSources ?? []) {
    if (!isSource(source)) {
      throw new TrunkError('allowed_sources', `expected an address or CIDR, got ${source}`);
    }
  }
  checkIdentity(input);
  checkHeaders(input.headers ?? {});
  checkGateways(input.gateways ?? []);
}

/** RFC 3261 §25.1 `host`: what is longer than it is a parameter or a header of its own. */
function checkIdentity({ fromDomain, authUsername, authPassword }: TrunkInput): void {
  if (fromDomain != null && !isHost(fromDomain)) {
    throw new TrunkError(
      'from_domain',
      `expected a host name or address, got ${JSON.stringify(fromDomain.slice(0, 100))}`,
    );
  }
  for (const [field, text] of [
    ['auth_username', authUsername],
    ['auth_password', authPassword],
  ] as const) {
    if (text != null && (CONTROL.test(text) || !text.isWellFormed())) {
      throw new TrunkError(field, 'expected text without control characters');
    }
  }
}

function isHost(text: string): boolean {
  if (text.startsWith('[') && text.endsWith(']')) return isIP(text.slice(1, -1)) === 6;
  return isIP(text) === 4 || HOST_NAME.test(text);
}

function checkHeaders(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    // A line break in a value would be a header of its own.
    if (!HEADER_NAME.test(name) || OWN_HEADERS.test(name) || CONTROL.test(value)) {
      throw new TrunkError('headers', `the header ${JSON.stringify(name)} cannot be sent`);
    }
  }
}

function checkGateways(list: readonly gateways.NewGateway[]): void {
  if (list.length > MAX_GATEWAYS) {
    throw new TrunkError('gateways', `expected at most ${MAX_GATEWAYS}, got ${list.length}`);
  }
  for (const { host, port } of list) {
    if (isIP(host) === 0 && !HOST_NAME.test(host)) {
      throw new TrunkError('gateways', `expected a host name or address, got ${host}`);
    }
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TrunkError('gateways', `expected a port from 1 to 65535, got ${port}`);
    }
  }
}
