import type { Database } from '../../db/database.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import type { TenantDatabase } from '../../db/tenant.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Secrets } from '../../workspaces/secrets.ts';
import type { CallService } from '../call-service.ts';

/** What bringing people together needs. */
export interface RoomCore {
  /** Of requests: what one workspace sees (`fencedRooms`). Of background work: everything. */
  readonly db: { pool: Queryable; transaction: Database['transaction'] };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeId: string;
  readonly secrets: Secrets;
  readonly calls: Pick<CallService, 'place' | 'hangup' | 'voiceOf' | 'liveOf'>;
}

/** What the parts of the rooms' life need. One per program. */
export interface RoomContext extends RoomCore {
  /** Absolute path for the file of a room's recording; makes its folder. */
  readonly recordings: {
    pathFor(workspaceId: string, recordingId: string): Promise<string>;
    keyOf(workspaceId: string, recordingId: string): string;
  };
  /** Where the file of a room's recording is fetched. */
  readonly recordingUrl: (recordingId: string) => string;
  /** Messages that were sent lately, by room and nonce. */
  readonly nonces: Set<string>;
}

/** The rooms as one workspace sees them. */
export function fencedRooms(ctx: RoomContext, tenant: TenantDatabase): RoomContext {
  return { ...ctx, db: { pool: tenant, transaction: (fn) => tenant.transaction(fn) } };
}
