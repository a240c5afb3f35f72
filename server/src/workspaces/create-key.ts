import type { Database } from '../db/database.ts';
import type { ApiKeyRow } from '../db/queries/api-keys.ts';
import type { Clock } from '../shared/clock.ts';
import { createApiKey, type ApiKeyOptions } from './api-keys.ts';
import { createLiveKitKey } from './livekit-keys.ts';
import type { Secrets } from './secrets.ts';

/** Makes a key of either kind; `secret` is that of a pair, else null. */
export type CreateKey = (
  options: ApiKeyOptions & { kind: ApiKeyRow['kind'] },
) => Promise<{ row: ApiKeyRow; key: string; secret: string | null }>;

export function keyMaker(deps: {
  db: Pick<Database, 'tenant'>;
  secrets: Secrets;
  clock: Clock;
}): CreateKey {
  return async ({ kind, ...options }) => {
    const client = deps.db.tenant(options.workspaceId);
    if (kind === 'livekit') {
      const { row, apiKey, secret } = await createLiveKitKey(client, deps, options);
      return { row, key: apiKey, secret };
    }
    return { ...(await createApiKey(client, deps.clock, options)), secret: null };
  };
}
