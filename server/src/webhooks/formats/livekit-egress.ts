import {
  EgressInfo,
  EgressSourceType,
  EgressStatus,
  FileInfo,
  ParticipantEgressRequest,
  RoomCompositeEgressRequest,
  TrackCompositeEgressRequest,
  TrackEgressRequest,
} from '@livekit/protocol';
import type { JsonValue } from '@bufbuild/protobuf';
import type { RoomRecordingJson } from '../../calls/rooms/room-json.ts';
import { toLiveKitId } from './livekit-ids.ts';

const STATUSES: Record<RoomRecordingJson['status'], EgressStatus> = {
  starting: EgressStatus.EGRESS_STARTING,
  active: EgressStatus.EGRESS_ACTIVE,
  ending: EgressStatus.EGRESS_ENDING,
  complete: EgressStatus.EGRESS_COMPLETE,
  failed: EgressStatus.EGRESS_FAILED,
};

/** A recording as LiveKit writes it. */
export function egressMessage(recording: RoomRecordingJson): EgressInfo {
  const file = fileMessage(recording);
  const over = recording.status === 'complete';
  return new EgressInfo({
    egressId: toLiveKitId('EG_', recording.id),
    roomId: toLiveKitId('RM_', recording.room_id),
    roomName: recording.room_name,
    sourceType: EgressSourceType.SDK,
    status: STATUSES[recording.status],
    startedAt: nanoseconds(recording.started_at ?? recording.created_at),
    endedAt: nanoseconds(recording.ended_at),
    updatedAt: nanoseconds(recording.updated_at),
    error: recording.error ?? '',
    fileResults: [file],
    ...(over && { result: { case: 'file', value: file } }),
    request: requestOf(recording.door_data),
  });
}

function fileMessage(recording: RoomRecordingJson): FileInfo {
  return new FileInfo({
    filename: recording.file_path,
    startedAt: nanoseconds(recording.started_at),
    endedAt: nanoseconds(recording.ended_at),
    duration: BigInt(recording.duration_ms ?? 0) * 1_000_000n,
    size: BigInt(recording.size_bytes ?? 0),
    location: recording.url ?? '',
  });
}

/** The request, as it is kept: without what opens a bucket. */
function requestOf(doorData: Record<string, unknown>): EgressInfo['request'] {
  const json = (doorData['request'] ?? {}) as JsonValue;
  const options = { ignoreUnknownFields: true };
  switch (doorData['kind']) {
    case 'room_composite':
      return {
        case: 'roomComposite',
        value: RoomCompositeEgressRequest.fromJson(json, options),
      };
    case 'participant':
      return { case: 'participant', value: ParticipantEgressRequest.fromJson(json, options) };
    case 'track_composite':
      return { case: 'trackComposite', value: TrackCompositeEgressRequest.fromJson(json, options) };
    case 'track':
      return { case: 'track', value: TrackEgressRequest.fromJson(json, options) };
    default:
      return { case: undefined };
  }
}

function nanoseconds(iso: string | null): bigint {
  return iso === null ? 0n : BigInt(Date.parse(iso)) * 1_000_000n;
}
