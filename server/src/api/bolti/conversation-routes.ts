import { z } from 'zod';
import { CALL_STATUSES } from '../../calls/call-status.ts';
import * as calls from '../../db/queries/calls.ts';
import * as turns from '../../db/queries/turns.ts';
import { boltiConversation } from '../../webhooks/formats/bolti-conversation.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { pageOf, pageQuery } from '../schemas/common.ts';
import { requiredCall } from '../v1/call-routes.ts';
import { boltiErrors } from './bolti-errors.ts';
import { conversationParams, conversationSchema, workspaceParams } from './bolti-schemas.ts';

const listQuery = pageQuery.extend({
  agent_id: z.string().max(100).optional(),
  direction: z.enum(['outbound', 'inbound']).optional(),
  outcome: z.enum(CALL_STATUSES).optional().describe('How it stands or ended, in our words.'),
});

/** `/workspaces/{id}/conversations`: calls with what was said in them. */
export function boltiConversationRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolti'];
  const { database } = context;

  api.get(
    '/workspaces/:workspace_id/conversations',
    {
      schema: {
        tags,
        operationId: 'listBoltiConversations',
        summary: 'List conversations, newest first',
        params: workspaceParams,
        querystring: listQuery,
        response: { 200: pageOf(conversationSchema), ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const client = database.tenant(workspaceId);
      const { agent_id: agentId, direction, outcome, ...range } = request.query;
      const filter = { agentId, direction, status: outcome };
      const page = await calls.list(client, workspaceId, filter, range);
      const said = Map.groupBy(
        await turns.listByCalls(
          client,
          page.data.map(({ id }) => id),
        ),
        ({ callId }) => callId,
      );
      return {
        data: page.data.map((call) => view(call, said.get(call.id) ?? [])),
        next_cursor: page.nextCursor,
      };
    },
  );

  api.get(
    '/workspaces/:workspace_id/conversations/:conversation_id',
    {
      schema: {
        tags,
        operationId: 'getBoltiConversation',
        summary: 'Get a conversation',
        params: conversationParams,
        response: { 200: conversationSchema, ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const call = await requiredCall(context, workspaceId, request.params.conversation_id);
      return view(call, await turns.listByCall(database.tenant(workspaceId), call.id));
    },
  );

  function view(
    call: calls.CallRow,
    said: readonly turns.TurnRow[],
  ): z.output<typeof conversationSchema> {
    return boltiConversation({
      call,
      turns: said,
      recordingUrl: context.recordingUrls.urlOf(call),
    });
  }
}
