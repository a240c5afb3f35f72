import type { WeekWindow } from '../compliance/data/calling-windows.ts';
import type { CallPurpose, GuardrailRequest, Refusal } from '../compliance/guardrail-types.ts';
import type * as calls from '../db/queries/calls.ts';
import type { TransactionClient } from '../db/database.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import type { CallEvent } from '../events/call-event.ts';
import { appendCallEvent } from '../events/event-log.ts';
import { releaseHold } from '../wallet/release-hold.ts';
import { zeroCost } from './call-cost.ts';
import type { CallContext } from './call-context.ts';
import { recordStatus } from './record-status.ts';

/**
 * Judges a call once more, right before its INVITE: hours, lists and caps may have changed since it
 * was admitted. A call that may be made later is put off until then, any other ends. Null: it may
 * be dialled. Otherwise what was stored, to be published after the commit.
 */
export async function refuseByGuardrail(
  ctx: Pick<CallContext, 'guardrails' | 'clock'>,
  client: TransactionClient,
  call: calls.CallRow,
  trunk: Pick<TrunkRow, 'id' | 'sandbox'>,
): Promise<CallEvent[] | null> {
  const verdict = await ctx.guardrails?.check(client, dialRequest(call, trunk));
  if (!verdict || verdict.allowed) return null;
  const stored = verdict.retryAt
    ? await putOff(client, call.id, verdict.retryAt, verdict.rule)
    : await end(ctx, client, call.id, verdict);
  const data = { code: 'guardrail', message: `${verdict.rule}: ${verdict.message}` } as const;
  return [...stored, await appendCallEvent(client, call.id, { type: 'call.warning', data })];
}

/**
 * Judges a number that a carrier sends the call to instead. Null: it may be called; otherwise why not,
 * in one sentence. Nothing is stored.
 */
export async function judgeRedirect(
  ctx: Pick<CallContext, 'guardrails' | 'db'>,
  call: calls.CallRow,
  trunk: Pick<TrunkRow, 'id' | 'sandbox'>,
  to: string,
): Promise<string | null> {
  const { guardrails } = ctx;
  if (!guardrails) return null;
  const verdict = await ctx.db.transaction((client) =>
    guardrails.check(client, { ...dialRequest(call, trunk), to }),
  );
  return verdict.allowed ? null : `${verdict.rule}: ${verdict.message}`;
}

function dialRequest(
  call: calls.CallRow,
  trunk: Pick<TrunkRow, 'id' | 'sandbox'>,
): GuardrailRequest {
  return {
    stage: 'dial',
    workspaceId: call.workspaceId,
    trunk: { id: trunk.id, sandbox: trunk.sandbox },
    from: call.fromNumber,
    to: call.toNumber,
    agentId: call.agentId,
    callId: call.id,
    keyId: call.apiKeyId,
    ...(call.batchId !== null && { campaignId: call.batchId }),
    ...(call.purpose !== null && { purpose: call.purpose as CallPurpose }),
    ...(call.callingWindow !== null && { window: call.callingWindow as WeekWindow }),
    ...(call.timezone !== null && { timezone: call.timezone }),
  };
}

async function putOff(
  client: TransactionClient,
  callId: string,
  until: Date,
  rule: string,
): Promise<CallEvent[]> {
  // Its money is free until it is its turn again.
  await releaseHold(client, callId);
  const patch = { scheduledAt: until, guardrail: rule, waits: true };
  const recorded = await recordStatus(client, callId, 'rescheduled', patch);
  return recorded?.events ?? [];
}

async function end(
  ctx: Pick<CallContext, 'clock'>,
  client: TransactionClient,
  callId: string,
  { rule }: Refusal,
): Promise<CallEvent[]> {
  const recorded = await recordStatus(client, callId, 'failed', {
    endReason: 'guardrail',
    endedBy: 'system',
    endedAt: new Date(ctx.clock.now()),
    cost: zeroCost(),
    guardrail: rule,
  });
  return recorded?.events ?? [];
}
