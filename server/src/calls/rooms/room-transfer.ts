import { transferCall } from '../transfer/transfer-call.ts';
import type { TransferOrder, TransferResult } from '../transfer/transfer-order.ts';
import * as calls from '../../db/queries/calls.ts';
import type { RoomCore } from './room-context.ts';
import { RoomError } from './room-error.ts';
import { requireMember } from './room-members.ts';

/** Somebody in a room who is to be connected with somebody else. */
export interface MemberTransferOrder extends Omit<TransferOrder, 'call'> {
  roomName: string;
  identity: string;
}

/** `transferCall` for somebody in a room. @throws RoomError, AdmissionError */
export async function transferMember(
  ctx: RoomCore,
  { roomName, identity, ...order }: MemberTransferOrder,
): Promise<TransferResult> {
  const { member } = await requireMember(ctx, order.workspaceId, roomName, identity);
  const call = member.callId === null ? null : await calls.get(ctx.db.pool, member.callId);
  if (!call) throw new RoomError('no-call', 'the participant has no SIP call');
  if (call.status !== 'in-progress') {
    throw new RoomError('not-live', 'the participant’s call is not answered');
  }
  return transferCall(ctx, { ...order, call });
}
