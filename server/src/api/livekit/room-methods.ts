import {
  CreateRoomRequest,
  DeleteRoomRequest,
  DeleteRoomResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  UpdateRoomMetadataRequest,
  type Room,
  type RoomAgentDispatch,
} from '@livekit/protocol';
import { readRoomJson } from '../../calls/rooms/room-events.ts';
import type { AgentOrder } from '../../calls/rooms/room-agents.ts';
import {
  closeRoom,
  ensureRoom,
  listRooms,
  requireRoom,
  setRoomMetadata,
} from '../../calls/rooms/room-directory.ts';
import type { RoomRow } from '../../db/queries/rooms.ts';
import { roomMessage } from '../../webhooks/formats/livekit-messages.ts';
import { startRoomComposite } from './egress-methods.ts';
import { roomEgressOf } from './egress-outputs.ts';
import { roomsOf, type LiveKitContext } from './livekit-context.ts';
import { twirpMethod, type TwirpMethods } from './twirp-method.ts';

/** Rooms of `livekit.RoomService`. */
export function roomMethods(context: LiveKitContext): TwirpMethods {
  const of = roomsOf(context);

  async function shown(caller: { workspaceId: string }, room: RoomRow): Promise<Room> {
    return roomMessage(await readRoomJson(of(caller).db.pool, room));
  }

  return {
    'livekit.RoomService/CreateRoom': twirpMethod({
      request: CreateRoomRequest,
      needs: 'room-create',
      run: async (request, { caller }) => {
        const egress = roomEgressOf(request.egress);
        const { room, created } = await ensureRoom(of(caller), caller.workspaceId, {
          name: request.name,
          metadata: request.metadata,
          tags: request.tags,
          agents: request.agents.map(agentOrder),
          ...(request.emptyTimeout > 0 && { emptyTimeoutS: request.emptyTimeout }),
          ...(request.departureTimeout > 0 && { departureTimeoutS: request.departureTimeout }),
          ...(request.maxParticipants > 0 && { maxParticipants: request.maxParticipants }),
        });
        if (egress && created) {
          egress.roomName = room.name;
          await startRoomComposite(of(caller), egress, { caller });
        }
        return shown(caller, room);
      },
    }),
    'livekit.RoomService/ListRooms': twirpMethod({
      request: ListRoomsRequest,
      needs: 'room-list',
      run: async ({ names }, { caller }) => {
        const rooms = await listRooms(of(caller), caller.workspaceId, names);
        return new ListRoomsResponse({ rooms: rooms.map(roomMessage) });
      },
    }),
    'livekit.RoomService/DeleteRoom': twirpMethod({
      request: DeleteRoomRequest,
      needs: 'room-create',
      run: async ({ room: name }, { caller }) => {
        const room = await requireRoom(of(caller), caller.workspaceId, name);
        await closeRoom(of(caller), room, 'deleted');
        return new DeleteRoomResponse();
      },
    }),
    'livekit.RoomService/UpdateRoomMetadata': twirpMethod({
      request: UpdateRoomMetadataRequest,
      needs: ({ room }) => ({ room }),
      run: async ({ room: name, metadata }, { caller }) =>
        shown(caller, await setRoomMetadata(of(caller), caller.workspaceId, name, metadata)),
    }),
  };
}

/** An agent of a room's configuration. */
export function agentOrder(agent: RoomAgentDispatch): AgentOrder {
  return {
    agentName: agent.agentName,
    metadata: agent.metadata,
    attributes: agent.attributes,
    doorData: { restart_policy: agent.restartPolicy, deployment: agent.deployment },
  };
}
