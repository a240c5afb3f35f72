import { z } from 'zod';
import * as agents from '../../db/queries/agents.ts';
import * as documents from '../../db/queries/bolna-agents.ts';
import { bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { deleteAgent } from '../delete-agent.ts';
import { AGENT_CHANGE_EXAMPLE, AGENT_EXAMPLE } from './agent-example.ts';
import { AgentDocuments, type DocumentedAgent } from './agent-documents.ts';
import { bolnaErrors, notFound, unprocessable } from './bolna-errors.ts';
import { agentParams, ownId } from './bolna-ids.ts';
import { stopQueued } from './stop-queued.ts';
import { asJson, asText, type Json } from './translation.ts';

const warningSchema = z.object({ field: z.string(), message: z.string() });

/** `agent_config` and `agent_prompts`, or the flat object that a GET of theirs gave. */
const agentBody = z
  .looseObject({
    agent_config: z.looseObject({}).optional(),
    agent_prompts: z.looseObject({}).nullish(),
  })
  .describe('Bolna’s agent: `agent_config` and `agent_prompts`. What cannot run here is refused.')
  .meta({ examples: [AGENT_EXAMPLE] });
const agentChange = agentBody.meta({ examples: [AGENT_CHANGE_EXAMPLE] });

const savedSchema = z.object({
  agent_id: z.string(),
  status: z.string(),
  state: z.string(),
  warnings: z
    .array(warningSchema)
    .optional()
    .describe('Fields that are kept and have no effect here, each with the reason.'),
});
const doneSchema = z.object({
  message: z.string(),
  state: z.string(),
  warnings: z.array(warningSchema).optional(),
});
const agentSchema = z
  .looseObject({
    id: z.string(),
    agent_name: z.string(),
    agent_type: z.string(),
    agent_status: z.enum(['seeding', 'processed']),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    tasks: z.array(z.unknown()),
    agent_prompts: z.unknown(),
  })
  .meta({ id: 'BolnaAgent' });

/** What a GET adds to the document. */
const SHOWN_ONLY = ['id', 'agent_status', 'created_at', 'updated_at', 'humanized_created_at'];

/** `/v2/agent` and the deprecated `/agent`. */
export function bolnaAgentRoutes(api: Api, context: ApiContext): void {
  agentRoutesAt(api, context, { prefix: '/v2/agent', name: 'BolnaAgent', deprecated: false });
  agentRoutesAt(api, context, { prefix: '/agent', name: 'BolnaAgentV1', deprecated: true });
}

function agentRoutesAt(
  api: Api,
  context: ApiContext,
  { prefix, name, deprecated }: { prefix: string; name: string; deprecated: boolean },
): void {
  const store = new AgentDocuments(context);
  const common = { tags: ['bolna'], deprecated };

  api.post(
    prefix,
    {
      schema: {
        ...common,
        operationId: `create${name}`,
        summary: 'Create an agent from Bolna’s document',
        body: agentBody,
        response: { 200: savedSchema, ...bolnaErrors(400, 422) },
      },
    },
    async (request) => {
      const saved = await store.create(request.caller.workspaceId, documentIn(request.body));
      return savedView('created', saved);
    },
  );

  api.get(
    `${prefix}/all`,
    {
      schema: {
        ...common,
        operationId: `list${name}s`,
        summary: 'List agents, all at once',
        response: { 200: z.array(agentSchema), ...bolnaErrors() },
      },
    },
    async (request) => (await store.list(request.caller.workspaceId)).map(agentView),
  );

  api.get(
    `${prefix}/:agent_id`,
    {
      schema: {
        ...common,
        operationId: `get${name}`,
        summary: 'Get an agent as it was written',
        params: agentParams,
        response: { 200: agentSchema, ...bolnaErrors(404) },
      },
    },
    async (request) =>
      agentView(
        await store.get(request.caller.workspaceId, ownId('agent', request.params.agent_id)),
      ),
  );

  api.put(
    `${prefix}/:agent_id`,
    {
      schema: {
        ...common,
        operationId: `replace${name}`,
        summary: 'Replace an agent',
        params: agentParams,
        body: agentBody,
        response: { 200: savedSchema, ...bolnaErrors(400, 404, 409, 422) },
      },
    },
    async (request) => {
      const id = ownId('agent', request.params.agent_id);
      const document = documentIn(request.body);
      return savedView('updated', await store.replace(request.caller.workspaceId, id, document));
    },
  );

  api.patch(
    `${prefix}/:agent_id`,
    {
      schema: {
        ...common,
        operationId: `update${name}`,
        summary: 'Change fields of an agent',
        params: agentParams,
        body: agentChange,
        response: { 200: doneSchema, ...bolnaErrors(400, 404, 409, 422) },
      },
    },
    async (request) => {
      const { agent_config: config, agent_prompts: prompts } = request.body;
      const change = { ...config, ...(prompts && { agent_prompts: prompts }) };
      if (Object.keys(change).length === 0) {
        throw unprocessable([{ field: 'agent_config', problem: 'expected fields to change' }]);
      }
      const id = ownId('agent', request.params.agent_id);
      const { warnings } = await store.patch(request.caller.workspaceId, id, change);
      return {
        message: 'success',
        state: 'updated',
        ...(warnings.length > 0 && { warnings: [...warnings] }),
      };
    },
  );

  api.delete(
    `${prefix}/:agent_id`,
    {
      schema: {
        ...common,
        operationId: `delete${name}`,
        summary: 'Delete an agent; its waiting calls are canceled, its calls stay',
        params: agentParams,
        response: { 200: doneSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const id = ownId('agent', request.params.agent_id);
      const db = context.database.tenant(workspaceId);
      if (!(await deleteAgent(context, workspaceId, id))) throw notFound('Agent', id);
      await documents.remove(db, workspaceId, id);
      return { message: 'success', state: 'deleted' };
    },
  );

  api.post(
    `${prefix}/:agent_id/stop`,
    {
      config: { scope: 'calls' },
      schema: {
        ...common,
        operationId: `stopCallsOf${name}`,
        summary: 'Cancel the agent’s calls that were not dialled yet',
        params: agentParams,
        response: {
          200: z.object({ stopped_executions: z.array(z.string()) }),
          ...bolnaErrors(404),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const id = ownId('agent', request.params.agent_id);
      const db = context.database.tenant(workspaceId);
      if (!(await agents.get(db, workspaceId, id))) throw notFound('Agent', id);
      const stopped = await stopQueued(context, workspaceId, id);
      return { stopped_executions: stopped.map(bolnaId) };
    },
  );
}

/** @throws BolnaError 422 */
function documentIn(body: z.output<typeof agentBody>): Json {
  const { agent_config: config, agent_prompts: prompts, ...flat } = body;
  const document: Json = { ...(config ?? flat) };
  for (const name of SHOWN_ONLY) delete document[name];
  const given = asJson(prompts) ?? asJson(config?.['agent_prompts']);
  if (!given) throw unprocessable([{ field: 'agent_prompts', problem: 'field required' }]);
  return { ...document, agent_prompts: given };
}

function savedView(
  state: 'created' | 'updated',
  {
    row,
    warnings,
  }: { row: agents.AgentRow; warnings: readonly { field: string; message: string }[] },
): z.output<typeof savedSchema> {
  return {
    agent_id: bolnaId(row.id),
    status: state,
    state,
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

function agentView({ row, document }: DocumentedAgent): z.output<typeof agentSchema> {
  return {
    agent_type: 'other',
    ...document,
    id: bolnaId(row.id),
    agent_name: asText(document['agent_name']) ?? '',
    agent_status: 'processed',
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    tasks: Array.isArray(document['tasks']) ? document['tasks'] : [],
    agent_prompts: document['agent_prompts'],
  };
}
