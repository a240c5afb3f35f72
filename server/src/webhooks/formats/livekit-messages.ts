import {
  DisconnectReason,
  ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  ParticipantPermission,
  Room,
  TrackInfo,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import type { ParticipantJson, RoomJson } from '../../calls/rooms/room-json.ts';
import { toLiveKitId } from './livekit-ids.ts';

/** A room as LiveKit writes it. */
export function roomMessage(room: RoomJson): Room {
  const createdMs = Date.parse(room.created_at);
  return new Room({
    sid: toLiveKitId('RM_', room.id),
    name: room.name,
    emptyTimeout: room.empty_timeout_s,
    departureTimeout: room.departure_timeout_s,
    maxParticipants: room.max_participants,
    creationTime: BigInt(Math.floor(createdMs / 1_000)),
    creationTimeMs: BigInt(createdMs),
    metadata: room.metadata,
    numParticipants: room.participants,
    numPublishers: room.publishers,
    activeRecording: room.recording,
  });
}

/** A participant as LiveKit writes it, with its `sip.*` attributes. */
export function participantMessage(participant: ParticipantJson): ParticipantInfo {
  const joinedMs = Date.parse(participant.joined_at);
  return new ParticipantInfo({
    sid: toLiveKitId('PA_', participant.id),
    identity: participant.identity,
    state: STATES[participant.state],
    tracks: participant.track.published ? [trackMessage(participant)] : [],
    metadata: participant.metadata,
    joinedAt: BigInt(Math.floor(joinedMs / 1_000)),
    joinedAtMs: BigInt(joinedMs),
    name: participant.name,
    version: participant.version,
    permission: new ParticipantPermission({
      canPublish: participant.can_publish,
      canSubscribe: participant.can_subscribe,
      canPublishData: true,
      agent: participant.kind === 'agent',
    }),
    isPublisher: participant.track.published,
    kind: participant.kind === 'agent' ? ParticipantInfo_Kind.AGENT : ParticipantInfo_Kind.SIP,
    attributes: { ...participant.attributes, ...sipAttributes(participant) },
    disconnectReason:
      participant.state === 'disconnected'
        ? disconnectReason(participant)
        : DisconnectReason.UNKNOWN_REASON,
  });
}

/** What a participant says, which is one track of audio. */
export function trackMessage({ track }: Pick<ParticipantJson, 'track'>): TrackInfo {
  return new TrackInfo({
    sid: toLiveKitId('TR_', track.id),
    type: TrackType.AUDIO,
    source: TrackSource.MICROPHONE,
    muted: track.muted,
    mimeType: 'audio/pcmu',
  });
}

const STATES: Record<ParticipantJson['state'], ParticipantInfo_State> = {
  joined: ParticipantInfo_State.JOINED,
  active: ParticipantInfo_State.ACTIVE,
  disconnected: ParticipantInfo_State.DISCONNECTED,
};

/** `sip.callStatus` and what else LiveKit tells of a phone call. */
export function sipAttributes(participant: ParticipantJson): Record<string, string> {
  const { call } = participant;
  if (!call) return {};
  const inbound = call.direction === 'inbound';
  const numbers = {
    'sip.phoneNumber': inbound ? call.from : call.to,
    'sip.trunkPhoneNumber': inbound ? call.to : call.from,
  };
  const host = call.gateway?.split(/[:;]/)[0];
  return {
    'sip.callID': toLiveKitId('SCL_', call.id),
    'sip.callStatus': call.status,
    ...(call.trunk_id !== null && { 'sip.trunkID': toLiveKitId('ST_', call.trunk_id) }),
    ...(call.sip_call_id !== null && { 'sip.callIDFull': call.sip_call_id }),
    ...(host !== undefined && host !== '' && { 'sip.hostname': host }),
    ...(participant.rule_id !== null && { 'sip.ruleID': toLiveKitId('SDR_', participant.rule_id) }),
    ...(participant.hide_phone_number ? {} : numbers),
  };
}

const LEAVE_REASONS: Record<string, DisconnectReason | undefined> = {
  removed: DisconnectReason.PARTICIPANT_REMOVED,
  moved: DisconnectReason.MIGRATION,
  'room-deleted': DisconnectReason.ROOM_DELETED,
  'room-closed': DisconnectReason.ROOM_CLOSED,
  'room-empty': DisconnectReason.ROOM_CLOSED,
};

const END_REASONS: Record<string, DisconnectReason | undefined> = {
  'user-busy': DisconnectReason.USER_REJECTED,
  declined: DisconnectReason.USER_REJECTED,
  forbidden: DisconnectReason.USER_REJECTED,
  'auth-failed': DisconnectReason.USER_REJECTED,
  'carrier-blocked': DisconnectReason.USER_REJECTED,
  unavailable: DisconnectReason.USER_UNAVAILABLE,
  'ring-timeout': DisconnectReason.USER_UNAVAILABLE,
  'request-timeout': DisconnectReason.USER_UNAVAILABLE,
  'request-terminated': DisconnectReason.USER_UNAVAILABLE,
  'invalid-number': DisconnectReason.USER_UNAVAILABLE,
  rejected: DisconnectReason.USER_UNAVAILABLE,
  'trunk-unreachable': DisconnectReason.SIP_TRUNK_FAILURE,
  'carrier-error': DisconnectReason.SIP_TRUNK_FAILURE,
  congestion: DisconnectReason.SIP_TRUNK_FAILURE,
  'channel-limit': DisconnectReason.SIP_TRUNK_FAILURE,
  'media-incompatible': DisconnectReason.MEDIA_FAILURE,
  'media-timeout': DisconnectReason.MEDIA_FAILURE,
  'hold-timeout': DisconnectReason.MEDIA_FAILURE,
  'agent-not-ready': DisconnectReason.AGENT_ERROR,
  'provider-error': DisconnectReason.AGENT_ERROR,
  shutdown: DisconnectReason.SERVER_SHUTDOWN,
  'node-lost': DisconnectReason.SERVER_SHUTDOWN,
};

/** LiveKit's reason for which somebody has gone. */
export function disconnectReason({ leave_reason, call }: ParticipantJson): DisconnectReason {
  const byRoom = LEAVE_REASONS[leave_reason ?? ''];
  if (byRoom !== undefined) return byRoom;
  const byEnd = END_REASONS[call?.end_reason ?? ''];
  if (byEnd !== undefined) return byEnd;
  if (call && ['callee', 'caller', 'agent', 'api'].includes(call.ended_by ?? '')) {
    return DisconnectReason.CLIENT_INITIATED;
  }
  return DisconnectReason.UNKNOWN_REASON;
}
