import {
  ListEgressRequest,
  ListEgressResponse,
  ParticipantEgressRequest,
  RoomCompositeEgressRequest,
  StartEgressRequest,
  StopEgressRequest,
  TokenPagination,
  TrackCompositeEgressRequest,
  TrackEgressRequest,
  UpdateLayoutRequest,
  UpdateStreamRequest,
  WebEgressRequest,
  type EgressInfo,
} from '@livekit/protocol';
import type { Message, MessageType } from '@bufbuild/protobuf';
import { requireRoom } from '../../calls/rooms/room-directory.ts';
import type { RoomContext } from '../../calls/rooms/room-context.ts';
import { requireMember } from '../../calls/rooms/room-members.ts';
import {
  listRecordings,
  startRecording,
  stopRecording,
  type RecordingOrder,
} from '../../calls/rooms/room-recordings.ts';
import type { RoomParticipantView } from '../../db/queries/room-participants.ts';
import * as participants from '../../db/queries/room-participants.ts';
import { egressMessage } from '../../webhooks/formats/livekit-egress.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { channelsOf, fileOf, pathOf } from './egress-outputs.ts';
import { roomsOf, type LiveKitContext } from './livekit-context.ts';
import { TwirpError } from './twirp-error.ts';
import {
  twirpMethod,
  type TwirpCall,
  type TwirpMethod,
  type TwirpMethods,
} from './twirp-method.ts';

const NEEDS = 'room-record' as const;
const MAX_ITEMS = 1_000;

/** `livekit.Egress`: recordings of a room, of one in it, as WAV. */
export function egressMethods(context: LiveKitContext): TwirpMethods {
  const of = roomsOf(context);

  return {
    'livekit.Egress/StartRoomCompositeEgress': twirpMethod({
      request: RoomCompositeEgressRequest,
      needs: NEEDS,
      run: (request, call) => startRoomComposite(of(call.caller), request, call),
    }),
    'livekit.Egress/StartParticipantEgress': twirpMethod({
      request: ParticipantEgressRequest,
      needs: NEEDS,
      run: async (request, { caller }) => {
        const { roomName, identity } = request;
        const { member } = await requireMember(of(caller), caller.workspaceId, roomName, identity);
        return start(of(caller), caller.workspaceId, {
          roomName,
          kind: 'participant',
          member,
          filepath: fileOf(request).filepath,
          doorData: { kind: 'participant', request: request.toJson() },
        });
      },
    }),
    'livekit.Egress/StartTrackCompositeEgress': twirpMethod({
      request: TrackCompositeEgressRequest,
      needs: NEEDS,
      run: async (request, { caller }) => {
        if (request.videoTrackId !== '') {
          throw new TwirpError('invalid_argument', 'there are no video tracks');
        }
        const { roomName, audioTrackId } = request;
        return start(of(caller), caller.workspaceId, {
          roomName,
          kind: 'track',
          member: await memberOfTrack(of(caller), caller.workspaceId, roomName, audioTrackId),
          filepath: fileOf(request).filepath,
          doorData: { kind: 'track_composite', request: request.toJson() },
        });
      },
    }),
    'livekit.Egress/StartTrackEgress': twirpMethod({
      request: TrackEgressRequest,
      needs: NEEDS,
      run: async (request, { caller }) => {
        const { roomName, trackId, output } = request;
        if (output.case !== 'file' || output.value.output.case !== undefined) {
          throw new TwirpError(
            'unimplemented',
            'tracks are recorded into files that this installation keeps: give file.filepath alone',
            { argument: output.case ?? 'output' },
          );
        }
        return start(of(caller), caller.workspaceId, {
          roomName,
          kind: 'track',
          member: await memberOfTrack(of(caller), caller.workspaceId, roomName, trackId),
          filepath: output.value.filepath,
          doorData: { kind: 'track', request: request.toJson() },
        });
      },
    }),
    'livekit.Egress/ListEgress': twirpMethod({
      request: ListEgressRequest,
      needs: NEEDS,
      run: async ({ roomName, egressId, active, pageToken }, { caller }) => {
        const before = pageToken?.token ?? '';
        const items = await listRecordings(
          of(caller),
          caller.workspaceId,
          {
            ...(roomName !== '' && { roomName }),
            ...(egressId !== '' && { recordingId: fromLiveKitId('EG_', egressId) }),
            ...(before !== '' && { before }),
            running: active,
          },
          MAX_ITEMS + 1,
        );
        const page = items.slice(0, MAX_ITEMS);
        const last = items.length > MAX_ITEMS ? page.at(-1) : undefined;
        return new ListEgressResponse({
          items: page.map(egressMessage),
          ...(last && { nextPageToken: new TokenPagination({ token: last.id }) }),
        });
      },
    }),
    'livekit.Egress/StopEgress': twirpMethod({
      request: StopEgressRequest,
      needs: NEEDS,
      run: async ({ egressId }, { caller }) => {
        const id = fromLiveKitId('EG_', egressId);
        return egressMessage(await stopRecording(of(caller), caller.workspaceId, id));
      },
    }),
    'livekit.Egress/StartEgress': unserved(StartEgressRequest, 'StartEgress'),
    'livekit.Egress/StartWebEgress': unserved(WebEgressRequest, 'StartWebEgress'),
    'livekit.Egress/UpdateLayout': unserved(UpdateLayoutRequest, 'UpdateLayout'),
    'livekit.Egress/UpdateStream': unserved(UpdateStreamRequest, 'UpdateStream'),
  };
}

/** Records everybody in a room. @throws TwirpError, RoomError */
export async function startRoomComposite(
  ctx: RoomContext,
  request: RoomCompositeEgressRequest,
  { caller }: Pick<TwirpCall, 'caller'>,
): Promise<EgressInfo> {
  if (request.videoOnly) {
    throw new TwirpError('invalid_argument', 'there is no video: video_only records nothing');
  }
  return start(ctx, caller.workspaceId, {
    roomName: request.roomName,
    kind: 'room',
    filepath: fileOf(request).filepath,
    channels: channelsOf(request.audioMixing),
    doorData: { kind: 'room_composite', request: request.toJson() },
  });
}

async function start(
  ctx: RoomContext,
  workspaceId: string,
  order: Pick<RecordingOrder, 'roomName' | 'kind' | 'channels' | 'doorData'> & {
    filepath: string;
    member?: RoomParticipantView;
  },
): Promise<EgressInfo> {
  const { member, filepath, ...rest } = order;
  const room = await requireRoom(ctx, workspaceId, order.roomName);
  const filePath = pathOf(filepath, {
    room_name: room.name,
    room_id: toLiveKitId('RM_', room.id),
    time: new Date(ctx.clock.now()).toISOString().replace(/[:.]/g, '-'),
    publisher_identity: member?.identity ?? '',
    track_id: member ? toLiveKitId('TR_', member.trackId) : '',
    track_source: 'microphone',
    track_type: 'audio',
  });
  const recording = await startRecording(ctx, workspaceId, {
    ...rest,
    filePath,
    participantId: member?.id,
  });
  return egressMessage(recording);
}

async function memberOfTrack(
  ctx: RoomContext,
  workspaceId: string,
  roomName: string,
  trackSid: string,
): Promise<RoomParticipantView> {
  const room = await requireRoom(ctx, workspaceId, roomName);
  const trackId = fromLiveKitId('TR_', trackSid);
  const inside = await participants.listInside(ctx.db.pool, room.id);
  const member = inside.find((one) => one.trackId === trackId);
  if (!member) throw new TwirpError('not_found', 'track does not exist');
  return member;
}

function unserved<Request extends Message<Request>>(
  request: MessageType<Request>,
  name: string,
): TwirpMethod {
  return twirpMethod({
    request,
    needs: NEEDS,
    run: () =>
      Promise.reject(
        new TwirpError(
          'unimplemented',
          `${name} is not served: rooms have audio, recorded by StartRoomCompositeEgress and its kin`,
        ),
      ),
  });
}
