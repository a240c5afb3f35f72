import { selectOffsetPage, type OffsetPage, type OffsetRequest } from './offset-page.ts';
import type { Queryable } from './queryable.ts';
import { assignments, columnName, countTouched, requireOne, selectOne, selectRows } from './row.ts';
import { storableText } from './storable-text.ts';

/** A trunk of the trunk service: a customer's calls out, or calls in to a customer. */
export interface ZentrunkTrunkRow {
  /** 14 to 18 digits; the first label of its domain. */
  id: string;
  workspaceId: string;
  name: string;
  direction: 'outbound' | 'inbound';
  enabled: boolean;
  secure: boolean;
  ipaclUuid: string | null;
  credentialUuid: string | null;
  primaryUriUuid: string | null;
  fallbackUriUuid: string | null;
  createdAt: Date;
  updatedAt: Date;
}

type Fields = Omit<ZentrunkTrunkRow, 'id' | 'workspaceId' | 'createdAt' | 'updatedAt'>;
export type ZentrunkTrunkPatch = { [Field in keyof Fields]?: Fields[Field] | undefined };
/** What a list can be narrowed by. */
export type ZentrunkTrunkFilter = Omit<ZentrunkTrunkPatch, 'name'>;

const FIELDS: readonly (keyof Fields)[] = [
  'name',
  'direction',
  'enabled',
  'secure',
  'ipaclUuid',
  'credentialUuid',
  'primaryUriUuid',
  'fallbackUriUuid',
];

/** An outbound trunk with what proves that a call is its own. */
export interface ZentrunkSignIn extends ZentrunkTrunkRow {
  /** Null: none is named, or it was deleted. */
  credentialUsername: string | null;
  credentialPasswordSealed: string | null;
  ipAddresses: string[] | null;
}

const SIGN_INS = `select t.*, c.username as credential_username,
    c.password_sealed as credential_password_sealed, a.ip_addresses
  from zentrunk_trunks t
  join workspaces w on w.id = t.workspace_id and w.deleted_at is null
  left join zentrunk_credentials c on c.id = t.credential_uuid and c.workspace_id = t.workspace_id
  left join zentrunk_ip_acls a on a.id = t.ipacl_uuid and a.workspace_id = t.workspace_id`;
/** Trunks of one user name or one address that are tried. */
const MAX_CANDIDATES = 20;

export async function insert(
  client: Queryable,
  row: Omit<ZentrunkTrunkRow, 'createdAt' | 'updatedAt'>,
): Promise<ZentrunkTrunkRow> {
  return requireOne(
    client,
    `insert into zentrunk_trunks (id, workspace_id, name, direction, enabled, secure, ipacl_uuid,
       credential_uuid, primary_uri_uuid, fallback_uri_uuid)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning *`,
    [
      row.id,
      row.workspaceId,
      storableText(row.name),
      row.direction,
      row.enabled,
      row.secure,
      row.ipaclUuid,
      row.credentialUuid,
      row.primaryUriUuid,
      row.fallbackUriUuid,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<ZentrunkTrunkRow | null> {
  return selectOne(client, 'select * from zentrunk_trunks where workspace_id = $1 and id = $2', [
    workspaceId,
    id,
  ]);
}

/** Newest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: ZentrunkTrunkFilter,
  page: OffsetRequest,
): Promise<OffsetPage<ZentrunkTrunkRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  for (const field of FIELDS) {
    const value = field === 'name' ? undefined : filter[field];
    if (value !== undefined) where.push(`${columnName(field)} = $${values.push(value)}`);
  }
  const order = 'created_at desc, id';
  return selectOffsetPage(client, { from: 'zentrunk_trunks', where, values, order }, page);
}

export async function update(
  client: Queryable,
  workspaceId: string,
  id: string,
  patch: ZentrunkTrunkPatch,
): Promise<ZentrunkTrunkRow | null> {
  const values: unknown[] = [workspaceId, id];
  const sets = assignments({ ...patch }, FIELDS, values);
  return selectOne(
    client,
    `update zentrunk_trunks set ${[...sets, 'updated_at = now()'].join(', ')}
     where workspace_id = $1 and id = $2 returning *`,
    values,
  );
}

/** Its numbers are routed by it no more. False when there is none. */
export async function remove(client: Queryable, workspaceId: string, id: string): Promise<boolean> {
  const touched = await countTouched(
    client,
    'delete from zentrunk_trunks where workspace_id = $1 and id = $2',
    [workspaceId, id],
  );
  return touched > 0;
}

/** Trunks that send calls to this URI, first or second. */
export async function ofUri(
  client: Queryable,
  workspaceId: string,
  uriUuid: string,
): Promise<ZentrunkTrunkRow[]> {
  return selectRows(
    client,
    `select * from zentrunk_trunks
     where workspace_id = $1 and (primary_uri_uuid = $2 or fallback_uri_uuid = $2)`,
    [workspaceId, uriUuid],
  );
}

/** Of any workspace: a call that comes in names no workspace. */
export async function signInOf(client: Queryable, id: string): Promise<ZentrunkSignIn | null> {
  return selectOne(client, `${SIGN_INS} where t.id = $1`, [id]);
}

/** Outbound trunks that somebody with this user name may mean, of any workspace; oldest first. */
export async function signInsOfUser(
  client: Queryable,
  username: string,
): Promise<ZentrunkSignIn[]> {
  return selectRows(
    client,
    `${SIGN_INS} where c.username = $1 and t.direction = 'outbound'
     order by t.enabled desc, t.created_at, t.id limit ${MAX_CANDIDATES}`,
    [username],
  );
}

/** Outbound trunks that let this address in without a password, of any workspace; oldest first. */
export async function signInsOfAddress(
  client: Queryable,
  address: string,
): Promise<ZentrunkSignIn[]> {
  return selectRows(
    client,
    `${SIGN_INS} where t.direction = 'outbound' and t.credential_uuid is null
       and exists (select from unnest(a.ip_addresses) ip where $1::inet <<= ip::inet)
     order by t.enabled desc, t.created_at, t.id limit ${MAX_CANDIDATES}`,
    [address],
  );
}
