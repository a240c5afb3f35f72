import { createHash } from 'node:crypto';
import {
  SIPCallDirection,
  SIPCallInfo,
  SIPCallStatus,
  SIPStatus,
  SIPStatusCode,
  WebhookEvent as LiveKitEvent,
} from '@livekit/protocol';
import { SignJWT } from 'jose';
import type { ParticipantJson, RoomJson, RoomRecordingJson } from '../../calls/rooms/room-json.ts';
import { eventNames } from '../../events/event-type.ts';
import { enumValue } from './livekit-enum.ts';
import { egressMessage } from './livekit-egress.ts';
import { toLiveKitId } from './livekit-ids.ts';
import { participantMessage, roomMessage, trackMessage } from './livekit-messages.ts';
import type { CallFacts, WebhookEvent, WebhookFormatter } from './webhook-format.ts';

/** Key and secret that a workspace's receivers know; null: it has none. */
export type FindSigningPair = (
  workspaceId: string,
) => Promise<{ apiKey: string; secret: string } | null>;

/** How long a receiver may take a message for fresh, as LiveKit has it. */
const TOKEN_TTL_S = 300;

/**
 * LiveKit's webhooks: a `WebhookEvent`, and in `Authorization` a token with the body's SHA-256,
 * signed with the workspace's pair. Where it has none, the issuer is the workspace's id and the
 * secret is the endpoint's. What LiveKit has no event for is told under names of the same kind,
 * which its receivers let pass.
 */
export function createLiveKitFormat(findSigningPair: FindSigningPair): WebhookFormatter {
  return {
    contentType: 'application/webhook+json',
    needsCall: (type) => type.startsWith('call.'),
    build(event, facts) {
      const [name] = eventNames(event.type).livekit ?? [];
      if (name === undefined) return null;
      return { name, body: { ...messageOf(event, name), ...(facts && callInfo(event, facts)) } };
    },
    async headers({ workspaceId, secrets, body, atMs }) {
      const [own = ''] = secrets;
      const pair = (await findSigningPair(workspaceId)) ?? { apiKey: workspaceId, secret: own };
      const nowS = Math.floor(atMs / 1_000);
      const token = await new SignJWT({
        sha256: createHash('sha256').update(body).digest('base64'),
      })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(pair.apiKey)
        .setNotBefore(nowS)
        .setExpirationTime(nowS + TOKEN_TTL_S)
        .sign(new TextEncoder().encode(pair.secret));
      // Without "Bearer": LiveKit's receiver takes the header for the token itself.
      return { authorization: token };
    },
  };
}

function messageOf(event: WebhookEvent, name: string): Record<string, unknown> {
  const { room, participant, recording } = event.data as {
    room?: RoomJson;
    participant?: ParticipantJson;
    recording?: RoomRecordingJson;
  };
  const isTrack = event.type === 'track.published' || event.type === 'track.unpublished';
  const message = new LiveKitEvent({
    event: name,
    id: event.id,
    createdAt: BigInt(Math.floor(event.at.getTime() / 1_000)),
    ...(room && { room: roomMessage(room) }),
    ...(participant && { participant: participantMessage(participant) }),
    ...(participant && isTrack && { track: trackMessage(participant) }),
    ...(recording && { egressInfo: egressMessage(recording) }),
  });
  return message.toJson() as Record<string, unknown>;
}

/** The call behind a `sip_call_*` event, as LiveKit Cloud writes calls. */
function callInfo(event: WebhookEvent, { call, attempts }: CallFacts): Record<string, unknown> {
  const info = new SIPCallInfo({
    callId: toLiveKitId('SCL_', call.id),
    trunkId: call.trunkId === null ? '' : toLiveKitId('ST_', call.trunkId),
    callDirection:
      call.direction === 'inbound' ? SIPCallDirection.SCD_INBOUND : SIPCallDirection.SCD_OUTBOUND,
    callStatus: statusOf(String(event.data['status'])),
    fromUri: { user: call.fromNumber },
    toUri: { user: call.toNumber },
    roomName: typeof call.doorData['room'] === 'string' ? call.doorData['room'] : '',
    createdAtNs: nanoseconds(call.createdAt),
    startedAtNs: nanoseconds(call.answeredAt),
    endedAtNs: nanoseconds(call.disconnectedAt ?? call.endedAt),
    sipCallId: attempts.at(-1)?.sipCallId ?? '',
    error: call.answeredAt === null ? (call.endReason ?? '') : '',
    ...(call.sipCode !== null && {
      callStatusCode: new SIPStatus({
        code: enumValue(SIPStatusCode, call.sipCode) ?? SIPStatusCode.SIP_STATUS_UNKNOWN,
        status: call.sipReason ?? '',
      }),
    }),
  });
  return { sipCall: { ...(info.toJson() as object), endReason: call.endReason } };
}

function statusOf(status: string): SIPCallStatus {
  switch (status) {
    case 'queued':
    case 'initiated':
    case 'ringing':
      return SIPCallStatus.SCS_CALL_INCOMING;
    case 'in-progress':
      return SIPCallStatus.SCS_ACTIVE;
    case 'call-disconnected':
    case 'completed':
    case 'stopped':
      return SIPCallStatus.SCS_DISCONNECTED;
    default:
      return SIPCallStatus.SCS_ERROR;
  }
}

function nanoseconds(at: Date | null): bigint {
  return at === null ? 0n : BigInt(at.getTime()) * 1_000_000n;
}
