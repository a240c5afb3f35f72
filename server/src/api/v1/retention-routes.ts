import { z } from 'zod';
import { FINAL_STATUSES } from '../../calls/call-status.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import * as retention from '../../db/queries/retention.ts';
import { deleteRecording, deleteTranscript } from '../../post-call/retention.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { errorResponses, idParams, readErrors, writeErrors } from '../schemas/common.ts';
import { requiredCall } from './call-routes.ts';

const days = z.number().int().min(0).max(3_650).nullable();

const retentionSchema = z
  .object({
    recording_days: days.describe('Days after the end of a call; null: for ever.'),
    transcript_days: days.describe('Transcript, summary and turns; null: for ever.'),
    sip_days: days.describe('SIP messages, after the end of a call; null: for ever.'),
  })
  .meta({ id: 'Retention' });
const retentionPatchSchema = z
  .strictObject({
    recording_days: days.optional(),
    transcript_days: days.optional(),
    sip_days: days.optional(),
  })
  .meta({ examples: [{ recording_days: 30, transcript_days: 90, sip_days: 14 }] });

/** `/v1/retention`, and the deletion of what one call left. */
export function retentionRoutes(api: Api, context: ApiContext): void {
  const { database, recordings } = context;
  const tags = ['retention'];

  api.get(
    '/retention',
    {
      schema: {
        tags,
        operationId: 'getRetention',
        summary: 'How long recordings, transcripts and SIP messages are kept',
        response: { 200: retentionSchema, ...readErrors },
      },
    },
    async ({ caller: { workspaceId } }) =>
      view(await retention.get(database.tenant(workspaceId), workspaceId)),
  );

  api.patch(
    '/retention',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'updateRetention',
        summary: 'Change how long they are kept; an agent’s `retention` goes before the first two',
        body: retentionPatchSchema,
        response: { 200: retentionSchema, ...writeErrors },
      },
    },
    async ({ caller: { workspaceId }, body }) =>
      database.tenant(workspaceId).transaction(async (client) => {
        const now = await retention.get(client, workspaceId);
        const next = {
          recordingDays:
            body.recording_days === undefined ? now.recordingDays : body.recording_days,
          transcriptDays:
            body.transcript_days === undefined ? now.transcriptDays : body.transcript_days,
          sipDays: body.sip_days === undefined ? now.sipDays : body.sip_days,
        };
        await retention.put(client, workspaceId, next);
        return view(next);
      }),
  );

  api.delete(
    '/calls/:id/recording',
    {
      config: { scope: 'calls' },
      schema: {
        tags: ['calls'],
        operationId: 'deleteCallRecording',
        summary: 'Delete the recording, wherever it is stored',
        params: idParams,
        response: { 204: z.null(), ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request, reply) => {
      const call = await finishedCall(request.caller.workspaceId, request.params.id);
      const { recordingKey } = call;
      if (recordingKey === null) {
        throw new ApiError('not_found', `there is no recording of call ${call.id}`);
      }
      const db = database.tenant(call.workspaceId);
      await deleteRecording({ db, recordings }, { ...call, recordingKey });
      return reply.status(204).send(null);
    },
  );

  api.delete(
    '/calls/:id/transcript',
    {
      config: { scope: 'calls' },
      schema: {
        tags: ['calls'],
        operationId: 'deleteCallTranscript',
        summary: 'Delete what was said: transcript, summary, turns and the words in events',
        params: idParams,
        response: { 204: z.null(), ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request, reply) => {
      const call = await finishedCall(request.caller.workspaceId, request.params.id);
      await deleteTranscript({ db: database.tenant(call.workspaceId) }, call);
      return reply.status(204).send(null);
    },
  );

  /** While a call is worked on, what is deleted now would be written again. */
  async function finishedCall(workspaceId: string, id: string): Promise<CallRow> {
    const call = await requiredCall(context, workspaceId, id);
    if (FINAL_STATUSES.has(call.status)) return call;
    throw new ApiError('conflict', `call ${id} is not over: its status is ${call.status}`);
  }
}

function view(row: retention.RetentionRow): z.output<typeof retentionSchema> {
  return {
    recording_days: row.recordingDays,
    transcript_days: row.transcriptDays,
    sip_days: row.sipDays,
  };
}
