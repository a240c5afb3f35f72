import { AdmissionError } from '../../calls/admission-error.ts';
import { fencedRooms } from '../../calls/rooms/room-context.ts';
import { RoomError } from '../../calls/rooms/room-error.ts';
import { transferCall } from '../../calls/transfer/transfer-call.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { admissionApiError, ApiError } from '../errors.ts';
import { callTransferSchema, callTransferViewSchema } from '../schemas/call-transfer.ts';
import { errorResponses, idParams, writeErrors } from '../schemas/common.ts';
import { requiredCall } from './call-routes.ts';

/** `/v1/calls/{id}/transfer`. */
export function callTransferRoutes(api: Api, context: ApiContext): void {
  api.post(
    '/calls/:id/transfer',
    {
      config: { scope: 'calls' },
      schema: {
        tags: ['calls'],
        operationId: 'transferCall',
        summary: 'Connect the far end of a live call with another number',
        description:
          'Answers when the other has answered or cannot be reached. The target passes every rule ' +
          'that a call passes. Where it is not reached the agent goes on; where it is, the agent leaves.',
        params: idParams,
        body: callTransferSchema,
        response: {
          200: callTransferViewSchema,
          ...writeErrors,
          ...errorResponses(402, 403, 409, 422, 429),
        },
      },
    },
    async ({ body, caller, params }) => {
      const { workspaceId } = caller;
      const call = await requiredCall(context, workspaceId, params.id);
      const rooms = fencedRooms(context.rooms, context.database.tenant(workspaceId));
      const { ring_timeout_s: ringTimeoutS } = body;
      const result = await transferCall(rooms, {
        workspaceId,
        call,
        to: body.to,
        method: body.method,
        ringback: body.ringback,
        briefing: body.briefing ?? null,
        ringTimeoutMs: ringTimeoutS === undefined ? undefined : ringTimeoutS * 1_000,
      }).catch((error: unknown) => refuse(error, body));
      return {
        id: result.transferId,
        successful: result.successful,
        method: result.method,
        reason: result.reason,
        target_call_id: result.call?.id ?? null,
        sip: result.sip,
      };
    },
  );
}

function refuse(error: unknown, body: Record<string, unknown>): never {
  if (error instanceof AdmissionError) throw admissionApiError(error, body);
  if (error instanceof RoomError) throw new ApiError('conflict', error.message);
  throw error;
}
