import { z } from 'zod';
import * as calls from '../db/queries/calls.ts';
import type { ApiContext } from './api-context.ts';
import type { Api } from './api-server.ts';
import { ApiError } from './errors.ts';
import { errorResponses } from './schemas/common.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const linkParams = z.strictObject({
  workspace: id,
  file: z.string().regex(/^[A-Za-z0-9_-]{1,64}\.wav$/, { error: 'expected the name of a WAV' }),
});
const linkQuery = z.strictObject({
  expires: z.string().regex(/^\d{1,12}$/),
  signature: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
/** Long enough to follow a redirect and to begin a download. */
const PRESIGNED_TTL_S = 300;
const RANGE = /^bytes=(\d{1,12})-(\d{1,12})?$/;

/** The links of `recording_url`: the signature in them stands for the key. */
export function recordingRoutes(api: Api, context: ApiContext): void {
  const { recordings, recordingUrls, database } = context;

  api.get(
    '/recordings/:workspace/:file',
    {
      schema: {
        tags: ['calls'],
        operationId: 'followRecordingLink',
        summary: 'The recording behind a signed link; one in a bucket is redirected to',
        security: [],
        params: linkParams,
        querystring: linkQuery,
        produces: ['audio/wav'],
        response: {
          200: { description: 'The recording.', content: { 'audio/wav': { schema: z.any() } } },
          206: { description: 'A part of it.', content: { 'audio/wav': { schema: z.any() } } },
          302: z.null().describe('Where the bucket has it, for five minutes.'),
          ...errorResponses(400, 403, 404, 500, 503),
        },
      },
    },
    async (request, reply) => {
      const { workspace: workspaceId, file } = request.params;
      const callId = file.slice(0, -'.wav'.length);
      const verdict = recordingUrls.verify({ workspaceId, callId, ...request.query });
      if (verdict === 'wrong')
        throw new ApiError('forbidden', 'the signature of the link is wrong');
      if (verdict === 'expired') {
        throw new ApiError('forbidden', 'the link has ended; read the call again for a new one');
      }
      const call = await calls.get(database.tenant(workspaceId), callId, workspaceId);
      const recordingKey = call?.recordingKey ?? null;
      if (!call || recordingKey === null) throw gone();
      const stored = { recordingKey, recordingStore: call.recordingStore };
      // A link is not to be found in what a shared cache keeps.
      void reply.header('cache-control', 'private, no-store');
      const presigned = await recordings.presign(stored, PRESIGNED_TTL_S);
      if (presigned !== null) return reply.redirect(presigned, 302);

      const whole = await recordings.open(stored);
      if (!whole) throw gone();
      const range = rangeOf(request.headers.range, whole.sizeBytes);
      void reply
        .type('audio/wav')
        .header('accept-ranges', 'bytes')
        .header('content-disposition', `inline; filename="${file}"`);
      if (!range) {
        return reply.header('content-length', whole.sizeBytes).send(whole.stream);
      }
      whole.stream.destroy();
      const part = await recordings.open(stored, range);
      if (!part) throw gone();
      return reply
        .status(206)
        .header('content-range', `bytes ${range.startByte}-${range.endByte}/${part.sizeBytes}`)
        .header('content-length', range.endByte - range.startByte + 1)
        .send(part.stream);
    },
  );
}

function gone(): ApiError {
  return new ApiError('not_found', 'there is no such recording any more');
}

/** RFC 9110 §14.2: a range that cannot be served, or is of a form that we do not know, is ignored. */
function rangeOf(
  header: string | undefined,
  sizeBytes: number,
): { startByte: number; endByte: number } | null {
  const match = RANGE.exec(header ?? '');
  if (!match) return null;
  const startByte = Number(match[1]);
  const endByte = Math.min(Number(match[2] ?? sizeBytes - 1), sizeBytes - 1);
  return startByte <= endByte ? { startByte, endByte } : null;
}
