import { z } from 'zod';
import { agentConfigSchema, requireScript, type AgentConfig } from '../../agents/agent-config.ts';
import * as agents from '../../db/queries/agents.ts';
import { newId } from '../../shared/ids.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { deleteAgent } from '../delete-agent.ts';
import { ApiError } from '../errors.ts';
import { pageOf, pageQuery } from '../schemas/common.ts';
import { mergeAgent } from '../schemas/agent.ts';
import { parseOrRefuse } from '../validate.ts';
import { boltiErrors } from './bolti-errors.ts';
import { agentParams, workspaceParams } from './bolti-schemas.ts';

const fields = {
  name: z.string().trim().min(1).max(200),
  system_prompt: z.string().max(100_000),
  first_message: z.string().max(2_000).nullable(),
  language: z.literal('en').describe('What the embedded speech understands.'),
  model: z.string().min(1).max(200).describe('Of any OpenAI-compatible endpoint.'),
};

const agentCreate = z
  .strictObject(fields)
  .partial()
  .required({ name: true, system_prompt: true })
  .meta({ examples: [{ name: 'Sales', system_prompt: 'You sell tea.', first_message: 'Hello!' }] });
const agentPatch = z
  .strictObject(fields)
  .partial()
  .meta({
    examples: [{ first_message: 'Good morning!', model: 'gpt-4.1-mini' }],
  });

const agentSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    is_active: z.boolean(),
    system_prompt: z.string(),
    first_message: z.string().nullable(),
    language: z.string(),
    model: z.string().nullable().describe('Null: a scripted agent, which needs none.'),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'BoltiAgent' });

/** `/workspaces/{id}/agents`. */
export function boltiAgentRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolti'];
  const { database, clock } = context;

  api.post(
    '/workspaces/:workspace_id/agents',
    {
      schema: {
        tags,
        operationId: 'createBoltiAgent',
        summary: 'Create an agent that follows a prompt',
        params: workspaceParams,
        body: agentCreate,
        response: { 201: agentSchema, ...boltiErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { name } = request.body;
      const config = agentConfigSchema.parse({ type: 'llm', name, ...patchOf(request.body, {}) });
      const row = await agents.insert(database.tenant(workspaceId), {
        id: newId('agent', clock.now()),
        workspaceId,
        config,
      });
      return reply.status(201).send(agentView(row));
    },
  );

  api.get(
    '/workspaces/:workspace_id/agents',
    {
      schema: {
        tags,
        operationId: 'listBoltiAgents',
        summary: 'List agents, newest first',
        params: workspaceParams,
        querystring: pageQuery,
        response: { 200: pageOf(agentSchema), ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const page = await agents.list(database.tenant(workspaceId), workspaceId, request.query);
      return { data: page.data.map(agentView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/workspaces/:workspace_id/agents/:agent_id',
    {
      schema: {
        tags,
        operationId: 'getBoltiAgent',
        summary: 'Get an agent',
        params: agentParams,
        response: { 200: agentSchema, ...boltiErrors() },
      },
    },
    async (request) => agentView(await required(request.caller.workspaceId, request.params)),
  );

  api.patch(
    '/workspaces/:workspace_id/agents/:agent_id',
    {
      schema: {
        tags,
        operationId: 'updateBoltiAgent',
        summary: 'Change an agent',
        params: agentParams,
        body: agentPatch,
        response: { 200: agentSchema, ...boltiErrors(409) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const before = await required(workspaceId, request.params);
      const config = before.config as AgentConfig;
      if (Object.keys(request.body).length === 0) return agentView(before);
      const after = await agents.update(
        database.tenant(workspaceId),
        workspaceId,
        before.id,
        {
          config: parseOrRefuse(
            agentConfigSchema.superRefine(requireScript),
            mergeAgent(config, patchOf(request.body, config)),
          ),
        },
        before.version,
      );
      if (!after) {
        throw new ApiError('conflict', 'the agent was changed by somebody else; read it again');
      }
      return agentView(after);
    },
  );

  api.delete(
    '/workspaces/:workspace_id/agents/:agent_id',
    {
      schema: {
        tags,
        operationId: 'deleteBoltiAgent',
        summary: 'Delete an agent; its waiting calls are canceled, its conversations stay',
        params: agentParams,
        response: { 204: z.null(), ...boltiErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { id } = await required(workspaceId, request.params);
      await deleteAgent(context, workspaceId, id);
      return reply.status(204).send(null);
    },
  );

  async function required(
    workspaceId: string,
    { agent_id: id }: z.output<typeof agentParams>,
  ): Promise<agents.AgentRow> {
    const row = await agents.get(database.tenant(workspaceId), workspaceId, id);
    if (!row) throw new ApiError('agent_not_found', `there is no agent ${id} in this workspace`);
    return row;
  }
}

/** Our fields for theirs; what is not given is left out. */
function patchOf(
  { name, system_prompt, first_message, language, model }: z.output<typeof agentPatch>,
  { llm }: Partial<Pick<AgentConfig, 'llm'>>,
): Record<string, unknown> {
  return {
    ...(name !== undefined && { name }),
    ...(system_prompt !== undefined && { prompt: system_prompt }),
    ...(first_message !== undefined && { greeting: first_message }),
    ...(language !== undefined && { language }),
    ...(model !== undefined && { llm: { ...llm, model } }),
  };
}

function agentView(row: agents.AgentRow): z.output<typeof agentSchema> {
  const config = row.config as AgentConfig;
  return {
    id: row.id,
    name: config.name,
    is_active: true,
    system_prompt: config.prompt,
    first_message: config.greeting,
    language: config.language,
    model: config.type === 'llm' ? config.llm.model : null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
