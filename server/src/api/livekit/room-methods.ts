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
import type { LiveKitContext } from './livekit-context.ts';
import { twirpMethod, type TwirpMethods } from './twirp-method.ts';

/** Rooms of `livekit.RoomService`. */
export function roomMethods({ rooms: ctx }: LiveKitContext): TwirpMethods {
  async function shown(room: RoomRow): Promise<Room> {
    return roomMessage(await readRoomJson(ctx.db.pool, room));
  }

  return {
    'livekit.RoomService/CreateRoom': twirpMethod({
      request: CreateRoomRequest,
      needs: 'room-create',
      run: async (request, { caller }) => {
        const egress = roomEgressOf(request.egress);
        const { room, created } = await ensureRoom(ctx, caller.workspaceId, {
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
          await startRoomComposite(ctx, egress, { caller });
        }
        return shown(room);
      },
    }),
    'livekit.RoomService/ListRooms': twirpMethod({
      request: ListRoomsRequest,
      needs: 'room-list',
      run: async ({ names }, { caller }) => {
        const rooms = await listRooms(ctx, caller.workspaceId, names);
        return new ListRoomsResponse({ rooms: rooms.map(roomMessage) });
      },
    }),
    'livekit.RoomService/DeleteRoom': twirpMethod({
      request: DeleteRoomRequest,
      needs: 'room-create',
      run: async ({ room: name }, { caller }) => {
        const room = await requireRoom(ctx, caller.workspaceId, name);
        await closeRoom(ctx, room, 'deleted');
        return new DeleteRoomResponse();
      },
    }),
    'livekit.RoomService/UpdateRoomMetadata': twirpMethod({
      request: UpdateRoomMetadataRequest,
      needs: ({ room }) => ({ room }),
      run: async ({ room: name, metadata }, { caller }) =>
        shown(await setRoomMetadata(ctx, caller.workspaceId, name, metadata)),
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
