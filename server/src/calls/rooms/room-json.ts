import type { RoomParticipantView } from '../../db/queries/room-participants.ts';
import type { RoomRecordingRow } from '../../db/queries/room-recordings.ts';
import type { RoomRow } from '../../db/queries/rooms.ts';
import { isOver } from '../call-status-fsm.ts';

/** A room as events and the API show it. */
export interface RoomJson {
  id: string;
  name: string;
  metadata: string;
  empty_timeout_s: number;
  departure_timeout_s: number;
  max_participants: number;
  participants: number;
  publishers: number;
  recording: boolean;
  created_at: string;
  closed_at: string | null;
  end_reason: string | null;
}

/** Where a SIP participant's call is. */
export type ParticipantCallStatus = 'dialing' | 'ringing' | 'automation' | 'active' | 'hangup';

export interface ParticipantJson {
  id: string;
  identity: string;
  kind: 'sip' | 'agent';
  name: string;
  metadata: string;
  attributes: Record<string, string>;
  state: 'joined' | 'active' | 'disconnected';
  track: { id: string; muted: boolean; published: boolean };
  can_publish: boolean;
  can_subscribe: boolean;
  version: number;
  joined_at: string;
  leave_reason: string | null;
  hide_phone_number: boolean;
  rule_id: string | null;
  /** Null: an agent, or one whose call is gone. */
  call: {
    id: string;
    status: ParticipantCallStatus;
    direction: 'inbound' | 'outbound';
    from: string;
    to: string;
    trunk_id: string | null;
    sip_call_id: string | null;
    gateway: string | null;
    end_reason: string | null;
    ended_by: string | null;
    sip_code: number | null;
  } | null;
}

export interface RoomRecordingJson {
  id: string;
  room_id: string;
  room_name: string;
  kind: RoomRecordingRow['kind'];
  participant_id: string | null;
  file_path: string;
  status: RoomRecordingRow['status'];
  error: string | null;
  /** Where the file is fetched; null until it is complete. */
  url: string | null;
  size_bytes: number | null;
  duration_ms: number | null;
  started_at: string | null;
  ended_at: string | null;
  created_at: string;
  updated_at: string;
  door_data: Record<string, unknown>;
}

export function roomJson(
  room: RoomRow,
  counts: { inside: number; published: number } | undefined,
  recording = false,
): RoomJson {
  return {
    id: room.id,
    name: room.name,
    metadata: room.metadata,
    empty_timeout_s: room.emptyTimeoutS,
    departure_timeout_s: room.departureTimeoutS,
    max_participants: room.maxParticipants,
    participants: counts?.inside ?? 0,
    publishers: counts?.published ?? 0,
    recording,
    created_at: room.createdAt.toISOString(),
    closed_at: room.closedAt?.toISOString() ?? null,
    end_reason: room.endReason,
  };
}

export function participantJson(view: RoomParticipantView): ParticipantJson {
  const { call } = view;
  return {
    id: view.id,
    identity: view.identity,
    kind: view.kind,
    name: view.name,
    metadata: view.metadata,
    attributes: view.attributes,
    state: stateOf(view),
    track: { id: view.trackId, muted: view.muted, published: view.publishedAt !== null },
    can_publish: view.canPublish,
    can_subscribe: view.canSubscribe,
    version: view.version,
    joined_at: view.joinedAt.toISOString(),
    leave_reason: view.leaveReason,
    hide_phone_number: view.leg.hidePhoneNumber ?? false,
    rule_id: view.leg.ruleId ?? null,
    call: call && {
      id: call.id,
      status: callStatusOf(view, call),
      direction: call.direction,
      from: call.fromNumber,
      to: call.toNumber,
      trunk_id: call.trunkId,
      sip_call_id: view.sipCallId,
      gateway: view.gateway,
      end_reason: call.endReason,
      ended_by: call.endedBy,
      sip_code: call.sipCode,
    },
  };
}

export function recordingJson(
  row: RoomRecordingRow,
  room: { name: string },
  recordingUrl: (recordingId: string) => string,
): RoomRecordingJson {
  return {
    id: row.id,
    room_id: row.roomId,
    room_name: room.name,
    kind: row.kind,
    participant_id: row.participantId,
    file_path: row.filePath,
    status: row.status,
    error: row.error,
    url: row.storageKey === null ? null : recordingUrl(row.id),
    size_bytes: row.sizeBytes,
    duration_ms: row.durationMs,
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    door_data: row.doorData,
  };
}

function stateOf({ kind, leftAt, call }: RoomParticipantView): ParticipantJson['state'] {
  if (leftAt !== null) return 'disconnected';
  return kind === 'agent' || call?.status === 'in-progress' ? 'active' : 'joined';
}

function callStatusOf(
  { leg, leftAt, leaveReason }: RoomParticipantView,
  call: NonNullable<RoomParticipantView['call']>,
): ParticipantCallStatus {
  // The call of one who was moved goes on in another room.
  const isGone = leftAt !== null && leaveReason !== 'moved';
  if (isGone || isOver(call.status)) return 'hangup';
  switch (call.status) {
    case 'ringing':
      return 'ringing';
    case 'in-progress':
      return leg.automation === true ? 'automation' : 'active';
    case 'call-disconnected':
      return 'hangup';
    default:
      return 'dialing';
  }
}
