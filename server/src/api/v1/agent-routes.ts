import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { agentConfigSchema, requireScript, type AgentConfig } from '../../agents/agent-config.ts';
import { contactsProblem } from '../../calls/caller-lookup.ts';
import * as agents from '../../db/queries/agents.ts';
import { newId } from '../../shared/ids.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { deleteAgent } from '../delete-agent.ts';
import { ApiError } from '../errors.ts';
import { toolTargetProblem } from '../tool-targets.ts';
import { modelEndpointProblem } from '../model-endpoint.ts';
import {
  agentCreateSchema,
  agentPatchSchema,
  agentView,
  agentViewSchema,
  mergeAgent,
  secretsSchema,
} from '../schemas/agent.ts';
import {
  errorResponses,
  idParams,
  pageOf,
  pageQuery,
  readErrors,
  writeErrors,
} from '../schemas/common.ts';
import { invalidRequest, parseOrRefuse } from '../validate.ts';

/** `/v1/agents`. */
export function agentRoutes(api: Api, context: ApiContext): void {
  const { database } = context;
  const tags = ['agents'];

  api.post(
    '/agents',
    {
      schema: {
        tags,
        operationId: 'createAgent',
        summary: 'Create an agent',
        body: agentCreateSchema,
        response: { 201: agentViewSchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { secrets, ...config } = request.body;
      const { workspaceId } = request.caller;
      await refuseTarget(context, workspaceId, config);
      const id = newId('agent', context.clock.now());
      const row = await agents.insert(database.tenant(workspaceId), {
        id,
        workspaceId,
        config,
        secrets: sealAgentSecrets(context, workspaceId, id, secrets ?? {}),
      });
      return reply.status(201).send(agentView(row));
    },
  );

  api.get(
    '/agents',
    {
      schema: {
        tags,
        operationId: 'listAgents',
        summary: 'List agents',
        querystring: pageQuery,
        response: { 200: pageOf(agentViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const page = await agents.list(database.tenant(workspaceId), workspaceId, request.query);
      return { data: page.data.map(agentView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/agents/:id',
    {
      schema: {
        tags,
        operationId: 'getAgent',
        summary: 'Get an agent',
        params: idParams,
        response: { 200: agentViewSchema, ...readErrors },
      },
    },
    async (request) => agentView(await required(request.caller.workspaceId, request.params.id)),
  );

  api.patch(
    '/agents/:id',
    {
      schema: {
        tags,
        operationId: 'updateAgent',
        summary: 'Change an agent',
        params: idParams,
        body: agentPatchSchema,
        response: { 200: agentViewSchema, ...errorResponses(409), ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const before = await required(workspaceId, request.params.id);
      const { secrets: given, ...patch } = request.body;
      const config = parseOrRefuse(
        agentConfigSchema.superRefine(requireScript),
        mergeAgent(before.config as AgentConfig, patch),
      );
      await refuseTarget(context, workspaceId, config);
      const secrets = parseOrRefuse(
        z.object({ secrets: secretsSchema.optional() }),
        given === undefined ? {} : { secrets: given },
      ).secrets;
      const isSame = isDeepStrictEqual(config, before.config);
      if (isSame && Object.keys(secrets ?? {}).length === 0) return agentView(before);
      const after = await agents.update(
        database.tenant(workspaceId),
        workspaceId,
        before.id,
        {
          config,
          secrets:
            secrets && sealAgentSecrets(context, workspaceId, before.id, secrets, before.secrets),
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
    '/agents/:id',
    {
      schema: {
        tags,
        operationId: 'deleteAgent',
        summary: 'Delete an agent; its waiting calls are canceled, its calls stay',
        description:
          'Numbers and dispatch rules that name it have no agent then. Live calls go on to their end.',
        params: idParams,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      if (!(await deleteAgent(context, workspaceId, id))) throw unknownAgent(id);
      return reply.status(204).send(null);
    },
  );

  async function required(workspaceId: string, id: string): Promise<agents.AgentRow> {
    const row = await agents.get(database.tenant(workspaceId), workspaceId, id);
    if (!row) throw unknownAgent(id);
    return row;
  }
}

function unknownAgent(id: string): ApiError {
  return new ApiError('agent_not_found', `there is no agent ${id} in this workspace`);
}

/** The sealed values after a change: null takes one away. */
export function sealAgentSecrets(
  context: ApiContext,
  workspaceId: string,
  agentId: string,
  given: Record<string, string | null | undefined>,
  before: Record<string, string> = {},
): Record<string, string> {
  const place = { workspaceId, table: 'agents', id: agentId };
  const sealed = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(given)) {
    if (value === null) sealed.delete(name);
    else if (value !== undefined) sealed.set(name, context.secrets.seal(place, value));
  }
  return Object.fromEntries(sealed);
}

/** What would never be asked, or could not be read, is refused when it is saved. */
async function refuseTarget(
  context: ApiContext,
  workspaceId: string,
  config: Pick<AgentConfig, 'webhook' | 'inbound' | 'stt' | 'tts' | 'llm' | 'tools'>,
): Promise<void> {
  const { webhook, inbound } = config;
  const endpoint = await modelEndpointProblem(context, workspaceId, config);
  if (endpoint !== null) throw invalidRequest([endpoint]);
  const problem = webhook && context.safeFetch.checkTargetUrl(webhook.url);
  if (problem) throw invalidRequest([{ field: 'webhook.url', problem }]);
  const tool = toolTargetProblem(config, context.safeFetch.checkTargetUrl);
  if (tool !== null) throw invalidRequest([tool]);
  const { lookup } = inbound;
  const [field, wrong] =
    lookup?.type === 'api'
      ? ['inbound.lookup.url', context.safeFetch.checkTargetUrl(lookup.url)]
      : lookup?.type === 'csv'
        ? ['inbound.lookup.csv', contactsProblem(lookup.csv, lookup.number_column)]
        : ['', null];
  if (wrong !== null) throw invalidRequest([{ field, problem: wrong }]);
}
