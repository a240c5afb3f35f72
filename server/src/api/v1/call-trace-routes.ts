import { z } from 'zod';
import * as sipTraces from '../../db/queries/sip-traces.ts';
import { sipPcap } from '../../calls/sip-pcap.ts';
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
        from: z.string().nullable().describe('`host:port`; null: not known.'),
        to: z.string().nullable(),
        peer: z.string().describe('The far end of the wire, `host:port`.'),
        transport: z.string(),
        summary: z.string().describe('The first line of the message.'),
        text: z
          .string()
          .describe(
            'The whole message; passwords, keys of SRTP and digits that were pressed masked.',
          ),
      }),
    ),
  })
  .meta({ id: 'SipLadder' });

const PCAP_TYPE = 'application/vnd.tcpdump.pcap';

/** `/v1/calls/{id}/sip` and `sip.pcap`: the signalling of a call. */
export function callTraceRoutes(api: Api, context: ApiContext): void {
  /** @throws ApiError `not_found` */
  async function traceOf(
    workspaceId: string,
    callId: string,
  ): Promise<readonly sipTraces.TracedMessage[]> {
    const call = await requiredCall(context, workspaceId, callId);
    const client = context.database.tenant(workspaceId);
    return context.calls.sipTraceOf(call.id) ?? sipTraces.read(client, workspaceId, call.id);
  }

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
      const messages = await traceOf(request.caller.workspaceId, request.params.id);
      return {
        messages: messages.map(({ at_ms, direction, peer, local = null, transport, text }) => ({
          at: new Date(at_ms).toISOString(),
          direction,
          from: direction === 'sent' ? local : peer,
          to: direction === 'sent' ? peer : local,
          peer,
          transport,
          summary: text.split('\r\n', 1)[0] ?? '',
          text,
        })),
      };
    },
  );

  api.get(
    '/calls/:id/sip.pcap',
    {
      schema: {
        tags: ['calls'],
        operationId: 'getCallSipPcap',
        summary: 'The SIP messages of a call as a capture for Wireshark, secrets masked',
        description:
          'libpcap, Ethernet and UDP; what went over TCP or TLS stands in UDP packets too. Without messages it has no packets.',
        params: idParams,
        produces: [PCAP_TYPE],
        response: {
          200: { description: 'The capture.', content: { [PCAP_TYPE]: { schema: z.any() } } },
          ...readErrors,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const messages = await traceOf(request.caller.workspaceId, id);
      return reply
        .type(PCAP_TYPE)
        .header('content-disposition', `attachment; filename="${id}.pcap"`)
        .send(sipPcap(messages));
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
