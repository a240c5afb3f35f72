import { z } from 'zod';
import * as sipTraces from '../../db/queries/sip-traces.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { findingSchema } from '../schemas/diagnosis.ts';
import { idParams, readErrors } from '../schemas/common.ts';
import { requiredCall } from './call-routes.ts';

const traceViewSchema = z
  .object({
    messages: z.array(
      z.object({
        at: z.iso.datetime(),
        direction: z.enum(['sent', 'received']),
        peer: z.string().describe('The far end of the wire, `host:port`.'),
        transport: z.string(),
        summary: z.string().describe('The first line of the message.'),
        text: z.string().describe('The whole message, secrets masked.'),
      }),
    ),
  })
  .meta({ id: 'SipLadder' });

/** `/v1/calls/{id}/sip`: the signalling of a call. */
export function callTraceRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/calls/:id/sip',
    {
      schema: {
        tags: ['calls'],
        operationId: 'getCallSip',
        summary: 'The SIP messages of a call, in order, secrets masked',
        params: idParams,
        response: { 200: traceViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const call = await requiredCall(context, workspaceId, request.params.id);
      const client = context.database.tenant(workspaceId);
      const messages =
        context.calls.sipTraceOf(call.id) ?? (await sipTraces.read(client, workspaceId, call.id));
      return {
        messages: messages.map(({ at_ms, direction, peer, transport, text }) => ({
          at: new Date(at_ms).toISOString(),
          direction,
          peer,
          transport,
          summary: text.split('\r\n', 1)[0] ?? '',
          text,
        })),
      };
    },
  );

  api.get(
    '/calls/:id/diagnosis',
    {
      schema: {
        tags: ['calls'],
        operationId: 'getCallDiagnosis',
        summary: 'What the signalling and the audio of a call say about its trunk',
        params: idParams,
        response: { 200: z.object({ findings: z.array(findingSchema) }), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const call = await requiredCall(context, workspaceId, request.params.id);
      const trunk = call.trunkId && (await context.trunks.get(workspaceId, call.trunkId));
      const client = context.database.tenant(workspaceId);
      return { findings: await context.doctor.examine(client, trunk || null, call) };
    },
  );
}
