import * as queries from '../db/queries/do-not-call.ts';
import type { Queryable } from '../db/queries/queryable.ts';

/** The list that every call of the workspace is checked against. */
export const WORKSPACE_LIST = 'workspace';

/** A wish not to be called. */
export interface DoNotCallWish {
  workspaceId: string;
  /** E.164. */
  number: string;
  /** Where it comes from: `api`, `call`, `dtmf`, `import`. */
  source: string;
  /** The call in which it was said. */
  callId?: string | undefined;
  note?: string | undefined;
  /** A campaign's id: only that campaign leaves the number alone. Default: the workspace. */
  campaignId?: string | undefined;
  /** When it was said. */
  at: Date;
}

/**
 * Puts a number on the workspace's list, or a campaign's. From its commit on no INVITE leaves for
 * it. False when it was there already.
 */
export async function addDoNotCall(client: Queryable, wish: DoNotCallWish): Promise<boolean> {
  const { workspaceId, at } = wish;
  const listId = wish.campaignId ?? WORKSPACE_LIST;
  await queries.ensureList(
    client,
    {
      workspaceId,
      id: listId,
      kind: wish.campaignId === undefined ? 'workspace' : 'campaign',
      country: null,
      importedAt: at,
    },
    false,
  );
  return queries.insert(client, {
    workspaceId,
    listId,
    number: wish.number,
    source: wish.source,
    callId: wish.callId ?? null,
    note: wish.note ?? null,
    createdAt: at,
  });
}
