import * as holds from '../db/queries/holds.ts';
import * as ledger from '../db/queries/ledger.ts';
import type { Queryable } from '../db/queries/queryable.ts';

/** Gives back what a call has reserved. Harmless when it has reserved nothing. */
export async function releaseHold(client: Queryable, callId: string): Promise<void> {
  const hold = await holds.lock(client, callId);
  if (hold?.state !== 'held') return;
  const { workspaceId, heldMicros } = hold;
  await ledger.lockWallet(client, workspaceId);
  await ledger.post(client, {
    workspaceId,
    kind: 'release',
    callId,
    reference: null,
    description: null,
    amounts: { held: -heldMicros, available: heldMicros },
  });
  await holds.put(client, { ...hold, state: 'released', heldMicros: 0 });
}
