import * as calls from '../db/queries/calls.ts';
import { appendCallEvent } from '../events/event-log.ts';
import { newId } from '../shared/ids.ts';
import { AdmissionError } from './admission-error.ts';
import { admitCall, type CallRequest } from './admission.ts';
import type { CallContext } from './call-context.ts';
import { statusEvent } from './record-status.ts';

export interface PlacedCall {
  call: calls.CallRow;
  /** False: the idempotency key was used before, and this is the call of then. */
  created: boolean;
}

/**
 * Admits a call and stores it together with the job that dials it: both or none.
 * @throws AdmissionError
 */
export async function placeCall(ctx: CallContext, request: CallRequest): Promise<PlacedCall> {
  const earlier = await sameKey(ctx, request);
  if (earlier) return earlier;
  const nowMs = ctx.clock.now();
  const admitted = await admitCall(ctx.db.pool, request, nowMs);
  const scheduled = request.scheduledAt !== undefined && request.scheduledAt.getTime() > nowMs;
  try {
    const { call, event } = await ctx.db.transaction(async (client) => {
      const row = await calls.insert(client, {
        id: newId('call', nowMs),
        workspaceId: request.workspaceId,
        direction: 'outbound',
        agentId: admitted.agentRow.id,
        trunkId: admitted.trunk.id,
        fromNumber: admitted.from,
        toNumber: admitted.to,
        status: scheduled ? 'scheduled' : 'queued',
        variables: request.variables ?? {},
        idempotencyKey: request.idempotencyKey ?? null,
        createdAt: new Date(nowMs),
        ...(scheduled ? { scheduledAt: request.scheduledAt } : { queuedAt: new Date(nowMs) }),
      });
      const appended = await appendCallEvent(client, row.id, statusEvent(row));
      // A scheduled call gets its job when its time has come.
      if (!scheduled) {
        await ctx.jobs.send('call.dial', { callId: row.id }, { client, singletonKey: row.id });
      }
      return { call: row, event: appended };
    });
    ctx.feed.publish(event);
    return { call, created: true };
  } catch (error) {
    // Two requests with one key at the same moment: one of them stored the call.
    const first = isUniqueViolation(error) ? await sameKey(ctx, request) : null;
    if (first) return first;
    throw error;
  }
}

async function sameKey(ctx: CallContext, request: CallRequest): Promise<PlacedCall | null> {
  if (request.idempotencyKey === undefined) return null;
  const call = await calls.findByIdempotencyKey(
    ctx.db.pool,
    request.workspaceId,
    request.idempotencyKey,
  );
  if (!call) return null;
  const to = request.to.replace(/[\s().-]/g, '');
  const differs =
    call.toNumber !== to || (request.agentId !== undefined && call.agentId !== request.agentId);
  if (differs) {
    throw new AdmissionError(
      'idempotency-conflict',
      'the idempotency key was used before for another call',
    );
  }
  return { call, created: false };
}

/** PostgreSQL's 23505. */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23505';
}
