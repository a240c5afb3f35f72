import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/database.ts';
import type { OffsetPage, OffsetRequest } from '../db/queries/offset-page.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as credentials from '../db/queries/zentrunk-credentials.ts';
import * as acls from '../db/queries/zentrunk-ip-acls.ts';
import * as trunks from '../db/queries/zentrunk-trunks.ts';
import * as uris from '../db/queries/zentrunk-uris.ts';
import { isSource } from '../trunks/source-list.ts';
import { refusedSources } from '../trunks/source-width.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { parseOriginationUri } from './origination-uri.ts';
import { CREDENTIAL_SECRETS, URI_SECRETS } from './secret-places.ts';
import { ZentrunkError } from './zentrunk-error.ts';

export interface CredentialInput {
  name?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
}

export interface IpAclInput {
  name?: string | undefined;
  ipAddresses?: string[] | undefined;
}

export interface UriInput {
  name?: string | undefined;
  uri?: string | undefined;
  authenticationNeeded?: boolean | undefined;
  username?: string | null | undefined;
  password?: string | null | undefined;
}

/** Null takes a reference away. */
export type TrunkInput = trunks.ZentrunkTrunkPatch;

/** What customers of the trunk service set up. Everything throws ZentrunkError where it cannot be. */
export interface ZentrunkStore {
  createCredential(
    workspaceId: string,
    input: CredentialInput,
  ): Promise<credentials.ZentrunkCredentialRow>;
  updateCredential(workspaceId: string, id: string, input: CredentialInput): Promise<boolean>;
  createIpAcl(workspaceId: string, input: IpAclInput): Promise<acls.ZentrunkIpAclRow>;
  updateIpAcl(workspaceId: string, id: string, input: IpAclInput): Promise<boolean>;
  createUri(workspaceId: string, input: UriInput): Promise<uris.ZentrunkUriRow>;
  updateUri(workspaceId: string, id: string, input: UriInput): Promise<boolean>;
  /** With `force` the trunks that use it go with it; without it they keep it. */
  removeUri(workspaceId: string, id: string, options: { force: boolean }): Promise<boolean>;
  createTrunk(workspaceId: string, input: TrunkInput): Promise<trunks.ZentrunkTrunkRow>;
  updateTrunk(workspaceId: string, id: string, input: TrunkInput): Promise<boolean>;
  /** What keeps calls of a trunk from being carried as it is set up; null: nothing. */
  trunkNotice(workspaceId: string, id: string): Promise<string | null>;
  listTrunks(
    workspaceId: string,
    filter: trunks.ZentrunkTrunkFilter,
    page: OffsetRequest,
  ): Promise<OffsetPage<trunks.ZentrunkTrunkRow>>;
}

const USERNAME = /^[A-Za-z0-9_.-]{5,20}$/;
const PASSWORD = /^[A-Za-z0-9~!@#$%^&*()_+]{5,20}$/;
const SPECIAL = /[~!@#$%^&*()_+]/;
/** Names for a far end's digest; a quote would end the header's text. */
const FAR_USERNAME = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
const FAR_PASSWORD = /^[\x20-\x7e]{1,200}$/;
const MAX_ADDRESSES = 200;
const MAX_NAME_CHARS = 200;

export function createZentrunkStore(options: {
  db: Pick<Database, 'tenant'>;
  secrets: Secrets;
}): ZentrunkStore {
  const { db, secrets } = options;
  const sealed = (workspaceId: string, table: string, id: string, text: string): string =>
    secrets.seal({ workspaceId, table, id }, text);

  return {
    createCredential(workspaceId, { name = '', username, password }) {
      if (username === undefined) throw missing('username');
      if (password === undefined) throw missing('password');
      checkCredential({ name, username, password });
      const id = randomUUID();
      return credentials.insert(db.tenant(workspaceId), {
        id,
        workspaceId,
        name,
        username,
        passwordSealed: sealed(workspaceId, CREDENTIAL_SECRETS, id, password),
      });
    },

    async updateCredential(workspaceId, id, { password, ...input }) {
      checkCredential({ ...input, password });
      const row = await credentials.update(db.tenant(workspaceId), workspaceId, id, {
        ...input,
        passwordSealed:
          password === undefined
            ? undefined
            : sealed(workspaceId, CREDENTIAL_SECRETS, id, password),
      });
      return row !== null;
    },

    createIpAcl(workspaceId, { name = '', ipAddresses }) {
      if (ipAddresses === undefined) throw missing('ip_addresses');
      checkIpAcl({ name, ipAddresses });
      const row = { id: randomUUID(), workspaceId, name, ipAddresses };
      return acls.insert(db.tenant(workspaceId), row);
    },

    async updateIpAcl(workspaceId, id, input) {
      checkIpAcl(input);
      return (await acls.update(db.tenant(workspaceId), workspaceId, id, input)) !== null;
    },

    createUri(workspaceId, { name = '', uri, authenticationNeeded = false, ...input }) {
      if (uri === undefined) throw missing('uri');
      const { username = null, password = null } = input;
      checkUri({ name, uri, username, password });
      if (authenticationNeeded) requireLogin(username, password !== null);
      const id = randomUUID();
      return uris.insert(db.tenant(workspaceId), {
        id,
        workspaceId,
        name,
        uri,
        authenticationNeeded,
        username: authenticationNeeded ? username : null,
        passwordSealed:
          authenticationNeeded && password !== null
            ? sealed(workspaceId, URI_SECRETS, id, password)
            : null,
      });
    },

    updateUri(workspaceId, id, { password, ...input }) {
      checkUri({ ...input, password });
      return db.tenant(workspaceId).transaction(async (client) => {
        const before = await uris.get(client, workspaceId, id);
        if (!before) return false;
        const needed = input.authenticationNeeded ?? before.authenticationNeeded;
        const username = input.username === undefined ? before.username : input.username;
        const passwordSealed =
          password === undefined
            ? before.passwordSealed
            : password && sealed(workspaceId, URI_SECRETS, id, password);
        if (needed) requireLogin(username, passwordSealed !== null);
        const patch = needed
          ? { ...input, username, passwordSealed }
          : { ...input, username: null, passwordSealed: null };
        return (await uris.update(client, workspaceId, id, patch)) !== null;
      });
    },

    removeUri: (workspaceId, id, { force }) =>
      db.tenant(workspaceId).transaction(async (client) => {
        const users = await trunks.ofUri(client, workspaceId, id);
        if (users.length > 0 && !force) {
          throw new ZentrunkError(
            400,
            `trunk ${users.map((trunk) => trunk.id).join(', ')} uses this URI; ` +
              'deleting it deletes these trunks too: repeat with ?force=true',
          );
        }
        for (const trunk of users) await trunks.remove(client, workspaceId, trunk.id);
        return uris.remove(client, workspaceId, id);
      }),

    createTrunk(workspaceId, input) {
      const { name = '', direction, enabled = true, secure = false } = input;
      if (direction === undefined) throw missing('trunk_direction');
      checkName(name);
      const row = {
        workspaceId,
        name,
        direction,
        enabled,
        secure,
        ipaclUuid: input.ipaclUuid ?? null,
        credentialUuid: input.credentialUuid ?? null,
        primaryUriUuid: input.primaryUriUuid ?? null,
        fallbackUriUuid: input.fallbackUriUuid ?? null,
      };
      return db.tenant(workspaceId).transaction(async (client) => {
        checkTrunk(row);
        await requireReferences(client, workspaceId, row);
        return trunks.insert(client, { ...row, id: newTrunkId() });
      });
    },

    updateTrunk(workspaceId, id, input) {
      if (input.name !== undefined) checkName(input.name);
      return db.tenant(workspaceId).transaction(async (client) => {
        const before = await trunks.get(client, workspaceId, id);
        if (!before) return false;
        if (input.direction !== undefined && input.direction !== before.direction) {
          throw new ZentrunkError(
            400,
            `trunk_direction cannot change from ${before.direction} to ${input.direction}`,
          );
        }
        const given = Object.entries(input).filter(([, value]) => value !== undefined);
        checkTrunk({ ...before, ...(Object.fromEntries(given) as Partial<typeof before>) });
        await requireReferences(client, workspaceId, input);
        return (await trunks.update(client, workspaceId, id, input)) !== null;
      });
    },

    async trunkNotice(workspaceId, id) {
      const client = db.tenant(workspaceId);
      const trunk = await trunks.get(client, workspaceId, id);
      if (!trunk?.secure) return null;
      for (const uuid of [trunk.primaryUriUuid, trunk.fallbackUriUuid]) {
        const row = uuid === null ? null : await uris.get(client, workspaceId, uuid);
        if (row && parseOriginationUri(row.uri)?.transport !== 'tls') {
          return `secure: calls to URI ${row.id} are refused with 4110 until it says ;transport=tls`;
        }
      }
      return null;
    },

    listTrunks: (workspaceId, filter, page) =>
      trunks.list(db.tenant(workspaceId), workspaceId, filter, page),
  };
}

/** 15 digits, as many as Zentrunk's have. */
function newTrunkId(): string {
  return String(randomInt(100_000_000_000_000, 200_000_000_000_000));
}

function missing(field: string): ZentrunkError {
  return new ZentrunkError(422, `${field} is required`);
}

function checkName(name: string | undefined): void {
  if (name !== undefined && name.length > MAX_NAME_CHARS) {
    throw new ZentrunkError(400, `name: expected at most ${MAX_NAME_CHARS} characters`);
  }
}

function checkCredential({ name, username, password }: CredentialInput): void {
  checkName(name);
  if (username !== undefined && !USERNAME.test(username)) {
    throw new ZentrunkError(400, 'username: expected 5 to 20 letters, digits, _ . or -');
  }
  if (password !== undefined && !(PASSWORD.test(password) && SPECIAL.test(password))) {
    throw new ZentrunkError(
      400,
      'password: expected 5 to 20 letters, digits and at least one of ~!@#$%^&*()_+',
    );
  }
}

function checkIpAcl({ name, ipAddresses }: IpAclInput): void {
  checkName(name);
  if (ipAddresses === undefined) return;
  if (ipAddresses.length === 0 || ipAddresses.length > MAX_ADDRESSES) {
    throw new ZentrunkError(400, `ip_addresses: expected 1 to ${MAX_ADDRESSES} addresses`);
  }
  for (const address of ipAddresses) {
    if (!isSource(address)) {
      throw new ZentrunkError(
        400,
        `ip_addresses: expected an IP address or CIDR, got ${JSON.stringify(address.slice(0, 60))}`,
      );
    }
    if (refusedSources([address]).length > 0) {
      throw new ZentrunkError(
        400,
        `ip_addresses: ${address} lets a large part of the internet in; name your own addresses`,
      );
    }
  }
}

function checkUri({ name, uri, username, password }: UriInput): void {
  checkName(name);
  if (uri !== undefined && !parseOriginationUri(uri)) {
    throw new ZentrunkError(
      400,
      'uri: expected host, host:port or sip:user@host, with ;transport=udp, tcp or tls where it is not UDP',
    );
  }
  if (username != null && !FAR_USERNAME.test(username)) {
    throw new ZentrunkError(400, 'username: expected 1 to 100 visible characters without quotes');
  }
  if (password != null && !FAR_PASSWORD.test(password)) {
    throw new ZentrunkError(400, 'password: expected 1 to 200 visible characters');
  }
}

function requireLogin(username: string | null, hasPassword: boolean): void {
  if (username === null) throw missing('username');
  if (!hasPassword) throw missing('password');
}

type TrunkParts = Pick<
  trunks.ZentrunkTrunkRow,
  'direction' | 'ipaclUuid' | 'credentialUuid' | 'primaryUriUuid' | 'fallbackUriUuid'
>;

/** What a trunk of its direction must and may have. */
function checkTrunk(trunk: TrunkParts): void {
  const outbound = trunk.direction === 'outbound';
  for (const [field, value, belongs] of [
    ['ipacl_uuid', trunk.ipaclUuid, outbound],
    ['credential_uuid', trunk.credentialUuid, outbound],
    ['primary_uri_uuid', trunk.primaryUriUuid, !outbound],
    ['fallback_uri_uuid', trunk.fallbackUriUuid, !outbound],
  ] as const) {
    if (value !== null && !belongs) {
      throw new ZentrunkError(400, `${field} does not belong to an ${trunk.direction} trunk`);
    }
  }
  if (outbound && trunk.ipaclUuid === null && trunk.credentialUuid === null) {
    throw new ZentrunkError(422, 'ipacl_uuid or credential_uuid is required');
  }
  if (!outbound && trunk.primaryUriUuid === null) throw missing('primary_uri_uuid');
}

async function requireReferences(
  client: Queryable,
  workspaceId: string,
  input: TrunkInput,
): Promise<void> {
  const wanted = [
    ['ipacl_uuid', input.ipaclUuid, acls.get],
    ['credential_uuid', input.credentialUuid, credentials.get],
    ['primary_uri_uuid', input.primaryUriUuid, uris.get],
    ['fallback_uri_uuid', input.fallbackUriUuid, uris.get],
  ] as const;
  for (const [field, id, get] of wanted) {
    if (id == null || (await get(client, workspaceId, id))) continue;
    throw new ZentrunkError(400, `${field}: there is none with the id ${id}`);
  }
}
