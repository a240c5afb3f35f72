import type { Queryable } from '../../db/queries/queryable.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as recordings from '../../db/queries/room-recordings.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { newId } from '../../shared/ids.ts';
import type { RoomCore } from './room-context.ts';
import { RoomError } from './room-error.ts';
import { tellOfParticipant, tellOfRoom } from './room-events.ts';
import { roomJson, type RoomJson } from './room-json.ts';
import { dropAutomatic, sendAgent, sendAgentsByPattern, type AgentOrder } from './room-agents.ts';

export interface RoomOrder {
  name: string;
  metadata?: string | undefined;
  /** Seconds that nobody need come. Default 300. */
  emptyTimeoutS?: number | undefined;
  /** Seconds that it stays after the last one left. Default 20. */
  departureTimeoutS?: number | undefined;
  /** Default 0: any number. */
  maxParticipants?: number | undefined;
  tags?: Record<string, string> | undefined;
  /** Agents that come by name. Default: those whose patterns fit the name. */
  agents?: readonly AgentOrder[] | undefined;
}

const MAX_NAME_CHARS = 256;
const MAX_METADATA_CHARS = 65_536;
const MAX_TIMEOUT_S = 30 * 86_400;

/** The open room of a name, made where there is none. An existing one stays as it is. */
export async function ensureRoom(
  ctx: RoomCore,
  workspaceId: string,
  order: RoomOrder,
): Promise<{ room: rooms.RoomRow; created: boolean }> {
  checkRoom(order);
  return ctx.db.transaction((client) => ensureRoomIn(client, ctx, workspaceId, order));
}

/** The same in the caller's transaction; the room is locked until that ends. */
export async function ensureRoomIn(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  workspaceId: string,
  order: RoomOrder,
): Promise<{ room: rooms.RoomRow; created: boolean }> {
  const made = await rooms.insert(client, {
    id: newId('room', ctx.clock.now()),
    workspaceId,
    name: order.name,
    ...(order.metadata !== undefined && { metadata: order.metadata }),
    ...(order.emptyTimeoutS !== undefined && { emptyTimeoutS: order.emptyTimeoutS }),
    ...(order.departureTimeoutS !== undefined && { departureTimeoutS: order.departureTimeoutS }),
    ...(order.maxParticipants !== undefined && { maxParticipants: order.maxParticipants }),
    ...(order.tags && { tags: order.tags }),
  });
  const room = made ?? (await rooms.lockOpen(client, workspaceId, order.name));
  // It was closed between the two: the next look makes a new one.
  if (!room) return ensureRoomIn(client, ctx, workspaceId, order);
  if (!made) return { room, created: false };
  await tellOfRoom(client, 'room.started', room);
  for (const agent of order.agents ?? []) await sendAgent(client, ctx, room, agent);
  if (order.agents === undefined || order.agents.length === 0) {
    await sendAgentsByPattern(client, ctx, room);
  }
  return { room: (await rooms.get(client, room.id)) ?? room, created: true };
}

/** Before somebody comes in, under the room's lock. @throws RoomError `room-full` */
export async function requireFreePlace(
  client: Queryable,
  { id, maxParticipants }: rooms.RoomRow,
): Promise<void> {
  if (maxParticipants === 0) return;
  const counts = await participants.countInside(client, [id]);
  if ((counts.get(id)?.inside ?? 0) >= maxParticipants) {
    throw new RoomError('room-full', `the room holds ${maxParticipants} participants`);
  }
}

/** Sends an agent by name, into a new room where there is none. */
export async function dispatchAgent(
  ctx: RoomCore,
  workspaceId: string,
  roomName: string,
  order: AgentOrder,
): Promise<{ dispatch: dispatches.RoomDispatchRow; room: rooms.RoomRow }> {
  checkRoom({ name: roomName });
  checkAgent(order);
  return ctx.db.transaction(async (client) => {
    const earlier =
      order.id === undefined ? null : await dispatches.get(client, workspaceId, order.id);
    const { room, created } = await ensureRoomIn(client, ctx, workspaceId, {
      name: roomName,
      ...(!earlier && { agents: [order] }),
    });
    if (earlier) return { dispatch: earlier, room };
    if (!created) {
      await dropAutomatic(client, ctx, room);
      return { dispatch: await sendAgent(client, ctx, room, order), room };
    }
    const [dispatch] = await dispatches.listByRoom(client, room.id);
    if (!dispatch) throw new Error('expected the order that was just stored, got none');
    return { dispatch, room };
  });
}

/** Open rooms as they are now. */
export async function listRooms(
  ctx: Pick<RoomCore, 'db'>,
  workspaceId: string,
  names: readonly string[] = [],
): Promise<RoomJson[]> {
  const client = ctx.db.pool;
  const found = await rooms.listOpen(client, workspaceId, names);
  const counts = await participants.countInside(
    client,
    found.map(({ id }) => id),
  );
  const running = new Set<string>();
  for (const row of await recordings.list(client, workspaceId, { running: true }, 10_000)) {
    running.add(row.roomId);
  }
  return found.map((room) => roomJson(room, counts.get(room.id), running.has(room.id)));
}

/** @throws RoomError `room-not-found` */
export async function requireRoom(
  ctx: Pick<RoomCore, 'db'>,
  workspaceId: string,
  name: string,
): Promise<rooms.RoomRow> {
  const room = await rooms.findOpen(ctx.db.pool, workspaceId, name);
  if (!room) throw new RoomError('room-not-found', 'requested room does not exist');
  return room;
}

/** @throws RoomError */
export async function setRoomMetadata(
  ctx: RoomCore,
  workspaceId: string,
  name: string,
  metadata: string,
): Promise<rooms.RoomRow> {
  checkRoom({ name, metadata });
  const room = await requireRoom(ctx, workspaceId, name);
  const updated = await rooms.update(ctx.db.pool, room.id, { metadata });
  if (!updated) throw new RoomError('room-not-found', 'requested room does not exist');
  return updated;
}

/**
 * Closes a room: nobody comes in any more, whoever is in it leaves, and calls are hung up. False
 * where there is no such room.
 */
export async function closeRoom(
  ctx: RoomCore,
  room: rooms.RoomRow,
  reason: rooms.RoomEndReasonValue,
): Promise<boolean> {
  const callIds = await ctx.db.transaction(async (client) => {
    const locked = await rooms.lockOpen(client, room.workspaceId, room.name);
    if (locked?.id !== room.id) return null;
    // Meanwhile somebody has come in.
    if (reason === 'empty' && locked.emptySince === null) return null;
    const now = new Date(ctx.clock.now());
    const calls: string[] = [];
    for (const one of await participants.listInside(client, room.id)) {
      const leaveReason = reason === 'deleted' ? 'room-deleted' : 'room-closed';
      await participants.update(client, one.id, { leftAt: now, leaveReason });
      await tellOfParticipant(client, 'participant.left', locked, one.id);
      if (one.callId !== null && one.kind === 'sip') calls.push(one.callId);
    }
    for (const dispatch of await dispatches.listByRoom(client, room.id)) {
      if (dispatch.endedAt === null) await dispatches.update(client, dispatch.id, { endedAt: now });
    }
    const closed = await rooms.close(client, room.id, reason);
    if (closed) await tellOfRoom(client, 'room.finished', closed);
    return calls;
  });
  if (callIds === null) return false;
  await Promise.all(callIds.map((callId) => ctx.calls.hangup(room.workspaceId, callId)));
  return true;
}

/** @throws RoomError `invalid-option` */
export function checkAgent({ agentName, metadata = '', attributes = {} }: AgentOrder): void {
  requireOption(agentName !== '' && agentName.length <= 200, 'expected an agent’s name');
  requireOption(metadata.length <= MAX_METADATA_CHARS, 'the metadata is longer than 64 KiB');
  checkAttributes(attributes);
}

/** @throws RoomError `invalid-option` */
export function checkAttributes(attributes: Record<string, string>): void {
  const chars = Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  requireOption(chars <= MAX_METADATA_CHARS, 'the attributes are longer than 64 KiB');
}

/** @throws RoomError `invalid-option` */
export function requireOption(holds: boolean, message: string): void {
  if (!holds) throw new RoomError('invalid-option', message);
}

/** @throws RoomError `invalid-option` */
export function checkRoom(order: RoomOrder): void {
  const { name, metadata = '', emptyTimeoutS = 0, departureTimeoutS = 0 } = order;
  requireOption(name !== '', 'missing room name');
  requireOption(
    name.length <= MAX_NAME_CHARS,
    `the room's name is longer than ${MAX_NAME_CHARS} characters`,
  );
  requireOption(metadata.length <= MAX_METADATA_CHARS, 'the metadata is longer than 64 KiB');
  for (const seconds of [emptyTimeoutS, departureTimeoutS]) {
    requireOption(seconds <= MAX_TIMEOUT_S, 'a timeout of a room is longer than 30 days');
  }
  requireOption((order.maxParticipants ?? 0) <= 1_000, 'expected at most 1000 participants');
  for (const agent of order.agents ?? []) checkAgent(agent);
}
