import { isIP } from 'node:net';
import type { Database } from '../db/database.ts';
import * as gateways from '../db/queries/gateways.ts';
import * as numbers from '../db/queries/numbers.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { carrierProfile } from './carrier-profiles.ts';
import { isRedirectHost } from './redirect-policy.ts';
import { isSource } from './source-list.ts';
import { refusedSources } from './source-width.ts';

/** What a trunk is made or changed with. The password goes in and never comes out. */
export interface TrunkInput extends Omit<
  trunks.TrunkPatch,
  'authPasswordSealed' | 'inboundAuthPasswordSealed'
> {
  /** Null takes the password away. */
  authPassword?: string | null | undefined;
  inboundAuthPassword?: string | null | undefined;
  /** In the order in which they are tried; replaces all. */
  gateways?: gateways.NewGateway[] | undefined;
  /** Refuses the name of another trunk of the workspace. */
  uniqueName?: boolean | undefined;
  /** Takes `allowedSources` that let in a large part of the internet. */
  force?: boolean | undefined;
}

/** A trunk as it may be shown: whether there is a password, not which. */
export type Trunk = Omit<
  trunks.TrunkWithGateways,
  'authPasswordSealed' | 'inboundAuthPasswordSealed'
> & {
  hasPassword: boolean;
  hasInboundPassword: boolean;
};

/** A trunk cannot be what was asked for. */
export class TrunkError extends Error {
  readonly field: string;
  /** `conflict`: nothing in the request is wrong, the trunk is not one that this is done with. */
  readonly code: 'invalid' | 'name-taken' | 'conflict';

  constructor(field: string, message: string, code: TrunkError['code'] = 'invalid') {
    super(message);
    this.name = 'TrunkError';
    this.field = field;
    this.code = code;
  }
}

export interface TrunkStore {
  /** @throws TrunkError */
  create(workspaceId: string, input: TrunkInput & { name: string; id?: string }): Promise<Trunk>;
  /** Null when there is no such trunk. @throws TrunkError */
  update(workspaceId: string, trunkId: string, input: TrunkInput): Promise<Trunk | null>;
  get(workspaceId: string, trunkId: string): Promise<Trunk | null>;
  list(workspaceId: string, page?: PageRequest): Promise<Page<Trunk>>;
  /**
   * Deletes the trunk and its numbers; calls stay. Null when there is no such trunk.
   * @throws TrunkError for the sandbox's trunk while the sandbox is on.
   */
  remove(workspaceId: string, trunkId: string): Promise<{ numbers: number } | null>;
}

/** The trunk of the sandbox: made at the start, and there as long as the sandbox is on. */
export const SANDBOX_TRUNK_ID = 'trunk_sandbox';
/** The name that sealed passwords of callers to us are bound to. */
export const INBOUND_SECRETS = 'trunks.inbound_auth';
const MAX_GATEWAYS = 20;
const CODECS = ['PCMU', 'PCMA', 'G722', 'OPUS'];
/** RFC 3261 §7.3.1: what a header may be called, and fields that are not the trunk's to set. */
const HEADER_NAME = /^[A-Za-z0-9.!%*_+`'~-]{1,64}$/;
const OWN_HEADERS =
  /^(via|from|to|call-id|cseq|contact|max-forwards|content-.*|route|record-route|authorization|proxy-authorization|require|proxy-require|supported|allow|session-expires|min-se|replaces|rack|rseq|[a-z])$/i;

const CALLER = /^\+?[0-9]{2,20}$/;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i;

/** Trunks with gateways and sealed passwords. */
export function createTrunkStore(options: {
  db: Pick<Database, 'tenant'>;
  secrets: Secrets;
  clock: Clock;
  /** Whether the sandbox is on: then its trunk stays. Default true. */
  sandbox?: boolean;
}): TrunkStore {
  const { db, secrets, clock, sandbox = true } = options;

  function patchOf(workspaceId: string, id: string, input: TrunkInput): trunks.TrunkPatch {
    const {
      gateways: _gateways,
      force: _force,
      uniqueName: _uniqueName,
      authPassword,
      inboundAuthPassword,
      ...fields
    } = input;
    // The column is part of what a sealed text is bound to: one cannot be moved to the other.
    const sealed = (table: string, text: string | null): string | null =>
      text === null ? null : secrets.seal({ workspaceId, table, id }, text);
    return {
      ...fields,
      ...(authPassword !== undefined && { authPasswordSealed: sealed('trunks', authPassword) }),
      ...(inboundAuthPassword !== undefined && {
        inboundAuthPasswordSealed: sealed(INBOUND_SECRETS, inboundAuthPassword),
      }),
    };
  }

  async function read(client: Queryable, workspaceId: string, id: string): Promise<Trunk | null> {
    const row = await trunks.getWithGateways(client, workspaceId, id);
    return row && shown(row);
  }

  return {
    create(workspaceId, input) {
      const { id = newId('trunk', clock.now()), ...rest } = input;
      return db.tenant(workspaceId).transaction(async (client) => {
        const complete = withDefaults(rest);
        check(complete);
        checkWidth(complete, []);
        checkWhole(complete, false);
        await checkName(client, workspaceId, id, rest);
        await trunks.insert(client, {
          ...patchOf(workspaceId, id, complete),
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
      return db.tenant(workspaceId).transaction(async (client) => {
        check(input);
        const before = await read(client, workspaceId, trunkId);
        if (!before) return null;
        checkWidth(input, before.allowedSources);
        // Names of before may be double: whoever keeps one is not in anybody's way.
        if (input.name !== before.name) await checkName(client, workspaceId, trunkId, input);
        // Its calls are exempt from rules that protect people: they must not reach any.
        if (before.sandbox && input.gateways && input.sandbox !== true) {
          throw new TrunkError(
            'gateways',
            'the sandbox trunk leads to the sandbox’s carrier only; make a trunk of your own for another',
          );
        }
        const patch = { ...input, authType: authTypeOf(input, before) };
        checkWhole({ ...before, ...given(patch) }, before.hasPassword);
        const row = await trunks.update(
          client,
          workspaceId,
          trunkId,
          patchOf(workspaceId, trunkId, patch),
        );
        if (!row) return null;
        if (input.gateways) await gateways.replace(client, trunkId, input.gateways);
        return read(client, workspaceId, trunkId);
      });
    },
    get: (workspaceId, trunkId) => read(db.tenant(workspaceId), workspaceId, trunkId),
    async list(workspaceId, page) {
      const { data, nextCursor } = await trunks.list(db.tenant(workspaceId), workspaceId, page);
      return { data: data.map(shown), nextCursor };
    },
    remove: (workspaceId, trunkId) =>
      db.tenant(workspaceId).transaction(async (client) => {
        if (sandbox && trunkId === SANDBOX_TRUNK_ID) await refuseSandbox(client, workspaceId);
        if (!(await trunks.softDelete(client, workspaceId, trunkId))) return null;
        return { numbers: await numbers.removeOfTrunk(client, workspaceId, trunkId) };
      }),
  };
}

async function checkName(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
  { name, uniqueName }: TrunkInput,
): Promise<void> {
  if (!uniqueName || name === undefined) return;
  if (!(await trunks.isNameTaken(client, workspaceId, { name, besides: trunkId }))) return;
  throw new TrunkError(
    'name',
    `there is a trunk named ${JSON.stringify(name)} already; choose another name, or change that trunk`,
    'name-taken',
  );
}

async function refuseSandbox(client: Queryable, workspaceId: string): Promise<void> {
  if (!(await trunks.getWithGateways(client, workspaceId, SANDBOX_TRUNK_ID))) return;
  throw new TrunkError(
    '',
    'the trunk of the sandbox is part of the program: set its active to false to stop calls over it, or start with SANDBOX=off to be without the sandbox',
    'conflict',
  );
}

function shown({
  authPasswordSealed,
  inboundAuthPasswordSealed,
  ...row
}: trunks.TrunkWithGateways): Trunk {
  return {
    ...row,
    hasPassword: authPasswordSealed !== null,
    hasInboundPassword: inboundAuthPasswordSealed !== null,
  };
}

/** What the carrier's profile says, where the request says nothing. */
function withDefaults(input: TrunkInput): TrunkInput {
  const profile = carrierProfile(input.provider ?? 'generic');
  return {
    leadingPlus: profile.leadingPlus,
    callerIdHeader: profile.callerIdHeader,
    codecs: [...profile.codecs],
    qualifyFrequencyS: profile.qualifyFrequencyS,
    // Toll fraud and overload begin with speed: faster than this is somebody's decision.
    callsPerSecond: profile.callsPerSecond ?? (input.sandbox ? null : 1),
    ...given(input),
    authType: authTypeOf(input, { authType: 'none' }),
  };
}

/** Where the request does not say it: a password makes it `userpass`, taking it away makes it `none`. */
function authTypeOf(
  { authType, authPassword }: TrunkInput,
  before: Pick<Trunk, 'authType'>,
): Trunk['authType'] {
  if (authType !== undefined) return authType;
  if (authPassword === null) return before.authType === 'ip-based' ? 'ip-based' : 'none';
  if (authPassword !== undefined && before.authType !== 'registration') return 'userpass';
  return before.authType;
}

/** Without the fields that were left out. */
function given(input: TrunkInput): TrunkInput {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** What must hold between fields. @throws TrunkError */
function checkWhole(trunk: TrunkInput, hadPassword: boolean): void {
  const { authType, authUsername, authPassword, provider = '' } = trunk;
  const hasPassword = authPassword === undefined ? hadPassword : authPassword !== null;
  if ((authType === 'userpass' || authType === 'registration') && !(authUsername && hasPassword)) {
    throw new TrunkError(
      'auth_type',
      `auth_type ${authType} needs auth_username and auth_password; give both, or set auth_type to none`,
    );
  }
  if (authType === 'registration' && !carrierProfile(provider).registers) {
    throw new TrunkError(
      'auth_type',
      `${carrierProfile(provider).title} knows no registration: use userpass or ip-based`,
    );
  }
  const clear = trunk.gateways?.find(({ transport }) => transport !== 'tls');
  if (trunk.mediaEncryption === 'required' && clear && trunk.outboundEnabled !== false) {
    throw new TrunkError(
      'media_encryption',
      `media_encryption required needs transport tls on every gateway, got ${clear.transport} for ${clear.host}: the keys stand in the SIP messages`,
    );
  }
  if (trunk.directMedia) {
    throw new TrunkError(
      'direct_media',
      'direct_media cannot be on: agents, recordings and transfers need the audio to pass here',
    );
  }
}

function check(input: TrunkInput): void {
  if (input.name !== undefined && input.name.trim() === '') {
    throw new TrunkError('name', 'expected a name, got nothing');
  }
  for (const codec of input.codecs ?? []) {
    if (!CODECS.includes(codec)) {
      throw new TrunkError('codecs', `expected ${CODECS.join(', ')}, got ${codec}`);
    }
  }
  if (input.codecs?.length === 0) throw new TrunkError('codecs', 'expected a codec, got none');
  for (const source of input.allowedSources ?? []) {
    if (!isSource(source)) {
      throw new TrunkError('allowed_sources', `expected an address or CIDR, got ${source}`);
    }
  }
  for (const host of input.redirectHosts ?? []) {
    if (!isRedirectHost(host)) {
      throw new TrunkError(
        'redirect_hosts',
        `expected a host name, *.domain, an address or CIDR, got ${JSON.stringify(host.slice(0, 100))}`,
      );
    }
  }
  for (const caller of input.allowedCallers ?? []) {
    if (!CALLER.test(caller)) {
      throw new TrunkError('allowed_callers', `expected a phone number, got ${caller}`);
    }
  }
  if (input.inboundAuthUsername != null && /["\\]/.test(input.inboundAuthUsername)) {
    throw new TrunkError('inbound_auth_username', 'expected a name without quotes');
  }
  checkIdentity(input);
  checkHeaders(input.headers ?? {});
  checkGateways(input.gateways ?? []);
}

/** G14. What is there already stays. */
function checkWidth({ allowedSources, force }: TrunkInput, before: readonly string[]): void {
  const added = allowedSources?.filter((source) => !before.includes(source)) ?? [];
  const [tooWide] = force ? [] : refusedSources(added);
  if (tooWide === undefined) return;
  throw new TrunkError(
    'allowed_sources',
    `${tooWide} lets a large part of the internet call in: name the carrier's own addresses, or pass force: true to /v1/trunks if you mean it`,
  );
}

/** RFC 3261 §25.1 `host`: what is longer than it is a parameter or a header of its own. */
function checkIdentity(input: TrunkInput): void {
  const { fromDomain } = input;
  if (fromDomain != null && !isHost(fromDomain)) {
    throw new TrunkError(
      'from_domain',
      `expected a host name or address, got ${JSON.stringify(fromDomain.slice(0, 100))}`,
    );
  }
  for (const [field, text] of [
    ['auth_username', input.authUsername],
    ['auth_password', input.authPassword],
    ['inbound_auth_username', input.inboundAuthUsername],
    ['inbound_auth_password', input.inboundAuthPassword],
    ['inbound_auth_realm', input.inboundAuthRealm],
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

/** @throws TrunkError where a header is not ours to set, or is no header. */
export function checkHeaders(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    // A line break in a value would be a header of its own.
    if (!HEADER_NAME.test(name) || OWN_HEADERS.test(name) || CONTROL.test(value)) {
      throw new TrunkError('headers', `the header ${JSON.stringify(name)} cannot be sent`);
    }
  }
}

/** RFC 3325: who calls is the from-number of the call and what its trunk says. */
const IDENTITY_HEADERS = /^(p-asserted-identity|p-preferred-identity|remote-party-id|identity)$/i;

/** Headers of one call. @throws TrunkError where one is not a call's to set, or is no header. */
export function checkCallHeaders(headers: Record<string, string>): void {
  checkHeaders(headers);
  const identity = Object.keys(headers).find((name) => IDENTITY_HEADERS.test(name));
  if (identity === undefined) return;
  throw new TrunkError(
    'headers',
    `the header ${identity} says who calls, which is a setting of the trunk: set its caller_id_header or headers`,
  );
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
