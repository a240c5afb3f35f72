import { z } from 'zod';
import { AdmissionError } from '../../calls/admission-error.ts';
import { dialParticipant } from '../../calls/rooms/dial-participant.ts';
import {
  closeRoom,
  dispatchAgent,
  ensureRoom,
  listRooms,
  requireRoom,
} from '../../calls/rooms/room-directory.ts';
import { moveMember } from '../../calls/rooms/move-participant.ts';
import { fencedRooms, type RoomContext } from '../../calls/rooms/room-context.ts';
import { RoomError } from '../../calls/rooms/room-error.ts';
import { readRoomJson } from '../../calls/rooms/room-events.ts';
import { participantJson } from '../../calls/rooms/room-json.ts';
import {
  listMembers,
  muteMember,
  removeDispatch,
  removeMember,
  requireMember,
  updateMember,
} from '../../calls/rooms/room-members.ts';
import {
  listRecordings,
  startRecording,
  stopRecording,
} from '../../calls/rooms/room-recordings.ts';
import { transferMember } from '../../calls/rooms/room-transfer.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as recordings from '../../db/queries/room-recordings.ts';
import * as rooms from '../../db/queries/rooms.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { admissionApiError, ApiError, type ApiErrorCode } from '../errors.ts';
import { errorResponses, idParams, readErrors, writeErrors } from '../schemas/common.ts';
import {
  memberParams,
  memberPatchSchema,
  memberViewSchema,
  roomAgentSchema,
  roomAgentViewSchema,
  roomCreateSchema,
  roomDialSchema,
  roomMoveSchema,
  roomParams,
  roomRecordingCreateSchema,
  roomRecordingViewSchema,
  roomTransferSchema,
  roomTransferViewSchema,
  roomViewSchema,
} from '../schemas/room.ts';

/** The rooms as the workspace of a request sees them. */
type RoomsOf = (caller: { workspaceId: string }) => RoomContext;

const tags = ['rooms'];
const dialErrors = { ...writeErrors, ...errorResponses(402, 409, 422, 429) };
const listOf = <Item extends z.ZodType>(item: Item) => z.object({ data: z.array(item) });
const gone = z.null().describe('Done.');

/** `/v1/rooms`: places in which several calls and an agent hear each other. */
export function roomRoutes(api: Api, context: ApiContext): void {
  const of: RoomsOf = ({ workspaceId }) =>
    fencedRooms(context.rooms, context.database.tenant(workspaceId));

  api.post(
    '/rooms',
    {
      schema: {
        tags,
        operationId: 'createRoom',
        summary: 'Create a room, or get the open one of that name',
        body: roomCreateSchema,
        response: { 201: roomViewSchema, ...writeErrors },
      },
    },
    async ({ body, caller }, reply) => {
      const { room } = await ensureRoom(of(caller), caller.workspaceId, {
        name: body.name,
        metadata: body.metadata,
        emptyTimeoutS: body.empty_timeout_s,
        departureTimeoutS: body.departure_timeout_s,
        maxParticipants: body.max_participants,
        agents: body.agents?.map(({ agent, metadata }) => ({ agentName: agent, metadata })),
      }).catch(refuse);
      return reply.status(201).send(await readRoomJson(of(caller).db.pool, room));
    },
  );

  api.get(
    '/rooms',
    {
      schema: {
        tags,
        operationId: 'listRooms',
        summary: 'List the open rooms',
        response: { 200: listOf(roomViewSchema), ...readErrors },
      },
    },
    async ({ caller }) => ({ data: await listRooms(of(caller), caller.workspaceId) }),
  );

  api.delete(
    '/rooms/:name',
    {
      schema: {
        tags,
        operationId: 'closeRoom',
        summary: 'Close a room and hang up its calls',
        params: roomParams,
        response: { 204: gone, ...writeErrors },
      },
    },
    async ({ caller, params }, reply) => {
      const room = await requireRoom(of(caller), caller.workspaceId, params.name).catch(refuse);
      await closeRoom(of(caller), room, 'deleted');
      return reply.status(204).send(null);
    },
  );

  api.get(
    '/rooms/:name/participants',
    {
      schema: {
        tags,
        operationId: 'listRoomParticipants',
        summary: 'List who is in a room',
        params: roomParams,
        response: { 200: listOf(memberViewSchema), ...readErrors },
      },
    },
    async ({ caller, params }) => {
      const members = await listMembers(of(caller), caller.workspaceId, params.name);
      return { data: members.map(memberView) };
    },
  );

  api.post(
    '/rooms/:name/participants',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'dialRoomParticipant',
        summary: 'Call somebody into a room',
        description: 'The room is made where there is none. An agent that waits there speaks.',
        params: roomParams,
        body: roomDialSchema,
        response: { 201: memberViewSchema, ...dialErrors },
      },
    },
    async ({ body, caller, params }, reply) => {
      const { participant } = await dialParticipant(of(caller), caller.workspaceId, {
        roomName: params.name,
        to: body.to,
        from: body.from,
        trunkId: body.trunk_id,
        identity: body.identity,
        metadata: body.metadata,
        attributes: body.attributes,
        maxDurationS: body.max_duration_s,
        ringTimeoutMs: body.ring_timeout_s === undefined ? undefined : body.ring_timeout_s * 1_000,
        leg: {
          ...(body.dtmf !== undefined && { dtmf: body.dtmf }),
          ...(body.ringback !== undefined && { ringback: body.ringback }),
          ...(body.display_name !== undefined && { displayName: body.display_name }),
        },
      }).catch(refuse);
      return reply.status(201).send(await viewOf(caller, participant.id));
    },
  );

  api.patch(
    '/rooms/:name/participants/:identity',
    {
      schema: {
        tags,
        operationId: 'updateRoomParticipant',
        summary: 'Mute or describe somebody in a room',
        params: memberParams,
        body: memberPatchSchema,
        response: { 200: memberViewSchema, ...writeErrors },
      },
    },
    async ({ body, caller, params }) => {
      const at = placeOf(caller, params);
      const { muted, ...patch } = body;
      const updated = await updateMember(of(caller), at, patch).catch(refuse);
      if (muted === undefined) return memberView(updated);
      return memberView(await muteMember(of(caller), { ...at, trackId: '' }, muted).catch(refuse));
    },
  );

  api.delete(
    '/rooms/:name/participants/:identity',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'removeRoomParticipant',
        summary: 'Put somebody out of a room: its call is hung up, or its agent goes',
        params: memberParams,
        response: { 204: gone, ...writeErrors },
      },
    },
    async ({ caller, params }, reply) => {
      await removeMember(of(caller), placeOf(caller, params)).catch(refuse);
      return reply.status(204).send(null);
    },
  );

  api.post(
    '/rooms/:name/participants/:identity/transfer',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'transferRoomParticipant',
        summary: 'Connect somebody in a room with another number',
        description:
          'Answers when the other has answered or cannot be reached. The agent leaves when both are connected.',
        params: memberParams,
        body: roomTransferSchema,
        response: { 200: roomTransferViewSchema, ...dialErrors },
      },
    },
    async ({ body, caller, params }) => {
      const order = {
        ...placeOf(caller, params),
        to: body.to,
        ringback: body.ringback ?? false,
        ringTimeoutMs: body.ring_timeout_s === undefined ? undefined : body.ring_timeout_s * 1_000,
      };
      const { transferId, successful, call, method, reason } = await transferMember(
        of(caller),
        order,
      ).catch(refuse);
      return {
        id: transferId,
        successful,
        method,
        call_id: call?.id ?? null,
        end_reason: call?.endReason ?? reason,
      };
    },
  );

  api.post(
    '/rooms/:name/participants/:identity/move',
    {
      config: { scope: 'calls' },
      schema: {
        tags,
        operationId: 'moveRoomParticipant',
        summary: 'Take somebody with a call into another room',
        description:
          'The call goes on, in the other room from now on; that one is made where there is none. An agent that came for the call leaves.',
        params: memberParams,
        body: roomMoveSchema,
        response: { 200: memberViewSchema, ...writeErrors, ...errorResponses(409, 429) },
      },
    },
    async ({ body, caller, params }) => {
      const order = { ...placeOf(caller, params), destination: body.destination_room };
      return memberView(await moveMember(of(caller), order).catch(refuse));
    },
  );

  api.post(
    '/rooms/:name/agents',
    {
      schema: {
        tags,
        operationId: 'dispatchRoomAgent',
        summary: 'Send an agent into a room',
        params: roomParams,
        body: roomAgentSchema,
        response: { 201: roomAgentViewSchema, ...writeErrors },
      },
    },
    async ({ body, caller, params }, reply) => {
      const order = { agentName: body.agent, metadata: body.metadata };
      const { dispatch } = await dispatchAgent(
        of(caller),
        caller.workspaceId,
        params.name,
        order,
      ).catch(refuse);
      return reply.status(201).send(agentView(dispatch));
    },
  );

  api.delete(
    '/room-agents/:id',
    {
      schema: {
        tags,
        operationId: 'removeRoomAgent',
        summary: 'Take an agent out of its room',
        params: idParams,
        response: { 204: gone, ...writeErrors },
      },
    },
    async ({ caller, params }, reply) => {
      const row = await dispatches.get(of(caller).db.pool, caller.workspaceId, params.id);
      const room = row && row.deletedAt === null ? await roomOf(caller, row.roomId) : null;
      if (!row || !room) throw new ApiError('not_found', `there is no agent order ${params.id}`);
      await removeDispatch(of(caller), room, row);
      return reply.status(204).send(null);
    },
  );

  recordingRoutes(api, of, context.recordings);

  async function viewOf(
    caller: { workspaceId: string },
    participantId: string,
  ): Promise<z.output<typeof memberViewSchema>> {
    const view = await participants.getView(of(caller).db.pool, participantId);
    if (!view) throw new ApiError('not_found', 'the participant is gone');
    return memberView(view);
  }

  function roomOf(caller: { workspaceId: string }, roomId: string): Promise<rooms.RoomRow | null> {
    return rooms.get(of(caller).db.pool, roomId);
  }
}

/** `/v1/room-recordings`. */
function recordingRoutes(api: Api, of: RoomsOf, library: ApiContext['recordings']): void {
  api.post(
    '/rooms/:name/recordings',
    {
      schema: {
        tags,
        operationId: 'startRoomRecording',
        summary: 'Record a room, or one in it, as WAV',
        params: roomParams,
        body: roomRecordingCreateSchema,
        response: { 201: roomRecordingViewSchema, ...writeErrors },
      },
    },
    async ({ body, caller, params }, reply) => {
      const member =
        body.identity === undefined
          ? null
          : await requireMember(of(caller), caller.workspaceId, params.name, body.identity).catch(
              refuse,
            );
      const recording = await startRecording(of(caller), caller.workspaceId, {
        roomName: params.name,
        kind: member ? 'participant' : 'room',
        participantId: member?.member.id,
        filePath: `${params.name}.wav`,
        channels: body.channels,
      }).catch(refuse);
      return reply.status(201).send(recording);
    },
  );

  api.get(
    '/room-recordings/:id',
    {
      schema: {
        tags,
        operationId: 'getRoomRecording',
        summary: 'A recording of a room',
        params: idParams,
        response: { 200: roomRecordingViewSchema, ...readErrors },
      },
    },
    async ({ caller, params }) => {
      const [recording] = await listRecordings(
        of(caller),
        caller.workspaceId,
        { recordingId: params.id },
        1,
      );
      if (!recording) throw new ApiError('not_found', `there is no recording ${params.id}`);
      return recording;
    },
  );

  api.post(
    '/room-recordings/:id/stop',
    {
      schema: {
        tags,
        operationId: 'stopRoomRecording',
        summary: 'End a recording; answers when its file is complete',
        params: idParams,
        response: { 200: roomRecordingViewSchema, ...writeErrors, ...errorResponses(409) },
      },
    },
    async ({ caller, params }) =>
      stopRecording(of(caller), caller.workspaceId, params.id).catch(refuse),
  );

  api.get(
    '/room-recordings/:id/audio',
    {
      schema: {
        tags,
        operationId: 'getRoomRecordingAudio',
        summary: 'The file of a recording: WAV, 8 kHz, two channels',
        params: idParams,
        produces: ['audio/wav'],
        response: {
          200: { description: 'The recording.', content: { 'audio/wav': { schema: z.any() } } },
          ...readErrors,
        },
      },
    },
    async ({ caller, params }, reply) => {
      const row = await recordings.get(of(caller).db.pool, caller.workspaceId, params.id);
      const file =
        row?.storageKey == null
          ? null
          : await library.open({ recordingKey: row.storageKey, recordingStore: 'disk' });
      if (!file) throw new ApiError('not_found', `there is no file of recording ${params.id}`);
      return reply
        .type('audio/wav')
        .header('content-length', file.sizeBytes)
        .header('content-disposition', `inline; filename="${params.id}.wav"`)
        .send(file.stream);
    },
  );
}

function placeOf(
  caller: { workspaceId: string },
  { name, identity }: z.output<typeof memberParams>,
): { workspaceId: string; roomName: string; identity: string } {
  return { workspaceId: caller.workspaceId, roomName: name, identity };
}

function memberView(view: participants.RoomParticipantView): z.output<typeof memberViewSchema> {
  const { track, call, ...json } = participantJson(view);
  return {
    ...json,
    muted: track.muted,
    call_id: call?.id ?? null,
    call_status: call?.status ?? null,
  };
}

function agentView(row: dispatches.RoomDispatchRow): z.output<typeof roomAgentViewSchema> {
  const { id, agentName, agentId, callId, error } = row;
  return { id, agent: agentName, agent_id: agentId, call_id: callId, error };
}

const ROOM_ERRORS: Record<RoomError['code'], ApiErrorCode> = {
  'room-not-found': 'not_found',
  'participant-not-found': 'not_found',
  'dispatch-not-found': 'not_found',
  'recording-not-found': 'not_found',
  'agent-not-found': 'agent_not_ready',
  'identity-taken': 'conflict',
  'room-full': 'limit_reached',
  'invalid-option': 'invalid_request',
  'no-call': 'conflict',
  'not-live': 'conflict',
  'not-movable': 'conflict',
  'recording-over': 'conflict',
};

function refuse(error: unknown): never {
  if (error instanceof RoomError) throw new ApiError(ROOM_ERRORS[error.code], error.message);
  if (error instanceof AdmissionError) throw admissionApiError(error);
  throw error;
}
