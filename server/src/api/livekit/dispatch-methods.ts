import {
  AgentDispatch,
  AgentDispatchState,
  CreateAgentDispatchRequest,
  DeleteAgentDispatchRequest,
  Job,
  JobRestartPolicy,
  JobState,
  JobStatus,
  JobType,
  ListAgentDispatchRequest,
  ListAgentDispatchResponse,
} from '@livekit/protocol';
import { createHash } from 'node:crypto';
import { dispatchAgent } from '../../calls/rooms/room-directory.ts';
import { removeDispatch } from '../../calls/rooms/room-members.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { enumValue } from '../../webhooks/formats/livekit-enum.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { nanosecondsOf } from './durations.ts';
import { roomsOf, type LiveKitContext } from './livekit-context.ts';
import { TwirpError } from './twirp-error.ts';
import { twirpMethod, type TwirpMethods } from './twirp-method.ts';

const ofRoom = ({ room }: { room: string }) => ({ room });

/** `livekit.AgentDispatchService`: our agents come into rooms by name. */
export function dispatchMethods(context: LiveKitContext): TwirpMethods {
  const of = roomsOf(context);

  return {
    'livekit.AgentDispatchService/CreateDispatch': twirpMethod({
      request: CreateAgentDispatchRequest,
      needs: ofRoom,
      run: async (request, { caller, requestId }) => {
        const { dispatch, room } = await dispatchAgent(
          of(caller),
          caller.workspaceId,
          request.room,
          {
            agentName: request.agentName,
            metadata: request.metadata,
            attributes: request.attributes,
            doorData: { restart_policy: request.restartPolicy, deployment: request.deployment },
            ...(requestId !== null && { id: idOfRequest(caller.workspaceId, requestId) }),
          },
        );
        return dispatchMessage(dispatch, room);
      },
    }),
    'livekit.AgentDispatchService/ListDispatch': twirpMethod({
      request: ListAgentDispatchRequest,
      needs: ofRoom,
      run: async ({ room: name, dispatchId }, { caller }) => {
        const room = await rooms.findOpen(of(caller).db.pool, caller.workspaceId, name);
        const rows = room ? await dispatches.listByRoom(of(caller).db.pool, room.id) : [];
        const wanted = fromLiveKitId('AD_', dispatchId);
        return new ListAgentDispatchResponse({
          agentDispatches: rows
            .filter(({ id }) => dispatchId === '' || id === wanted)
            .map((row) => dispatchMessage(row, { name })),
        });
      },
    }),
    'livekit.AgentDispatchService/DeleteDispatch': twirpMethod({
      request: DeleteAgentDispatchRequest,
      needs: ofRoom,
      run: async ({ room: name, dispatchId }, { caller }) => {
        const room = await rooms.findOpen(of(caller).db.pool, caller.workspaceId, name);
        const id = fromLiveKitId('AD_', dispatchId);
        const row = await dispatches.get(of(caller).db.pool, caller.workspaceId, id);
        if (!room || row?.roomId !== room.id || row.deletedAt !== null) {
          throw new TwirpError('not_found', 'dispatch does not exist');
        }
        return dispatchMessage(await removeDispatch(of(caller), room, row), room);
      },
    }),
  };
}

/** A client's own repetition of a request meets the dispatch that the first one made. */
function idOfRequest(workspaceId: string, requestId: string): string {
  const hash = createHash('sha256').update(JSON.stringify([workspaceId, requestId]));
  return `dispatch_${hash.digest('hex').slice(0, 26)}`;
}

function dispatchMessage(
  row: dispatches.RoomDispatchRow,
  room: Pick<rooms.RoomRow, 'name'>,
): AgentDispatch {
  const { doorData } = row;
  return new AgentDispatch({
    id: toLiveKitId('AD_', row.id),
    agentName: row.agentName,
    room: room.name,
    metadata: row.metadata,
    attributes: row.attributes,
    restartPolicy:
      enumValue(JobRestartPolicy, doorData['restart_policy']) ?? JobRestartPolicy.JRP_ON_FAILURE,
    ...(typeof doorData['deployment'] === 'string' && { deployment: doorData['deployment'] }),
    state: new AgentDispatchState({
      createdAt: nanosecondsOf(row.createdAt.toISOString()),
      deletedAt: nanosecondsOf(row.deletedAt?.toISOString() ?? null),
      jobs: [jobMessage(row)],
    }),
  });
}

/** The agent's run, as LiveKit's worker would have one. */
function jobMessage(row: dispatches.RoomDispatchRow): Job {
  return new Job({
    id: toLiveKitId('AJ_', row.id),
    dispatchId: toLiveKitId('AD_', row.id),
    type: JobType.JT_ROOM,
    metadata: row.metadata,
    agentName: row.agentName,
    state: new JobState({
      status: statusOf(row),
      error: row.error ?? '',
      startedAt: nanosecondsOf(row.startedAt?.toISOString() ?? null),
      endedAt: nanosecondsOf(row.endedAt?.toISOString() ?? null),
      ...(row.participantId !== null && {
        participantIdentity: `agent-${toLiveKitId('AJ_', row.id)}`,
      }),
    }),
  });
}

function statusOf({ endedAt, agentId, error }: dispatches.RoomDispatchRow): JobStatus {
  if (endedAt !== null) return error === null ? JobStatus.JS_SUCCESS : JobStatus.JS_FAILED;
  return agentId === null ? JobStatus.JS_PENDING : JobStatus.JS_RUNNING;
}
