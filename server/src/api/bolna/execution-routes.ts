import { z } from 'zod';
import { CALL_STATUSES } from '../../calls/call-status.ts';
import * as agents from '../../db/queries/agents.ts';
import * as callEvents from '../../db/queries/call-events.ts';
import * as calls from '../../db/queries/calls.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import type { Caller } from '../auth.ts';
import { bolnaErrors, notFound } from './bolna-errors.ts';
import { agentParams, executionParams, ownId } from './bolna-ids.ts';
import { logEntries, logEntrySchema } from './execution-log.ts';
import { executionOf, executionsOf, executionSchema, type Execution } from './execution-schema.ts';

const MAX_PAGE_ROWS = 50;
/** Further counting takes longer than anybody needs the exact number for. */
const COUNT_LIMIT = 10_000;

const when = z.iso.datetime({ offset: true, local: true });
const executionQuery = z.strictObject({
  page_number: z.coerce.number().int().min(1).max(100_000).default(1),
  page_size: z.coerce.number().int().min(1).default(20).describe('At most 50 are answered.'),
  page: z.coerce.number().int().min(1).max(100_000).optional().describe('Same as page_number.'),
  status: z.enum(CALL_STATUSES).optional(),
  call_type: z.enum(['inbound', 'outbound']).optional(),
  provider: z.string().max(40).optional().describe('Every call is one of `sip-trunk`.'),
  answered_by_voice_mail: z.stringbool().optional(),
  batch_id: z.string().max(100).optional(),
  from: when.optional(),
  to: when.optional(),
  sort_by: z.enum(['created_at']).optional(),
});

const pageSchema = z.object({
  page_number: z.number().int(),
  page_size: z.number().int(),
  total: z.number().int().describe('Above 10,000 an estimate.'),
  has_more: z.boolean(),
  data: z.array(executionSchema),
});

/** `/executions` and the executions of an agent. */
export function bolnaExecutionRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolna'];

  async function page(
    workspaceId: string,
    agentId: string | undefined,
    query: z.output<typeof executionQuery>,
  ): Promise<z.output<typeof pageSchema>> {
    const db = context.database.tenant(workspaceId);
    const size = Math.min(query.page_size, MAX_PAGE_ROWS);
    const number = query.page ?? query.page_number;
    const filter = filterOf(query, agentId);
    if (filter === null) {
      return { page_number: number, page_size: size, total: 0, has_more: false, data: [] };
    }
    const skip = (number - 1) * size;
    const rows = await calls.listFrom(db, workspaceId, filter, { skip, limit: size + 1 });
    const counted = await calls.countUpTo(db, workspaceId, filter, COUNT_LIMIT + 1);
    const total =
      counted <= COUNT_LIMIT
        ? counted
        : totalOf(await calls.estimateCount(db, workspaceId, filter), {
            counted,
            skip,
            rowCount: rows.length,
            size,
          });
    return {
      page_number: number,
      page_size: size,
      total,
      has_more: rows.length > size,
      data: await executionsOf(context, workspaceId, rows.slice(0, size)),
    };
  }

  async function requireAgent(workspaceId: string, id: string): Promise<string> {
    const agentId = ownId('agent', id);
    const db = context.database.tenant(workspaceId);
    if (!(await agents.get(db, workspaceId, agentId))) throw notFound('Agent', id);
    return agentId;
  }

  api.get(
    '/executions',
    {
      schema: {
        tags,
        operationId: 'listBolnaExecutions',
        summary: 'List executions of all agents, newest first',
        querystring: executionQuery,
        response: { 200: pageSchema, ...bolnaErrors(422) },
      },
    },
    (request) => page(request.caller.workspaceId, undefined, request.query),
  );

  api.get(
    '/v2/agent/:agent_id/executions',
    {
      schema: {
        tags,
        operationId: 'listBolnaAgentExecutions',
        summary: 'List executions of an agent, newest first',
        params: agentParams,
        querystring: executionQuery,
        response: { 200: pageSchema, ...bolnaErrors(404, 422) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const agentId = await requireAgent(workspaceId, request.params.agent_id);
      return page(workspaceId, agentId, request.query);
    },
  );

  api.get(
    '/agent/:agent_id/executions',
    {
      schema: {
        tags,
        deprecated: true,
        operationId: 'listBolnaAgentExecutionsV1',
        summary: 'The newest 200 executions of an agent, as a plain list',
        params: agentParams,
        response: { 200: z.array(executionSchema), ...bolnaErrors(404) },
      },
    },
    async (request): Promise<Execution[]> => {
      const { workspaceId } = request.caller;
      const agentId = await requireAgent(workspaceId, request.params.agent_id);
      const db = context.database.tenant(workspaceId);
      const { data } = await calls.list(db, workspaceId, { agentId }, { limit: 200 });
      return executionsOf(context, workspaceId, data);
    },
  );

  for (const [url, name] of [
    ['/executions/:execution_id', 'getBolnaExecution'],
    ['/agent/:agent_id/execution/:execution_id', 'getBolnaAgentExecution'],
  ] as const) {
    api.get(
      url,
      {
        schema: {
          tags,
          deprecated: name === 'getBolnaAgentExecution',
          operationId: name,
          summary: 'Get an execution',
          params:
            name === 'getBolnaAgentExecution'
              ? executionParams.extend({ agent_id: z.string().max(100).optional() })
              : (executionParams as z.ZodType<{ execution_id: string; agent_id?: string }>),
          response: { 200: executionSchema, ...bolnaErrors(404) },
        },
      },
      async (request) => {
        const call = await requiredExecution(context, request);
        const { agent_id: agentId } = request.params;
        if (agentId !== undefined && call.agentId !== ownId('agent', agentId)) {
          throw notFound('Execution', request.params.execution_id);
        }
        return executionOf(context, call);
      },
    );
  }

  api.get(
    '/executions/:execution_id/log',
    {
      schema: {
        tags,
        operationId: 'getBolnaExecutionLog',
        summary: 'What happened in a call, oldest first',
        params: executionParams,
        response: {
          200: z.object({ status: z.string(), data: z.array(logEntrySchema) }),
          ...bolnaErrors(404),
        },
      },
    },
    async (request) => {
      const call = await requiredExecution(context, request);
      const db = context.database.tenant(call.workspaceId);
      const events = await callEvents.listAfter(db, call.id, 0, 5_000);
      const agent =
        call.agentId === null ? null : await agents.get(db, call.workspaceId, call.agentId);
      return { status: 'success', data: logEntries(events, agent?.config) };
    },
  );
}

/** An estimate of all rows that fits what was seen: rows to `skip` and beyond, or the end of them. */
function totalOf(
  estimate: number,
  seen: { counted: number; skip: number; rowCount: number; size: number },
): number {
  const { counted, skip, rowCount, size } = seen;
  if (rowCount > size) return Math.max(estimate, counted, skip + rowCount);
  if (rowCount > 0) return Math.max(counted, skip + rowCount);
  return Math.max(counted, Math.min(estimate, skip));
}

/** @throws BolnaError 404 */
export async function requiredExecution(
  context: ApiContext,
  request: { caller: Caller; params: { execution_id: string } },
): Promise<calls.CallRow> {
  const { workspaceId } = request.caller;
  const { execution_id: given } = request.params;
  const db = context.database.tenant(workspaceId);
  const row = await calls.get(db, ownId('call', given), workspaceId);
  if (!row) throw notFound('Execution', given);
  return row;
}

/** Null: nothing can match. */
function filterOf(
  query: z.output<typeof executionQuery>,
  agentId: string | undefined,
): calls.CallFilter | null {
  if (query.provider !== undefined && query.provider !== 'sip-trunk') return null;
  return {
    agentId,
    status: query.status,
    direction: query.call_type,
    batchId: query.batch_id,
    // False is the documented default and means: do not ask.
    answeredBy: query.answered_by_voice_mail === true ? 'voicemail' : undefined,
    notAnsweredBy: query.answered_by_voice_mail === false ? 'voicemail' : undefined,
    createdAfter: dateOf(query.from),
    createdBefore: dateOf(query.to),
  };
}

/** Without an offset it is UTC. */
function dateOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  return new Date(/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`);
}
