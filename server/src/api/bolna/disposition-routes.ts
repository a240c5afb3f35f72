import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { agentConfigSchema } from '../../agents/agent-config.ts';
import * as agents from '../../db/queries/agents.ts';
import * as documents from '../../db/queries/bolna-agents.ts';
import * as templates from '../../db/queries/extraction-templates.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import { bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { BolnaError, bolnaErrors, notFound, unprocessable } from './bolna-errors.ts';
import { agentParams, ownId } from './bolna-ids.ts';
import {
  dispositionBulkBody,
  dispositionCreateBody,
  dispositionSchema,
  dispositionUpdateBody,
  withDispositions,
  type Disposition,
} from './disposition-schema.ts';

const KIND = 'disposition';
const params = z.strictObject({ disposition_id: z.string().min(1).max(100) });
const ofAgent = z.strictObject({ agent_id: z.string().min(1).max(100).optional() });
const shownSchema = z.looseObject({ id: z.string(), name: z.string() }).meta({
  id: 'BolnaDisposition',
});
const savedSchema = z.object({ message: z.string(), id: z.string() });

/** `/dispositions`: questions that are asked of every talk of an agent when it is over. */
export function bolnaDispositionRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolna'];

  api.post(
    '/dispositions',
    {
      schema: {
        tags,
        operationId: 'createBolnaDisposition',
        summary: 'Ask a question of every talk of an agent',
        body: dispositionCreateBody,
        response: { 201: savedSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { agent_id: given, ...document } = request.body;
      const [id = ''] = await create(workspaceId, agentIdsOf(given), [document]);
      return reply.status(201).send({ message: 'success', id });
    },
  );

  api.post(
    '/dispositions/bulk',
    {
      schema: {
        tags,
        operationId: 'createBolnaDispositions',
        summary: 'Ask several questions: all or none',
        body: dispositionBulkBody,
        response: {
          201: z.object({ message: z.string(), ids: z.array(z.string()) }),
          ...bolnaErrors(400, 404, 422),
        },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { agent_id: given, dispositions } = request.body;
      const ids = await create(workspaceId, agentIdsOf(given), dispositions);
      return reply.status(201).send({ message: 'success', ids });
    },
  );

  api.get(
    '/dispositions',
    {
      schema: {
        tags,
        operationId: 'listBolnaDispositions',
        summary: 'List dispositions, of one agent or of all',
        querystring: ofAgent,
        response: { 200: z.array(shownSchema), ...bolnaErrors(422) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const db = context.database.tenant(workspaceId);
      const [agentId] = agentIdsOf(request.query.agent_id);
      return (await templates.list(db, workspaceId, KIND, agentId)).map(view);
    },
  );

  api.get(
    '/dispositions/:disposition_id',
    {
      schema: {
        tags,
        operationId: 'getBolnaDisposition',
        summary: 'Get a disposition',
        params,
        querystring: ofAgent,
        response: { 200: shownSchema, ...bolnaErrors(404, 422) },
      },
    },
    async (request) =>
      view(await required(request.caller.workspaceId, request.params.disposition_id)),
  );

  api.put(
    '/dispositions/:disposition_id',
    {
      schema: {
        tags,
        operationId: 'updateBolnaDisposition',
        summary: 'Change a disposition; with an agent_id for that agent only (201: a copy)',
        params,
        body: dispositionUpdateBody,
        response: { 200: savedSchema, 201: savedSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const before = await required(workspaceId, request.params.disposition_id);
      const { agent_id: given, ...change } = request.body;
      const document = checked({ ...before.document, ...change });
      const [agentId] = agentIdsOf(given);
      const db = context.database.tenant(workspaceId);
      const shared = agentId !== undefined && before.agentIds.some((id) => id !== agentId);
      const id = shared ? randomUUID() : before.id;
      await db.transaction(async (client) => {
        if (shared) {
          const rest = before.agentIds.filter((each) => each !== agentId);
          await templates.update(client, { ...before, agentIds: rest });
          await templates.insert(client, {
            id,
            workspaceId,
            kind: KIND,
            agentIds: [agentId],
            document,
          });
        } else {
          const agentIds = [...new Set([...before.agentIds, ...agentIdsOf(given)])];
          await templates.update(client, { ...before, agentIds, document });
        }
        await apply(client, workspaceId, [...before.agentIds, ...agentIdsOf(given)]);
      });
      return reply.status(shared ? 201 : 200).send({ message: 'success', id });
    },
  );

  api.delete(
    '/dispositions/:disposition_id',
    {
      schema: {
        tags,
        operationId: 'deleteBolnaDisposition',
        summary: 'Ask the question no longer',
        params,
        response: { 200: savedSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const before = await required(workspaceId, request.params.disposition_id);
      await context.database.tenant(workspaceId).transaction(async (client) => {
        await templates.remove(client, workspaceId, KIND, before.id);
        await apply(client, workspaceId, before.agentIds);
      });
      return { message: 'success', id: before.id };
    },
  );

  api.post(
    '/v2/agent/:agent_id/dispositions/test',
    {
      schema: {
        tags,
        operationId: 'testBolnaDispositions',
        summary: 'Refused: dispositions are answered after calls only',
        params: agentParams,
        body: z
          .strictObject({
            transcript: z.string().max(50_000),
            call_date: z.string().max(40).nullish(),
          })
          .meta({
            examples: [
              {
                transcript: 'assistant: May we call back?\nuser: Yes, on Friday at three.',
                call_date: '2026-03-02T09:15:00Z',
              },
            ],
          }),
        response: bolnaErrors(422, 501),
      },
    },
    () => {
      throw new BolnaError(
        501,
        'dispositions cannot be tried on a text yet; place a call to +15005550101 and read extracted_data of its execution',
      );
    },
  );

  async function required(
    workspaceId: string,
    id: string,
  ): Promise<templates.ExtractionTemplateRow> {
    const db = context.database.tenant(workspaceId);
    const row = await templates.get(db, workspaceId, KIND, id);
    if (!row) throw notFound('Disposition', id);
    return row;
  }

  function create(
    workspaceId: string,
    agentIds: string[],
    given: readonly Disposition[],
  ): Promise<string[]> {
    return context.database.tenant(workspaceId).transaction(async (client) => {
      const ids: string[] = [];
      for (const document of given) {
        const row = { id: randomUUID(), workspaceId, kind: KIND, agentIds, document } as const;
        ids.push((await templates.insert(client, row)).id);
      }
      await apply(client, workspaceId, agentIds);
      return ids;
    });
  }
}

function agentIdsOf(given: string | null | undefined): string[] {
  return given == null ? [] : [ownId('agent', given)];
}

function checked(document: unknown): Disposition {
  const parsed = dispositionSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw unprocessable(
    parsed.error.issues.map(({ path, message }) => ({
      field: path.map(String).join('.'),
      problem: message,
    })),
  );
}

/** Brings the agents' extraction up to date with their dispositions. @throws BolnaError 404, 422 */
async function apply(
  client: Queryable,
  workspaceId: string,
  agentIds: readonly string[],
): Promise<void> {
  for (const agentId of new Set(agentIds)) {
    const agent = await agents.get(client, workspaceId, agentId);
    if (!agent) throw notFound('Agent', agentId);
    const config = agentConfigSchema.parse(agent.config);
    const extraction = withDispositions(
      config.analysis.extraction,
      await dispositionsOf(client, workspaceId, agentId),
    );
    const changed = agentConfigSchema.safeParse({
      ...config,
      analysis: { ...config.analysis, extraction },
    });
    if (!changed.success) {
      const problem = changed.error.issues[0]?.message ?? '';
      throw unprocessable([{ field: 'dispositions', problem }]);
    }
    const row = await agents.update(client, workspaceId, agentId, { config: changed.data });
    const kept = await documents.get(client, workspaceId, agentId);
    // The document still describes the agent: dispositions are no part of it.
    if (row && kept?.agentVersion === agent.version) {
      await documents.upsert(client, { ...kept, agentVersion: row.version });
    }
  }
}

/** What is asked of the talks of an agent. */
export async function dispositionsOf(
  client: Queryable,
  workspaceId: string,
  agentId: string,
): Promise<Disposition[]> {
  const rows = await templates.list(client, workspaceId, KIND, agentId);
  return rows.map(({ document }) => dispositionSchema.parse(document));
}

function view(row: templates.ExtractionTemplateRow): z.output<typeof shownSchema> {
  const document = row.document as Disposition;
  return {
    ...document,
    id: row.id,
    agent_ids: row.agentIds.map(bolnaId),
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
