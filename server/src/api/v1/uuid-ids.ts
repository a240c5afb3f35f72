import { idOfUuid, type IdKind } from '../../shared/ids.ts';

const KINDS: Record<string, IdKind | undefined> = {
  '/v1/agents/:id': 'agent',
  '/v1/calls/:id': 'call',
  '/v1/numbers/:id': 'number',
};

/**
 * The dialects of vendors with UUIDs show ours as UUIDs; here both spellings are taken, so that an
 * execution's id leads to its call. Changes `params` in place.
 */
export function acceptUuids(routeUrl: string | undefined, params: unknown): void {
  const kind = KINDS[routeUrl?.split('/').slice(0, 4).join('/') ?? ''];
  if (kind === undefined || typeof params !== 'object' || params === null) return;
  const given = params as { id?: unknown };
  if (typeof given.id === 'string') given.id = idOfUuid(kind, given.id) ?? given.id;
}
