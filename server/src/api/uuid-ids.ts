import { idOfUuid, type IdKind } from '../shared/ids.ts';

/** What `id` is in the paths of /v1. */
const KINDS: Record<string, IdKind | undefined> = {
  '/v1/agents/:id': 'agent',
  '/v1/calls/:id': 'call',
  '/v1/numbers/:id': 'number',
  '/v1/trunks/:id': 'trunk',
};

/** Fields of bodies, queries and paths that hold an id, or a list of them. */
const FIELDS: ReadonlyMap<string, IdKind> = new Map([
  ['agent_id', 'agent'],
  ['call_id', 'call'],
  ['conversation_id', 'call'],
  ['scheduled_call_id', 'call'],
  ['retry_of', 'call'],
  ['trunk_id', 'trunk'],
  ['inbound_trunk_id', 'trunk'],
  ['trunk_ids', 'trunk'],
  ['number_id', 'number'],
  ['phone_number_id', 'number'],
  ['agent_phone_number_id', 'number'],
]);

/**
 * The dialects of vendors with UUIDs show ours as UUIDs; here both spellings are taken, so that an
 * execution's id leads to its call. Changes the request in place, and nothing that is nested in it:
 * there are the variables and the metadata of others.
 */
export function acceptUuids(request: {
  routeOptions: { url?: string | undefined };
  params: unknown;
  query: unknown;
  body?: unknown;
}): void {
  const kind = KINDS[request.routeOptions.url?.split('/').slice(0, 4).join('/') ?? ''];
  const { params } = request;
  if (kind !== undefined && isRecord(params)) params['id'] = ownId(kind, params['id']);
  for (const part of [params, request.query, request.body]) {
    if (!isRecord(part)) continue;
    for (const [field, fieldKind] of FIELDS) {
      const value = part[field];
      if (value === undefined) continue;
      part[field] = Array.isArray(value)
        ? value.map((one: unknown) => ownId(fieldKind, one))
        : ownId(fieldKind, value);
    }
  }
}

function ownId(kind: IdKind, value: unknown): unknown {
  return typeof value === 'string' ? (idOfUuid(kind, value) ?? value) : value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
