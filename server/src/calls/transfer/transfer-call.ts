import { appendCallEvent } from '../../events/event-log.ts';
import { newId } from '../../shared/ids.ts';
import type { RoomCore } from '../rooms/room-context.ts';
import { RoomError } from '../rooms/room-error.ts';
import { bridgeCall } from './bridge-call.ts';
import type { TransferOrder, TransferResult } from './transfer-order.ts';

/**
 * Connects the far end of an answered call with somebody else. The one way for tools, the API and
 * LiveKit's clients. Resolves when both are connected or the target cannot be reached; the agent
 * then goes on.
 * @throws RoomError, AdmissionError
 */
export async function transferCall(ctx: RoomCore, order: TransferOrder): Promise<TransferResult> {
  const { call } = order;
  if (call.status !== 'in-progress') {
    throw new RoomError('not-live', 'the call is not answered, or is over');
  }
  const transferId = newId('transfer', ctx.clock.now());
  const result =
    (await moveByCarrier(ctx, order, transferId)) ?? (await bridgeCall(ctx, order, transferId));
  await tell(ctx, order, result);
  return result;
}

/** Null: it is not the carrier's to do, or it does not do it, so that the target is called here. */
async function moveByCarrier(
  ctx: RoomCore,
  order: TransferOrder,
  transferId: string,
): Promise<TransferResult | null> {
  const { call, method = 'auto', briefing } = order;
  const live = ctx.calls.liveOf(call.id);
  const isWanted =
    method === 'refer' ||
    (method === 'auto' && !briefing && live?.plan.trunk.transferByRefer === true);
  if (!isWanted) return null;
  if (!live) throw new RoomError('not-live', 'the call is on another node, or its end has begun');
  const done = { transferId, method: 'refer', call: null } as const;
  const result = await live.refer(order);
  switch (result.type) {
    case 'moved':
      await live.voice?.dismissAgent(true).catch(() => undefined);
      // RFC 3515 leaves the call to us; the far end has another one now.
      void live.stop({ type: 'transferred' });
      return { ...done, successful: true, reason: null, sip: { code: 200, reason: 'OK' } };
    case 'failed':
      return { ...done, successful: false, reason: result.reason, sip: result.sip };
    case 'call-over':
      throw new RoomError('not-live', 'the call is over');
    case 'not-taken':
      return method === 'auto'
        ? null
        : { ...done, successful: false, reason: 'rejected', sip: result.sip };
  }
}

async function tell(
  ctx: RoomCore,
  { call, to }: TransferOrder,
  result: TransferResult,
): Promise<void> {
  const draft = {
    type: 'call.transferred',
    data: {
      id: result.transferId,
      to,
      method: result.method,
      successful: result.successful,
      reason: result.reason,
      target_call_id: result.call?.id ?? null,
      sip: result.sip,
    },
  } as const;
  const live = ctx.calls.liveOf(call.id);
  // Of a call that is elsewhere it is found in the log when its next event comes.
  if (live) live.record.event(draft);
  else await ctx.db.transaction((client) => appendCallEvent(client, call.id, draft));
}
