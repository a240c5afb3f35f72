import type { Queryable } from './queryable.ts';
import {
  assignments,
  countTouched,
  hideRow,
  requireOne,
  selectOne,
  selectPage,
  selectRows,
  type Page,
  type PageRequest,
} from './row.ts';
import type { GatewayRow } from './gateways.ts';
import { storableText } from './storable-text.ts';

/** As stored: the names are those of the API. */
export interface MediaTimeouts {
  first_packet_ms: number;
  lost_ms: number;
  hold_ms: number;
}

/** How the far end knows that it is us. */
export type TrunkAuthType = 'none' | 'userpass' | 'ip-based' | 'registration';
/** SDES-SRTP (RFC 4568): never, when the far end can, or the call fails. */
export type MediaEncryption = 'none' | 'optional' | 'required';
/** Where the caller's number goes (RFC 3325 §9.1 for P-Asserted-Identity). */
export type CallerIdHeader = 'from' | 'from-and-pai' | 'pai';

export interface TrunkRow {
  id: string;
  workspaceId: string;
  name: string;
  description: string;
  /** Name of a carrier profile, or any other text. */
  provider: string;
  metadata: string;
  active: boolean;
  sandbox: boolean;
  inboundEnabled: boolean;
  outboundEnabled: boolean;
  authType: TrunkAuthType;
  authUsername: string | null;
  authPasswordSealed: string | null;
  /** What calls to us must prove by digest; null: their address is enough. */
  inboundAuthUsername: string | null;
  inboundAuthPasswordSealed: string | null;
  inboundAuthRealm: string | null;
  /** Whether numbers are dialled as +49..., else 49.... */
  leadingPlus: boolean;
  callerIdHeader: CallerIdHeader;
  fromDomain: string | null;
  codecs: string[];
  headers: Record<string, string>;
  ringTimeoutMs: number;
  mediaTimeouts: MediaTimeouts;
  /** Addresses and CIDRs that inbound calls may come from. */
  allowedSources: string[];
  /** Numbers that may call in; empty: all. */
  allowedCallers: string[];
  /** Hosts and networks that a 3xx may send a call to; empty: redirections are not followed. */
  redirectHosts: string[];
  mediaEncryption: MediaEncryption;
  rtpSymmetric: boolean;
  forceRport: boolean;
  directMedia: boolean;
  /** Whether the far end moves calls that we ask it to by REFER. */
  transferByRefer: boolean;
  /** Whether its REFER makes our agent call somebody. */
  acceptsRefer: boolean;
  /** Seconds between OPTIONS to each gateway; 0: none. */
  qualifyFrequencyS: number;
  maxConcurrentCalls: number | null;
  callsPerSecond: number | null;
  maxCallDurationS: number | null;
  /** ISO 3166-1 alpha-2. */
  destinationCountry: string | null;
  /** SIP header of an inbound INVITE or of an answer -> attribute of the participant. */
  headersToAttributes: Record<string, string>;
  attributesToHeaders: Record<string, string>;
  includeHeaders: 'none' | 'x' | 'all';
  /** The API that made it, and what that API's form has beyond ours. */
  door: string;
  doorData: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

/** Gateways in the order in which they are tried. */
export type TrunkWithGateways = TrunkRow & { gateways: GatewayRow[] };

type TrunkFields = Omit<TrunkRow, 'id' | 'workspaceId' | 'createdAt' | 'updatedAt' | 'deletedAt'>;

export type TrunkPatch = { [Field in keyof TrunkFields]?: TrunkFields[Field] | undefined };
export type NewTrunk = Pick<TrunkRow, 'id' | 'workspaceId' | 'name'> & TrunkPatch;

const FIELDS: readonly (keyof TrunkFields)[] = [
  'name',
  'description',
  'provider',
  'metadata',
  'active',
  'sandbox',
  'inboundEnabled',
  'outboundEnabled',
  'authType',
  'authUsername',
  'authPasswordSealed',
  'inboundAuthUsername',
  'inboundAuthPasswordSealed',
  'inboundAuthRealm',
  'leadingPlus',
  'callerIdHeader',
  'fromDomain',
  'codecs',
  'headers',
  'ringTimeoutMs',
  'mediaTimeouts',
  'allowedSources',
  'allowedCallers',
  'redirectHosts',
  'mediaEncryption',
  'rtpSymmetric',
  'forceRport',
  'directMedia',
  'transferByRefer',
  'acceptsRefer',
  'qualifyFrequencyS',
  'maxConcurrentCalls',
  'callsPerSecond',
  'maxCallDurationS',
  'destinationCountry',
  'headersToAttributes',
  'attributesToHeaders',
  'includeHeaders',
  'door',
  'doorData',
];
const JSON_FIELDS = [
  'headers',
  'mediaTimeouts',
  'headersToAttributes',
  'attributesToHeaders',
  'doorData',
];

/** Columns of a trunk with its gateways, from a table or alias `trunks`. */
export const WITH_GATEWAYS = `trunks.*, coalesce((
  select json_agg(json_build_object('id', g.id, 'trunkId', g.trunk_id, 'host', g.host,
    'port', g.port, 'transport', g.transport, 'lookup', g.lookup,
    'priority', g.priority) order by g.priority)
  from gateways g where g.trunk_id = trunks.id), '[]') as gateways`;

/** Stores the trunk alone; its gateways are stored by `gateways.replace` in the same transaction. */
export async function insert(client: Queryable, trunk: NewTrunk): Promise<TrunkRow> {
  const { id, workspaceId, ...fields } = trunk;
  const created = await requireOne<TrunkRow>(
    client,
    'insert into trunks (id, workspace_id, name) values ($1, $2, $3) returning *',
    [id, workspaceId, trunk.name],
  );
  return (await update(client, workspaceId, id, fields)) ?? created;
}

/** Changes the fields that are given. Null when there is no such trunk. */
export async function update(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
  patch: TrunkPatch,
): Promise<TrunkRow | null> {
  const values: unknown[] = [workspaceId, trunkId];
  const sets = assignments({ ...patch }, FIELDS, values, JSON_FIELDS);
  return selectOne(
    client,
    `update trunks set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 and deleted_at is null returning *`,
    values,
  );
}

/**
 * Whether another trunk of the workspace has the name. Run it in the transaction that stores the
 * name: until that ends, nobody else is told.
 */
export async function isNameTaken(
  client: Queryable,
  workspaceId: string,
  { name, besides }: { name: string; besides: string },
): Promise<boolean> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `trunk-name ${workspaceId}`,
  ]);
  const touched = await countTouched(
    client,
    `select from trunks
     where workspace_id = $1 and name = $2 and id <> $3 and deleted_at is null limit 1`,
    [workspaceId, storableText(name), besides],
  );
  return touched > 0;
}

export async function getWithGateways(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<TrunkWithGateways | null> {
  return selectOne(
    client,
    `select ${WITH_GATEWAYS} from trunks
     where workspace_id = $1 and id = $2 and deleted_at is null`,
    [workspaceId, trunkId],
  );
}

/**
 * Another of these trunks that was made to take this caller's calls to the number: one that names
 * the caller, else one that takes any.
 * @param written the forms in which the number may have been written.
 */
export async function findForCaller(
  client: Queryable,
  call: { workspaceId: string; trunkIds: readonly string[]; written: string[]; caller: string },
): Promise<TrunkWithGateways | null> {
  return selectOne(
    client,
    `select ${WITH_GATEWAYS} from trunks
     where workspace_id = $1 and id = any($2) and deleted_at is null and active and inbound_enabled
       and door_data->'shared_numbers' ?| $3
       and (allowed_callers = '{}' or $4 = any(allowed_callers))
     order by allowed_callers = '{}', created_at desc limit 1`,
    [call.workspaceId, call.trunkIds, call.written, call.caller],
  );
}

/** The trunk that a number calls from. */
export async function findByNumber(
  client: Queryable,
  e164: string,
): Promise<TrunkWithGateways | null> {
  return selectOne(
    client,
    `select ${WITH_GATEWAYS} from trunks
     where id = (select trunk_id from numbers where e164 = $1) and deleted_at is null`,
    [e164],
  );
}

/** Every active trunk of every workspace. */
export async function listActive(client: Queryable): Promise<TrunkWithGateways[]> {
  return selectRows(
    client,
    `select ${WITH_GATEWAYS} from trunks where active and deleted_at is null order by id`,
  );
}

/**
 * Every trunk of every workspace, also those that are switched off: the answerer matches sources
 * against these, and who calls over one that is off is told so.
 */
export async function listAll(client: Queryable): Promise<TrunkWithGateways[]> {
  return selectRows(
    client,
    `select ${WITH_GATEWAYS} from trunks where deleted_at is null order by id`,
  );
}

/** Whose trunk it is; null: there is none, or it was deleted. */
export async function ownerOf(client: Queryable, trunkId: string): Promise<string | null> {
  const row = await selectOne<{ workspaceId: string }>(
    client,
    'select workspace_id from trunks where id = $1 and deleted_at is null',
    [trunkId],
  );
  return row?.workspaceId ?? null;
}

/** Whose trunks these are and which of them are active. */
export async function ownersOf(
  client: Queryable,
  trunkIds: readonly string[],
): Promise<Pick<TrunkRow, 'id' | 'workspaceId' | 'active'>[]> {
  return selectRows(client, 'select id, workspace_id, active from trunks where id = any($1)', [
    trunkIds,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  request: PageRequest = {},
): Promise<Page<TrunkWithGateways>> {
  return selectPage(
    client,
    {
      from: `(select ${WITH_GATEWAYS} from trunks) as trunks`,
      where: ['workspace_id = $1', 'deleted_at is null'],
      values: [workspaceId],
      kind: 'trunk',
      order: 'desc',
    },
    request,
  );
}

/** Takes a deletion back; the numbers that went with it stay gone. False when it was not deleted. */
export async function revive(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `update trunks set deleted_at = null, active = true, updated_at = now()
     where workspace_id = $1 and id = $2 and deleted_at is not null`,
    [workspaceId, trunkId],
  );
  return touched > 0;
}

/** Hides the trunk; its calls keep pointing at it. False when there is no such trunk. */
export async function softDelete(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<boolean> {
  return hideRow(client, 'trunks', workspaceId, trunkId, 'active = false');
}
