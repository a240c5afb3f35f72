import { randomInt } from 'node:crypto';
import {
  CreateSIPParticipantRequest,
  SIPHeaderOptions,
  SIPMediaEncryption,
  SIPParticipantInfo,
  SIPStatus,
  SIPStatusCode,
  SIPTransferReason,
  SIPTransferStatus,
  TransferSIPParticipantRequest,
  TransferSIPParticipantResponse,
} from '@livekit/protocol';
import { awaitAnswer } from '../../calls/rooms/await-answer.ts';
import { dialParticipant } from '../../calls/rooms/dial-participant.ts';
import { transferMember } from '../../calls/rooms/room-transfer.ts';
import { settleParticipant } from '../../calls/rooms/settle-participants.ts';
import type { RoomLeg } from '../../db/queries/room-participants.ts';
import { parseE164 } from '../../trunks/e164.ts';
import { checkCallHeaders } from '../../trunks/trunk-store.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { callFailure } from './call-failure.ts';
import { millisecondsOf } from './durations.ts';
import { inlineTrunkInput } from './inline-trunk.ts';
import { roomsOf, type LiveKitContext } from './livekit-context.ts';
import { readTransferTarget } from './transfer-target.ts';
import { checkHeaderMap } from './trunk-messages.ts';
import { includeHeadersOf, mediaFields } from './trunk-media.ts';
import { createTrunkShelf, type StoredTrunk } from './trunk-shelf.ts';
import { TwirpError } from './twirp-error.ts';
import { twirpMethod, type TwirpCall, type TwirpMethods } from './twirp-method.ts';

/** A call that is waited for rings so long where the client says nothing; as LiveKit's. */
const MIN_CALL_DURATION_S = 10;

/** Calls into rooms: `CreateSIPParticipant` and `TransferSIPParticipant`. */
export function sipParticipantMethods(ctx: LiveKitContext): TwirpMethods {
  const shelf = createTrunkShelf(ctx);
  const of = roomsOf(ctx);

  async function trunkOf(
    workspaceId: string,
    request: CreateSIPParticipantRequest,
  ): Promise<StoredTrunk | null> {
    const { sipTrunkId, trunk, sipNumber } = request;
    if (sipTrunkId !== '') {
      const stored = await shelf.get(workspaceId, fromLiveKitId('ST_', sipTrunkId));
      if (stored?.kinds.includes('outbound')) return stored;
      throw new TwirpError('not_found', 'requested sip trunk does not exist');
    }
    if (trunk) return shelf.inline(workspaceId, inlineTrunkInput(trunk, sipNumber), [sipNumber]);
    if (sipNumber !== '') return null;
    throw invalid('sip_trunk_id', 'missing sip trunk id and sip number');
  }

  return {
    'livekit.SIP/CreateSIPParticipant': twirpMethod({
      request: CreateSIPParticipantRequest,
      needs: 'sip-call',
      run: async (request, call) => {
        check(request);
        const { workspaceId } = call.caller;
        const rooms = of(call.caller);
        const stored = await trunkOf(workspaceId, request);
        tellUnused(request, call);
        const ringTimeoutMs = millisecondsOf(request.ringingTimeout, 'ringing_timeout');
        const maxMs = millisecondsOf(request.maxCallDuration, 'max_call_duration');
        const {
          room,
          participant,
          call: placed,
        } = await dialParticipant(rooms, workspaceId, {
          roomName: request.roomName,
          to: request.sipCallTo,
          from: request.sipNumber === '' ? pickNumber(stored) : request.sipNumber,
          trunkId: stored?.trunk.id,
          identity: request.participantIdentity,
          name: request.participantName,
          metadata: request.participantMetadata,
          attributes: request.participantAttributes,
          leg: legOf(request),
          ringTimeoutMs,
          maxDurationS:
            maxMs === undefined
              ? undefined
              : Math.max(MIN_CALL_DURATION_S, Math.ceil(maxMs / 1_000)),
          idempotencyKey: call.requestId === null ? undefined : `livekit:${call.requestId}`,
          door: 'livekit',
        });
        if (request.waitUntilAnswered) {
          const ended = await awaitAnswer(rooms, placed.id, call.signal);
          await settleParticipant(rooms, participant.id);
          if (ended.status !== 'in-progress') throw callFailure(ended);
        }
        return new SIPParticipantInfo({
          participantId: toLiveKitId('PA_', participant.id),
          participantIdentity: participant.identity,
          roomName: room.name,
          sipCallId: toLiveKitId('SCL_', placed.id),
        });
      },
    }),
    'livekit.SIP/TransferSIPParticipant': twirpMethod({
      request: TransferSIPParticipantRequest,
      needs: ({ roomName }) => ({ room: roomName, sipCall: true }),
      run: async (request, call) => {
        const to = readTransferTarget(request.transferTo);
        checkLegHeaders(request.headers);
        const result = await transferMember(of(call.caller), {
          workspaceId: call.caller.workspaceId,
          roomName: request.roomName,
          identity: request.participantIdentity,
          to,
          ringback: request.playDialtone,
          headers: request.headers,
          ringTimeoutMs: millisecondsOf(request.ringingTimeout, 'ringing_timeout'),
          door: 'livekit',
        });
        if (!result.successful) {
          const { reason, sip } = result;
          const failure = result.call ?? {
            endReason: reason,
            status: 'failed' as const,
            sipCode: sip.code,
            sipReason: sip.reason,
          };
          throw callFailure(failure, 'call transfer failed: ');
        }
        return new TransferSIPParticipantResponse({
          transferId: toLiveKitId('STR_', result.transferId),
          status: SIPTransferStatus.STS_TRANSFER_SUCCESSFUL,
          reason: SIPTransferReason.STR_COMPLETED,
          sipStatus: new SIPStatus({ code: SIPStatusCode.SIP_STATUS_OK, status: 'OK' }),
        });
      },
    }),
  };
}

function check(request: CreateSIPParticipantRequest): void {
  if (request.roomName === '') throw invalid('room_name', 'missing room name');
  if (request.sipCallTo === '') throw invalid('sip_call_to', 'missing sip callee number');
  if (request.sipCallTo.includes('@')) {
    throw invalid('sip_call_to', 'sip_call_to should be a number, not a SIP URI');
  }
  for (const [field, given] of [
    ['sip_request_uri', request.sipRequestUri],
    ['sip_to_header', request.sipToHeader],
    ['sip_from_header', request.sipFromHeader],
    ['to_user_override', request.toUserOverride === '' ? undefined : request.toUserOverride],
  ] as const) {
    if (given === undefined) continue;
    throw new TwirpError(
      'unimplemented',
      `${field} cannot be set: the trunk says where calls go and as whom`,
      { argument: field },
    );
  }
  checkLegHeaders(request.headers);
}

function checkLegHeaders(headers: Record<string, string>): void {
  checkHeaderMap(headers);
  checkCallHeaders(headers);
}

function legOf(request: CreateSIPParticipantRequest): RoomLeg {
  const media = mediaFields(
    request.media,
    request.mediaEncryption === SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE
      ? undefined
      : request.mediaEncryption,
  );
  return {
    ...(request.dtmf !== '' && { dtmf: request.dtmf }),
    ...((request.playDialtone || request.playRingtone) && { ringback: true }),
    ...(request.hidePhoneNumber && { hidePhoneNumber: true }),
    ...(Object.keys(request.headers).length > 0 && { headers: request.headers }),
    ...(request.displayName !== undefined &&
      request.displayName !== '' && { displayName: request.displayName }),
    ...(request.includeHeaders !== SIPHeaderOptions.SIP_NO_HEADERS && {
      includeHeaders: includeHeadersOf(request.includeHeaders),
    }),
    ...(media.mediaEncryption && { mediaEncryption: media.mediaEncryption }),
    ...(media.codecs && { codecs: media.codecs }),
  };
}

/** LiveKit takes one of the trunk's numbers by chance. */
function pickNumber(stored: StoredTrunk | null): string | undefined {
  const usable = (stored?.numbers ?? []).filter(
    (text) => parseE164(text, { sandbox: true, check: 'form' }).ok,
  );
  if (stored && usable.length === 0) {
    throw invalid('sip_number', 'the trunk has no number in E.164 form to call from');
  }
  return usable.length === 0 ? undefined : usable[randomInt(usable.length)];
}

function tellUnused(request: CreateSIPParticipantRequest, call: TwirpCall): void {
  const unused = [
    request.krispEnabled ? 'krisp_enabled' : null,
    request.destination ? 'destination' : null,
  ].filter((field) => field !== null);
  if (unused.length > 0) call.notice(`no effect here: ${unused.join(', ')}`);
}

function invalid(argument: string, message: string): TwirpError {
  return new TwirpError('invalid_argument', message, { argument });
}
