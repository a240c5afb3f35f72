import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import type { TransactionClient } from '../db/database.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { LegFailure } from '../sip/leg.ts';
import type { AttemptIdentity } from './attempt-identity.ts';
import type { CallContext } from './call-context.ts';
import { recordStatus } from './record-status.ts';
import { retryWrite } from './retry-write.ts';

/**
 * Makes a queued call ours and commits its first attempt as dialling, with the SIP identity of the
 * INVITE, before that exists. False: somebody else has it, or it was canceled; nothing may leave.
 *
 * The commit's answer may be lost. The claim is then done again: a row with this attempt's id is
 * our own earlier commit, and since nothing has left this process it is still ours to dial.
 */
export function claimCall(
  ctx: CallContext,
  call: { id: string; workspaceId: string },
  identity: AttemptIdentity,
): Promise<boolean> {
  return claim(ctx, call, identity, 1, async (client) => {
    const recorded = await recordStatus(client, call.id, 'initiated', {
      nodeId: ctx.nodeId,
      initiatedAt: new Date(ctx.clock.now()),
    });
    return recorded && [recorded.event];
  });
}

/**
 * Commits the next attempt of a call that is ours, and the failure of the one before. False: the
 * call is not ours any more (this node was taken for dead).
 */
export function claimNextGateway(
  ctx: CallContext,
  call: { id: string; workspaceId: string },
  identity: AttemptIdentity,
  sequence: number,
  failed: { attemptId: string; failure: LegFailure },
): Promise<boolean> {
  return claim(ctx, call, identity, sequence, async (client) => {
    const { rowCount } = await client.query(
      `select from calls where id = $1 and node_id = $2 and status in ('initiated', 'ringing')
       for update`,
      [call.id, ctx.nodeId],
    );
    if (rowCount === 0) return null;
    const { failure } = failed;
    await attempts.finish(client, failed.attemptId, 'failed', {
      sipCode: failure.local ? null : failure.status,
      sipReason: failure.local ? failure.cause : failure.reason,
      reasonHeader: failure.reasonHeader,
    });
    return [];
  });
}

async function claim(
  ctx: CallContext,
  call: { id: string; workspaceId: string },
  identity: AttemptIdentity,
  sequence: number,
  own: (client: TransactionClient) => Promise<CallEvent[] | null>,
): Promise<boolean> {
  const { clock, logger, closing: signal } = ctx;
  const events = await retryWrite({ clock, logger, signal }, () =>
    ctx.db.transaction(async (client) => {
      // The row lock waits for an earlier claim of ours whose answer was lost.
      await client.query('select from calls where id = $1 for update', [call.id]);
      const { rowCount } = await client.query('select from attempts where id = $1', [
        identity.attemptId,
      ]);
      if (rowCount !== 0) return isStillOurs(client, ctx, call.id, identity.attemptId);
      const made = await own(client);
      if (!made) return null;
      await attempts.insertDialing(client, {
        id: identity.attemptId,
        workspaceId: call.workspaceId,
        callId: call.id,
        sequence,
        gatewayId: identity.gatewayId,
        gateway: identity.gateway,
        sipCallId: identity.invite.sipCallId,
        nodeId: ctx.nodeId,
      });
      await attempts.setDialog(client, identity.attemptId, identity.dialog);
      return made;
    }),
  );
  if (!events) return false;
  for (const event of events) ctx.feed.publish(event);
  return true;
}

/** After a long outage others may have taken this node for dead and settled the call. */
async function isStillOurs(
  client: TransactionClient,
  ctx: CallContext,
  callId: string,
  attemptId: string,
): Promise<CallEvent[] | null> {
  const call = await calls.get(client, callId);
  const { rowCount } = await client.query(
    `select from attempts where id = $1 and node_id = $2 and state = 'dialing'`,
    [attemptId, ctx.nodeId],
  );
  const dialling = call?.status === 'initiated' || call?.status === 'ringing';
  return rowCount !== 0 && dialling && call.nodeId === ctx.nodeId ? [] : null;
}
