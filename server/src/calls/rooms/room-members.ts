import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import type { SeatState } from '../../voice/worker-protocol.ts';
import { dismissAgent } from './room-agents.ts';
import type { RoomContext } from './room-context.ts';
import { checkAttributes, requireOption } from './room-directory.ts';
import { RoomError } from './room-error.ts';
import { leaveRoom } from './settle-participants.ts';

/** What may be changed in one who is in a room. */
export interface MemberPatch {
  name?: string | undefined;
  metadata?: string | undefined;
  /** Merged; an empty value takes the attribute away. */
  attributes?: Record<string, string> | undefined;
  /** Whether others hear it. */
  canPublish?: boolean | undefined;
  /** Whether it hears others. */
  canSubscribe?: boolean | undefined;
}

/** Those who are in a room; none where there is no such room. */
export async function listMembers(
  ctx: Pick<RoomContext, 'db'>,
  workspaceId: string,
  roomName: string,
): Promise<participants.RoomParticipantView[]> {
  const room = await rooms.findOpen(ctx.db.pool, workspaceId, roomName);
  return room ? participants.listInside(ctx.db.pool, room.id) : [];
}

/** @throws RoomError `participant-not-found` */
export async function requireMember(
  ctx: Pick<RoomContext, 'db'>,
  workspaceId: string,
  roomName: string,
  identity: string,
): Promise<{ room: rooms.RoomRow; member: participants.RoomParticipantView }> {
  const room = await rooms.findOpen(ctx.db.pool, workspaceId, roomName);
  const member = room && (await participants.findInside(ctx.db.pool, room.id, identity));
  if (!room || !member) {
    throw new RoomError('participant-not-found', 'participant does not exist');
  }
  return { room, member };
}

/** @throws RoomError */
export async function updateMember(
  ctx: RoomContext,
  at: { workspaceId: string; roomName: string; identity: string },
  patch: MemberPatch,
): Promise<participants.RoomParticipantView> {
  requireOption((patch.name ?? '').length <= 256, 'the name is longer than 256 characters');
  requireOption((patch.metadata ?? '').length <= 65_536, 'the metadata is longer than 64 KiB');
  const { member } = await requireMember(ctx, at.workspaceId, at.roomName, at.identity);
  const attributes = { ...member.attributes };
  for (const [name, value] of Object.entries(patch.attributes ?? {})) {
    if (value === '') delete attributes[name];
    else attributes[name] = value;
  }
  checkAttributes(attributes);
  await participants.update(ctx.db.pool, member.id, { ...patch, attributes });
  return applied(ctx, member.id);
}

/** Mutes a participant for all others: agents, people and recordings alike. @throws RoomError */
export async function muteMember(
  ctx: RoomContext,
  at: { workspaceId: string; roomName: string; identity: string; trackId: string },
  muted: boolean,
): Promise<participants.RoomParticipantView> {
  const { member } = await requireMember(ctx, at.workspaceId, at.roomName, at.identity);
  if (at.trackId !== '' && at.trackId !== member.trackId) {
    throw new RoomError('participant-not-found', 'track does not exist');
  }
  await participants.update(ctx.db.pool, member.id, { muted });
  return applied(ctx, member.id);
}

/** Says which tracks a participant hears, beside those that it is not told about. */
export async function setSubscriptions(
  ctx: RoomContext,
  at: { workspaceId: string; roomName: string; identity: string },
  trackIds: readonly string[],
  subscribed: boolean,
): Promise<void> {
  requireOption(trackIds.length <= 1_000, 'expected at most 1000 tracks');
  const { member } = await requireMember(ctx, at.workspaceId, at.roomName, at.identity);
  const unheard = new Set(member.unheardTracks);
  for (const trackId of trackIds) {
    if (subscribed) unheard.delete(trackId);
    else unheard.add(trackId);
  }
  await participants.update(ctx.db.pool, member.id, { unheardTracks: [...unheard] });
  await applied(ctx, member.id);
}

/** Puts a participant out: its call is hung up, or its agent goes. @throws RoomError */
export async function removeMember(
  ctx: RoomContext,
  at: { workspaceId: string; roomName: string; identity: string },
): Promise<void> {
  const { room, member } = await requireMember(ctx, at.workspaceId, at.roomName, at.identity);
  if (member.kind === 'agent') {
    await removeAgentOf(ctx, room, member.id);
    return;
  }
  const partner = await ctx.db.transaction(async (client) => {
    await rooms.lockOpen(client, room.workspaceId, room.name);
    const inside = await participants.findInside(client, room.id, at.identity);
    return inside?.id === member.id ? leaveRoom(client, ctx, room, inside, 'removed') : null;
  });
  for (const callId of [member.callId, partner?.callId ?? null]) {
    if (callId !== null) await ctx.calls.hangup(room.workspaceId, callId);
  }
}

/** Takes an agent out of a room; whoever it spoke with stays. */
async function removeAgentOf(
  ctx: RoomContext,
  room: rooms.RoomRow,
  participantId: string,
): Promise<void> {
  const row = (await dispatches.listByRoom(ctx.db.pool, room.id)).find(
    (dispatch) => dispatch.participantId === participantId && dispatch.endedAt === null,
  );
  if (row) await removeDispatch(ctx, room, row);
}

/** Takes an order back; an agent that speaks stops at once. */
export async function removeDispatch(
  ctx: RoomContext,
  room: rooms.RoomRow,
  row: dispatches.RoomDispatchRow,
): Promise<dispatches.RoomDispatchRow> {
  const dismissed = await ctx.db.transaction((client) =>
    dismissAgent(client, ctx, room, row, 'removed'),
  );
  if (row.callId !== null) await ctx.calls.voiceOf(row.callId)?.dismissAgent();
  return dismissed;
}

/** Brings the audio of this node in line with what is stored of a participant. */
export async function applySeat(ctx: RoomContext, participantId: string): Promise<void> {
  const view = await participants.getView(ctx.db.pool, participantId);
  if (!view || view.leftAt !== null) return;
  const callId = await callOfSeat(ctx, view);
  const voice = callId === null ? null : ctx.calls.voiceOf(callId);
  if (!voice) return;
  const inside = await participants.listInside(ctx.db.pool, view.roomId);
  const state: SeatState = {
    muted: view.muted || !view.canPublish,
    deaf: !view.canSubscribe,
    unheard: await Promise.all(
      inside
        .filter(({ trackId }) => view.unheardTracks.includes(trackId))
        .map(async (other) => seatName(other.kind, (await callOfSeat(ctx, other)) ?? '')),
    ),
  };
  voice.seat(view.kind === 'sip' ? 'caller' : 'agent', state);
}

/** What a participant is called where the audio is. */
export function seatName(kind: 'sip' | 'agent', callId: string): string {
  return kind === 'sip' ? callId : `agent:${callId}`;
}

/** The call whose audio a participant is part of; null: none yet. */
export async function callOfSeat(
  ctx: Pick<RoomContext, 'db'>,
  { id, kind, callId, roomId }: participants.RoomParticipantRow,
): Promise<string | null> {
  if (kind === 'sip') return callId;
  const rows = await dispatches.listByRoom(ctx.db.pool, roomId);
  return rows.find(({ participantId }) => participantId === id)?.callId ?? null;
}

async function applied(
  ctx: RoomContext,
  participantId: string,
): Promise<participants.RoomParticipantView> {
  await applySeat(ctx, participantId);
  const view = await participants.getView(ctx.db.pool, participantId);
  if (!view) throw new RoomError('participant-not-found', 'participant does not exist');
  return view;
}
