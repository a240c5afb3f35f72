import * as agents from '../../db/queries/agents.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { newId } from '../../shared/ids.ts';
import type { RoomCore } from './room-context.ts';
import { tellOfParticipant } from './room-events.ts';

/** An agent that is to come into a room. */
export interface AgentOrder {
  /** Name or id of an agent of the workspace. */
  agentName: string;
  /** Given to the agent: the fields of a JSON object are variables of the same names. */
  metadata?: string | undefined;
  attributes?: Record<string, string> | undefined;
  doorData?: Record<string, unknown> | undefined;
  /** Fixed by a client that may ask twice. */
  id?: string | undefined;
}

/** Sent by a pattern of the agent's own, not by name. */
const AUTOMATIC = { automatic: true };

/** Stores an order; the agent is in the room at once where there is one of that name. */
export async function sendAgent(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
  order: AgentOrder,
): Promise<dispatches.RoomDispatchRow> {
  const row = await dispatches.insert(client, {
    id: order.id ?? newId('dispatch', ctx.clock.now()),
    workspaceId: room.workspaceId,
    roomId: room.id,
    agentName: order.agentName,
    ...(order.metadata !== undefined && { metadata: order.metadata }),
    ...(order.attributes && { attributes: order.attributes }),
    ...(order.doorData && { doorData: order.doorData }),
  });
  return seatAgent(client, ctx, room, row);
}

/** Agents whose own patterns fit the room's name; the oldest of them comes. */
export async function sendAgentsByPattern(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
): Promise<void> {
  for (const agent of await agents.listWithRoomPatterns(client, room.workspaceId)) {
    const { name, room_patterns: patterns } = agent.config as {
      name: string;
      room_patterns: string[];
    };
    if (!patterns.some((pattern) => matchesPattern(room.name, pattern))) continue;
    await sendAgent(client, ctx, room, {
      agentName: name,
      doorData: { ...AUTOMATIC, agent_id: agent.id },
    });
    return;
  }
}

/** `*` stands for any characters, also none; everything else for itself. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** Whoever is sent by name takes the place of one that came by its pattern and does not speak yet. */
export async function dropAutomatic(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
): Promise<void> {
  for (const row of await dispatches.lockWaiting(client, room.id)) {
    if (row.doorData['automatic'] === true) await dismissAgent(client, ctx, room, row, 'replaced');
  }
}

/** Takes an order back: its agent leaves the room, and the order is not listed any more. */
export async function dismissAgent(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
  row: dispatches.RoomDispatchRow,
  reason: string,
): Promise<dispatches.RoomDispatchRow> {
  await retireAgent(client, ctx, room, row, reason);
  const deleted = await dispatches.update(client, row.id, { deletedAt: new Date(ctx.clock.now()) });
  return deleted ?? row;
}

/** The agent of an order leaves the room; the order stays listed. */
export async function retireAgent(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
  row: dispatches.RoomDispatchRow,
  reason: string,
): Promise<void> {
  const now = new Date(ctx.clock.now());
  await dispatches.update(client, row.id, { endedAt: row.endedAt ?? now });
  await leave(client, room, row.participantId, now, reason);
}

/** The agents of a call leave the room with it. */
export async function endAgentsOfCall(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
  callId: string,
): Promise<void> {
  const now = new Date(ctx.clock.now());
  for (const row of await dispatches.listByCall(client, callId)) {
    await dispatches.update(client, row.id, { endedAt: now });
    await leave(client, room, row.participantId, now, 'call-over');
  }
}

async function leave(
  client: Queryable,
  room: rooms.RoomRow,
  participantId: string | null,
  now: Date,
  reason: string,
): Promise<void> {
  if (participantId === null) return;
  const left = await participants.update(client, participantId, {
    leftAt: now,
    leaveReason: reason,
  });
  if (left) await tellOfParticipant(client, 'participant.left', room, participantId);
}

/** Gives an order its agent and the agent its place, where both can be had now. */
export async function seatAgent(
  client: Queryable,
  ctx: Pick<RoomCore, 'clock'>,
  room: rooms.RoomRow,
  row: dispatches.RoomDispatchRow,
): Promise<dispatches.RoomDispatchRow> {
  if (row.agentId !== null) return row;
  const agent = await findAgent(client, row);
  if (!agent) {
    const error = `there is no agent named ${JSON.stringify(row.agentName.slice(0, 100))}`;
    if (row.error === error) return row;
    return (await dispatches.update(client, row.id, { error })) ?? row;
  }
  const nowMs = ctx.clock.now();
  const participant = await participants.insert(client, {
    id: newId('participant', nowMs),
    workspaceId: room.workspaceId,
    roomId: room.id,
    identity: `agent-AJ_${row.id.slice(row.id.indexOf('_') + 1)}`,
    kind: 'agent',
    name: (agent.config as { name: string }).name,
    metadata: row.metadata,
    attributes: { 'lk.agent.name': row.agentName, ...row.attributes },
    trackId: newId('track', nowMs),
  });
  await rooms.update(client, room.id, { emptySince: null, wasJoined: true });
  await tellOfParticipant(client, 'participant.joined', room, participant.id);
  const seated = await dispatches.update(client, row.id, {
    agentId: agent.id,
    participantId: participant.id,
    error: null,
  });
  return seated ?? row;
}

function findAgent(
  client: Queryable,
  { workspaceId, agentName, doorData }: dispatches.RoomDispatchRow,
): Promise<agents.AgentRow | null> {
  const { agent_id: id } = doorData;
  return typeof id === 'string'
    ? agents.get(client, workspaceId, id)
    : agents.findByName(client, workspaceId, agentName);
}

/** What an order's metadata gives the agent as variables. */
export function variablesOf(metadata: string): Record<string, string> {
  if (metadata === '') return {};
  try {
    const parsed: unknown = JSON.parse(metadata);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return Object.fromEntries(
        Object.entries(parsed).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      );
    }
  } catch {
    // Metadata need not be JSON: then it is one variable of its own name.
  }
  return { metadata };
}
