import {
  ForwardParticipantRequest,
  ListParticipantsRequest,
  ListParticipantsResponse,
  MoveParticipantRequest,
  MoveParticipantResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  PerformRpcRequest,
  RemoveParticipantResponse,
  RoomParticipantIdentity,
  SendDataRequest,
  SendDataResponse,
  UpdateParticipantRequest,
  UpdateSubscriptionsRequest,
  UpdateSubscriptionsResponse,
} from '@livekit/protocol';
import { moveMember } from '../../calls/rooms/move-participant.ts';
import { participantJson } from '../../calls/rooms/room-json.ts';
import {
  listMembers,
  muteMember,
  removeMember,
  requireMember,
  setSubscriptions,
  updateMember,
} from '../../calls/rooms/room-members.ts';
import { sendToRoom } from '../../calls/rooms/room-data.ts';
import type { RoomParticipantView } from '../../db/queries/room-participants.ts';
import { fromLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { participantMessage, trackMessage } from '../../webhooks/formats/livekit-messages.ts';
import { roomsOf, type LiveKitContext } from './livekit-context.ts';
import { TwirpError } from './twirp-error.ts';
import { twirpMethod, type TwirpMethods } from './twirp-method.ts';

const ofRoom = ({ room }: { room: string }) => ({ room });
const ofTwoRooms = ({ room, destinationRoom }: { room: string; destinationRoom: string }) => ({
  room,
  destinationRoom,
});

/** Participants of `livekit.RoomService`. */
export function participantMethods(context: LiveKitContext): TwirpMethods {
  const of = roomsOf(context);

  return {
    'livekit.RoomService/ListParticipants': twirpMethod({
      request: ListParticipantsRequest,
      needs: ofRoom,
      run: async ({ room }, { caller }) => {
        const members = await listMembers(of(caller), caller.workspaceId, room);
        return new ListParticipantsResponse({ participants: members.map(shown) });
      },
    }),
    'livekit.RoomService/GetParticipant': twirpMethod({
      request: RoomParticipantIdentity,
      needs: ofRoom,
      run: async ({ room, identity }, { caller }) =>
        shown((await requireMember(of(caller), caller.workspaceId, room, identity)).member),
    }),
    'livekit.RoomService/RemoveParticipant': twirpMethod({
      request: RoomParticipantIdentity,
      needs: ofRoom,
      run: async ({ room, identity }, { caller }) => {
        await removeMember(of(caller), at(caller.workspaceId, room, identity));
        return new RemoveParticipantResponse();
      },
    }),
    'livekit.RoomService/MutePublishedTrack': twirpMethod({
      request: MuteRoomTrackRequest,
      needs: ofRoom,
      run: async ({ room, identity, trackSid, muted }, { caller }) => {
        const trackId = fromLiveKitId('TR_', trackSid);
        const view = await muteMember(
          of(caller),
          { ...at(caller.workspaceId, room, identity), trackId },
          muted,
        );
        return new MuteRoomTrackResponse({ track: trackMessage(participantJson(view)) });
      },
    }),
    'livekit.RoomService/UpdateParticipant': twirpMethod({
      request: UpdateParticipantRequest,
      needs: ofRoom,
      run: async (request, { caller }) => {
        const { room, identity, permission, attributes } = request;
        for (const name of Object.keys(attributes)) {
          if (!name.startsWith('sip.')) continue;
          throw new TwirpError('invalid_argument', `the attribute ${name} is the call's own`);
        }
        const view = await updateMember(of(caller), at(caller.workspaceId, room, identity), {
          attributes,
          // Empty is not given: LiveKit's clients leave defaults out.
          ...(request.name !== '' && { name: request.name }),
          ...(request.metadata !== '' && { metadata: request.metadata }),
          ...(permission && {
            canPublish: permission.canPublish,
            canSubscribe: permission.canSubscribe,
          }),
        });
        return shown(view);
      },
    }),
    'livekit.RoomService/UpdateSubscriptions': twirpMethod({
      request: UpdateSubscriptionsRequest,
      needs: ofRoom,
      run: async (request, { caller }) => {
        const { room, identity, subscribe } = request;
        const sids = [
          ...request.trackSids,
          ...request.participantTracks.flatMap(({ trackSids }) => trackSids),
        ];
        await setSubscriptions(
          of(caller),
          at(caller.workspaceId, room, identity),
          sids.map((sid) => fromLiveKitId('TR_', sid)),
          subscribe,
        );
        return new UpdateSubscriptionsResponse();
      },
    }),
    'livekit.RoomService/SendData': twirpMethod({
      request: SendDataRequest,
      needs: ofRoom,
      run: async (request, { caller }) => {
        await sendToRoom(of(caller), caller.workspaceId, request.room, {
          data: request.data,
          topic: request.topic ?? '',
          nonce: request.nonce,
          identities: request.destinationIdentities,
          participantIds: request.destinationSids.map((sid) => fromLiveKitId('PA_', sid)),
        });
        return new SendDataResponse();
      },
    }),
    'livekit.RoomService/MoveParticipant': twirpMethod({
      request: MoveParticipantRequest,
      needs: ofTwoRooms,
      run: async ({ room, identity, destinationRoom }, { caller }) => {
        await moveMember(of(caller), {
          ...at(caller.workspaceId, room, identity),
          destination: destinationRoom,
        });
        return new MoveParticipantResponse();
      },
    }),
    'livekit.RoomService/ForwardParticipant': twirpMethod({
      request: ForwardParticipantRequest,
      needs: ofTwoRooms,
      run: () =>
        Promise.reject(
          new TwirpError('unimplemented', 'participants are in one room at a time; move them'),
        ),
    }),
    'livekit.RoomService/PerformRpc': twirpMethod({
      request: PerformRpcRequest,
      needs: ofRoom,
      run: () =>
        Promise.reject(new TwirpError('unimplemented', 'a phone and an agent serve no RPC')),
    }),
  };
}

function shown(view: RoomParticipantView) {
  return participantMessage(participantJson(view));
}

function at(workspaceId: string, roomName: string, identity: string) {
  return { workspaceId, roomName, identity };
}
