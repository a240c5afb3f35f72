import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import type { TransactionClient } from '../db/database.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { LegFailure } from '../sip/leg.ts';
import type { AttemptIdentity } from './attempt-identity.ts';
import type { CallContext } from './call-context.ts';
import { refuseByGuardrail } from './dial-guardrail.ts';
import { findFullLimit, type FullLimit } from './limits.ts';
import type { CallPlan } from './call-plan.ts';
import { recordStatus } from './record-status.ts';
import { retryWrite } from './retry-write.ts';

/** What became of a queued call. */
export type Claim =
  /** Its attempt is committed: the INVITE may leave. */
  | { type: 'ours' }
  /** Somebody else has it, or it was canceled: nothing may leave. */
  | { type: 'lost' }
  /** There is no place for it now; it is as it was. */
  | { type: 'full'; limit: FullLimit }
  /** A guardrail refused it; that is stored. */
  | { type: 'refused' };

/**
 * Makes a queued call ours and commits its first attempt as dialling, with the SIP identity of the
 * INVITE, before that exists. Guardrails and limits are judged in the same transaction, so that
 * calls that are dialled at the same moment cannot pass together.
 *
 * The commit's answer may be lost. The claim is then done again: a row with this attempt's id is
 * our own earlier commit, and since nothing has left this process it is still ours to dial.
 */
export async function claimCall(
  ctx: CallContext,
  plan: Pick<CallPlan, 'call' | 'trunk' | 'limits'>,
  identity: AttemptIdentity,
): Promise<Claim> {
  const { call, trunk, limits } = plan;
  let refused: Claim | null = null;
  const ours = await claim(ctx, call, identity, 1, async (client, current) => {
    refused = null;
    if (current.status !== 'queued') return null;
    const events = await refuseByGuardrail(ctx, client, current, trunk);
    if (events) {
      refused = { type: 'refused' };
      return { events, stop: true };
    }
    const scope = {
      workspaceId: call.workspaceId,
      trunkId: trunk.id,
      agentId: call.agentId ?? '',
      callId: call.id,
    };
    const limit = await findFullLimit(client, scope, limits, 'dial');
    if (limit) {
      refused = { type: 'full', limit };
      return null;
    }
    const recorded = await recordStatus(client, call.id, 'initiated', {
      nodeId: ctx.nodeId,
      initiatedAt: new Date(ctx.clock.now()),
    });
    return recorded && { events: recorded.events, stop: false };
  });
  return refused ?? { type: ours ? 'ours' : 'lost' };
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
  return claim(ctx, call, identity, sequence, async (client, current) => {
    if (!isBeingDialledBy(ctx, current)) return null;
    const { failure } = failed;
    await attempts.finish(client, failed.attemptId, 'failed', {
      sipCode: failure.local ? null : failure.status,
      sipReason: failure.local ? failure.cause : failure.reason,
      reasonHeader: failure.reasonHeader,
    });
    return { events: [], stop: false };
  });
}

/** What was stored; `stop`: that was all, there is nothing to dial. */
interface Owned {
  events: CallEvent[];
  stop: boolean;
}

/** It was stored before. */
const NOTHING_MORE: Owned = { events: [], stop: false };

async function claim(
  ctx: CallContext,
  call: { id: string; workspaceId: string },
  identity: AttemptIdentity,
  sequence: number,
  own: (client: TransactionClient, current: calls.CallRow) => Promise<Owned | null>,
): Promise<boolean> {
  const { clock, logger, closing: signal } = ctx;
  const owned = await retryWrite({ clock, logger, signal }, () =>
    ctx.db.transaction(async (client) => {
      // The row lock waits for an earlier claim of ours whose answer was lost.
      const current = await calls.lock(client, call.id);
      if (!current) return null;
      // A claim that was committed has moved the call on, so a queued one has no attempt of ours.
      if (current.status !== 'queued') {
        const attempt = await attempts.get(client, identity.attemptId);
        if (attempt) return isStillOurs(ctx, current, attempt) ? NOTHING_MORE : null;
      }
      const made = await own(client, current);
      if (!made || made.stop) return made;
      await attempts.insertDialing(client, {
        id: identity.attemptId,
        workspaceId: call.workspaceId,
        callId: call.id,
        sequence,
        gatewayId: identity.gatewayId,
        gateway: identity.gateway,
        sipCallId: identity.invite.sipCallId,
        nodeId: ctx.nodeId,
        dialog: identity.dialog,
      });
      return made;
    }),
  );
  if (!owned) return false;
  for (const event of owned.events) ctx.feed.publish(event);
  return !owned.stop;
}

/** After a long outage others may have taken this node for dead and settled the call. */
function isStillOurs(ctx: CallContext, call: calls.CallRow, attempt: attempts.AttemptRow): boolean {
  return (
    attempt.nodeId === ctx.nodeId && attempt.state === 'dialing' && isBeingDialledBy(ctx, call)
  );
}

function isBeingDialledBy({ nodeId }: Pick<CallContext, 'nodeId'>, call: calls.CallRow): boolean {
  return call.nodeId === nodeId && (call.status === 'initiated' || call.status === 'ringing');
}
