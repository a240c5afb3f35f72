import { createHash } from 'node:crypto';
import * as attempts from '../db/queries/attempts.ts';
import type * as calls from '../db/queries/calls.ts';
import type { TransactionClient } from '../db/database.ts';
import { appendCallEvent, insertToldCall } from '../events/event-log.ts';
import type { CallEvent } from '../events/call-event.ts';
import { newId } from '../shared/ids.ts';
import type { InboundLeg } from '../sip/leg.ts';
import type { SipHeader } from '../sip/message.ts';
import { zeroCost } from './call-cost.ts';
import type { CallContext } from './call-context.ts';
import { callEnd, type CallEndCause } from './call-end.ts';
import { callerIdentity } from './inbound-target.ts';
import { isUniqueViolation } from './place-call.ts';
import { statusEventType } from './record-status.ts';

/** What is known of where a call that came in was going. */
export interface InboundTarget {
  workspaceId: string;
  trunkId: string | null;
  agentId: string | null;
  /** The number called, or what was called in its place. */
  to: string;
}

/** The final answer that an INVITE got. */
export interface InboundRefusal {
  cause: CallEndCause;
  code: number;
  reason: string;
  /** What is wrong here, for the operator: with the agent, where no code says otherwise. */
  message?: string;
  warning?: 'media-encryption';
  /** Of the answer, for the far end. */
  headers?: readonly SipHeader[];
}

export interface StoredInbound {
  call: calls.CallRow;
  attemptId: string;
}

/**
 * The call and its one attempt; null when this INVITE is known already.
 * @param judge looks, in the same transaction, whether the call may be taken; what it returns is
 *   returned, and nothing is stored.
 */
export async function storeInbound(
  ctx: CallContext,
  leg: InboundLeg,
  target: InboundTarget,
  judge: (client: TransactionClient) => Promise<InboundRefusal | null> = () =>
    Promise.resolve(null),
): Promise<StoredInbound | { refusal: InboundRefusal } | null> {
  try {
    return await store(
      ctx,
      leg,
      target,
      { status: 'initiated', nodeId: ctx.nodeId },
      async (client, made) => {
        await attempts.setDialog(client, made.attemptId, leg.snapshot());
        return [];
      },
      judge,
    );
  } catch (error) {
    if (error instanceof InboundRefused) return { refusal: error.refusal };
    throw error;
  }
}

/** Takes back the transaction in which a call would have been stored. */
class InboundRefused extends Error {
  readonly refusal: InboundRefusal;

  constructor(refusal: InboundRefusal) {
    super('the call is not taken');
    this.name = 'InboundRefused';
    this.refusal = refusal;
  }
}

/** A call that was refused before anything ran for it: stored as it ended, or not at all. */
export async function storeRefusal(
  ctx: CallContext,
  leg: InboundLeg,
  target: InboundTarget,
  { cause, code, reason, message, warning }: InboundRefusal,
): Promise<void> {
  const sip = { code, reason };
  const end = callEnd(cause, { direction: 'inbound', answered: false, sip });
  const { status, ...ended } = end;
  await store(
    ctx,
    leg,
    target,
    { ...ended, status, endedAt: new Date(ctx.clock.now()), cost: zeroCost() },
    async (client, { call, attemptId }) => {
      await attempts.finish(client, attemptId, 'failed', { sipCode: code, sipReason: reason });
      if (message === undefined) return [];
      const data = { code: warning ?? 'agent-not-ready', message } as const;
      return [await appendCallEvent(client, call.id, { type: 'call.warning', data })];
    },
  );
}

async function store(
  ctx: CallContext,
  leg: InboundLeg,
  { workspaceId, trunkId, agentId, to }: InboundTarget,
  fields: Omit<calls.CallPatch, 'fromNumber' | 'toNumber'> & Pick<calls.CallRow, 'status'>,
  also: (client: TransactionClient, made: StoredInbound) => Promise<CallEvent[]>,
  judge?: (client: TransactionClient) => Promise<InboundRefusal | null>,
): Promise<StoredInbound | null> {
  const nowMs = ctx.clock.now();
  const attemptId = newId('attempt', nowMs);
  try {
    const { call, events } = await ctx.db.transaction(async (client) => {
      const refusal = await judge?.(client);
      if (refusal) throw new InboundRefused(refusal);
      const stored: calls.NewCall = {
        id: newId('call', nowMs),
        workspaceId,
        direction: 'inbound',
        agentId,
        trunkId,
        fromNumber: callerIdentity(leg.request),
        toNumber: to,
        createdAt: new Date(nowMs),
        initiatedAt: new Date(nowMs),
        ...fields,
      };
      const type = statusEventType(stored.status);
      const { call: row, event } = await insertToldCall(client, stored, type);
      await attempts.insertDialing(client, {
        id: attemptId,
        workspaceId,
        callId: row.id,
        sequence: 1,
        gatewayId: null,
        gateway: `${leg.source.host}:${leg.source.port};${leg.source.transport}`,
        sipCallId: leg.sipCallId,
        mergeKey: mergeKeyOf(leg),
        nodeId: ctx.nodeId,
      });
      return { call: row, events: [event, ...(await also(client, { call: row, attemptId }))] };
    });
    for (const event of events) ctx.feed.publish(event);
    return { call, attemptId };
  } catch (error) {
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}

/**
 * RFC 3261 §8.2.2.2: From tag, Call-ID and CSeq tell a request that came another way from a new
 * one. A digest, since a far end may send them of any length.
 */
function mergeKeyOf(leg: InboundLeg): string {
  const { sipCallId, remoteTag, inviteCseq } = leg.snapshot();
  return createHash('sha256')
    .update(JSON.stringify([sipCallId, remoteTag, inviteCseq]))
    .digest('base64url');
}
