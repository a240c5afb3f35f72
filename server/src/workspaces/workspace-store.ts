import type { Database } from '../db/database.ts';
import * as queries from '../db/queries/workspaces.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';

/** The workspace of a fresh installation: the oldest one, made when there is none. */
export function ensureDefaultWorkspace(
  db: Pick<Database, 'transaction'>,
  clock: Clock,
): Promise<queries.WorkspaceRow> {
  return db.transaction((client) =>
    queries.ensureDefault(client, { id: newId('ws', clock.now()), name: 'Default' }),
  );
}
