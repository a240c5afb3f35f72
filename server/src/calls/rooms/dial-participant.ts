import type { AgentRow } from '../../db/queries/agents.ts';
import * as agents from '../../db/queries/agents.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import type { TransactionClient } from '../../db/database.ts';
import { newId } from '../../shared/ids.ts';
import type { CallRequest } from '../admission.ts';
import { isUniqueViolation } from '../place-call.ts';
import { seatAgent, variablesOf } from './room-agents.ts';
import type { RoomCore } from './room-context.ts';
import { checkAttributes, ensureRoom, requireFreePlace, requireOption } from './room-directory.ts';
import { RoomError } from './room-error.ts';
import { tellOfParticipant } from './room-events.ts';

/** Somebody who is to be called into a room. */
export interface DialOrder {
  roomName: string;
  to: string;
  from?: string | undefined;
  trunkId?: string | undefined;
  /** Unique in the room. Default: `sip_` and the number. */
  identity?: string | undefined;
  name?: string | undefined;
  metadata?: string | undefined;
  attributes?: Record<string, string> | undefined;
  leg?: participants.RoomLeg | undefined;
  ringTimeoutMs?: number | undefined;
  maxDurationS?: number | undefined;
  idempotencyKey?: string | undefined;
  /** Whether an agent that waits in the room speaks in this call. Default true. */
  withAgent?: boolean | undefined;
  door?: CallRequest['door'];
}

export interface DialledParticipant {
  participant: participants.RoomParticipantRow;
  room: rooms.RoomRow;
  call: CallRow;
}

/** An agent that waits in the room and is to speak in the call. */
interface Speaker {
  dispatch: dispatches.RoomDispatchRow;
  agent: AgentRow;
}

/** Another call was faster and has taken the agent. */
class AgentTaken extends Error {}

const DTMF = /^[0-9A-D*#wW]{0,200}$/;

/**
 * Calls somebody into a room, which is made where there is none: the participant is in the room
 * from now on, and its phone rings as soon as the room's agent is ready.
 * @throws RoomError, AdmissionError
 */
export async function dialParticipant(
  ctx: RoomCore,
  workspaceId: string,
  order: DialOrder,
): Promise<DialledParticipant> {
  check(order);
  const { room } = await ensureRoom(ctx, workspaceId, { name: order.roomName });
  for (;;) {
    const speaker = order.withAgent === false ? null : await findSpeaker(ctx, room);
    try {
      return await place(ctx, room, order, speaker);
    } catch (error) {
      if (!(error instanceof AgentTaken)) throw error;
    }
  }
}

async function place(
  ctx: RoomCore,
  room: rooms.RoomRow,
  order: DialOrder,
  speaker: Speaker | null,
): Promise<DialledParticipant> {
  let joined: participants.RoomParticipantRow | null = null;
  const { call, created } = await ctx.calls
    .place({
      workspaceId: room.workspaceId,
      to: order.to,
      agentId: speaker ? speaker.agent.id : null,
      door: order.door ?? 'v1',
      doorData: { room: room.name, room_id: room.id },
      ...(order.from !== undefined && { from: order.from }),
      ...(order.trunkId !== undefined && { trunkId: order.trunkId }),
      ...(order.ringTimeoutMs !== undefined && { ringTimeoutMs: order.ringTimeoutMs }),
      ...(order.maxDurationS !== undefined && { maxDurationS: order.maxDurationS }),
      ...(order.idempotencyKey !== undefined && { idempotencyKey: order.idempotencyKey }),
      idempotencyBody: [order.roomName, order.to, order.identity ?? null],
      ...(speaker && { variables: variablesOf(speaker.dispatch.metadata) }),
      // Whoever is not reached is told to the client, which decides.
      retry: null,
      also: async (client, row) => {
        joined = await join(client, ctx, room, { order, call: row, speaker });
      },
    })
    .catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error;
      throw new RoomError(
        'identity-taken',
        `a participant ${JSON.stringify(identityOf(order))} is in the room already`,
      );
    });
  const participant =
    joined ?? (created ? null : await participants.findByCall(ctx.db.pool, call.id));
  if (!participant) throw new Error(`expected a participant of call ${call.id}, got none`);
  return { participant, room, call };
}

/** In the transaction that stores the call: both or none. */
async function join(
  client: TransactionClient,
  ctx: RoomCore,
  room: rooms.RoomRow,
  { order, call, speaker }: { order: DialOrder; call: CallRow; speaker: Speaker | null },
): Promise<participants.RoomParticipantRow> {
  const locked = await rooms.lockOpen(client, room.workspaceId, room.name);
  if (locked?.id !== room.id) {
    throw new RoomError('room-not-found', 'the room was closed in this moment');
  }
  await requireFreePlace(client, room);
  if (speaker) {
    const waiting = await dispatches.lockWaiting(client, room.id);
    if (!waiting.some(({ id }) => id === speaker.dispatch.id)) throw new AgentTaken();
    await dispatches.update(client, speaker.dispatch.id, {
      callId: call.id,
      startedAt: new Date(ctx.clock.now()),
    });
  }
  const nowMs = ctx.clock.now();
  const participant = await participants.insert(client, {
    id: newId('participant', nowMs),
    workspaceId: room.workspaceId,
    roomId: room.id,
    identity: identityOf(order),
    kind: 'sip',
    trackId: newId('track', nowMs),
    callId: call.id,
    ...(order.name !== undefined && { name: order.name }),
    ...(order.metadata !== undefined && { metadata: order.metadata }),
    ...(order.attributes && { attributes: order.attributes }),
    ...(order.leg && { leg: order.leg }),
  });
  await rooms.update(client, room.id, { emptySince: null, wasJoined: true });
  await tellOfParticipant(client, 'participant.joined', locked, participant.id);
  return participant;
}

/**
 * The agent that is to speak; null where none was sent. No agent, no dial: where one was sent that
 * does not exist, nobody is called.
 */
async function findSpeaker(ctx: RoomCore, room: rooms.RoomRow): Promise<Speaker | null> {
  const waiting = await ctx.db.transaction(async (client) => {
    const rows = await dispatches.lockWaiting(client, room.id);
    return Promise.all(rows.map((row) => seatAgent(client, ctx, room, row)));
  });
  for (const dispatch of waiting) {
    if (dispatch.agentId === null) continue;
    const agent = await agents.get(ctx.db.pool, room.workspaceId, dispatch.agentId);
    if (agent) return { dispatch, agent };
  }
  const [missing] = waiting;
  if (!missing) return null;
  throw new RoomError(
    'agent-not-found',
    `nobody is called while the room's agent is missing: ${missing.error ?? 'it was deleted'}; create the agent, or delete its dispatch`,
  );
}

function identityOf({ identity, to }: DialOrder): string {
  return identity === undefined || identity === '' ? `sip_${to}` : identity;
}

function check({ identity = '', name = '', metadata = '', attributes = {}, leg }: DialOrder): void {
  requireOption(identity.length <= 256, 'the identity is longer than 256 characters');
  requireOption(name.length <= 256, 'the name is longer than 256 characters');
  requireOption(metadata.length <= 65_536, 'the metadata is longer than 64 KiB');
  checkAttributes(attributes);
  requireOption(
    DTMF.test(leg?.dtmf ?? ''),
    'dtmf has other characters than 0-9, A-D, *, # and w, or more than 200',
  );
  requireOption(
    (leg?.displayName ?? '').length <= 128,
    'display_name is longer than 128 characters',
  );
}
