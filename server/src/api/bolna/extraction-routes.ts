import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { checkExtractionSchema } from '../../agents/extraction-schema.ts';
import * as templates from '../../db/queries/extraction-templates.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { bolnaErrors, notFound } from './bolna-errors.ts';

const KIND = 'extraction';
const params = z.strictObject({ template_id: z.string().min(1).max(100) });

const fields = {
  name: z.string().trim().min(1).max(200),
  json_schema: z.record(z.string(), z.unknown()).superRefine((schema, ctx) => {
    for (const { path, message } of checkExtractionSchema(schema)) {
      ctx.addIssue({ code: 'custom', path, message });
    }
  }),
  instructions: z.string().max(10_000).nullable(),
  model: z.string().max(200).describe('Kept; the agent’s own model reads.'),
  inputs: z.record(z.string(), z.unknown()).nullable(),
  keys: z.record(z.string(), z.unknown()).nullable(),
  display: z.boolean(),
  supports_custom_questions: z.boolean(),
};
const createBody = z
  .strictObject({
    ...fields,
    instructions: fields.instructions.default(null),
    model: fields.model.default('gpt-4.1-mini'),
    inputs: fields.inputs.default(null),
    keys: fields.keys.default(null),
    display: fields.display.default(true),
    supports_custom_questions: fields.supports_custom_questions.default(false),
  })
  .meta({
    examples: [
      {
        name: 'Where they live',
        json_schema: { type: 'object', properties: { city: { type: 'string' } } },
      },
    ],
  });
const updateBody = z
  .strictObject(fields)
  .partial()
  .meta({
    examples: [
      {
        json_schema: {
          type: 'object',
          properties: { city: { type: 'string' }, postcode: { type: 'string' } },
        },
        instructions: 'Leave out what was not said.',
      },
    ],
  });
const templateSchema = z
  .looseObject({ id: z.string(), name: z.string(), json_schema: z.unknown() })
  .meta({ id: 'BolnaExtractionTemplate' });
const oneSchema = z.object({ data: templateSchema });

/** `/extractions`: what an extraction task names by `extraction_details` instead of prose. */
export function bolnaExtractionRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolna'];

  api.get(
    '/extractions',
    {
      schema: {
        tags,
        operationId: 'listBolnaExtractions',
        summary: 'List templates of extractions',
        response: { 200: z.object({ data: z.array(templateSchema) }), ...bolnaErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const db = context.database.tenant(workspaceId);
      return { data: (await templates.list(db, workspaceId, KIND)).map(view) };
    },
  );

  api.post(
    '/extractions',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'createBolnaExtraction',
        summary: 'Create a template; agents that are written from now on can name it',
        body: createBody,
        response: { 201: oneSchema, ...bolnaErrors(400, 422) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const row = await templates.insert(context.database.tenant(workspaceId), {
        id: randomUUID(),
        workspaceId,
        kind: KIND,
        agentIds: [],
        document: request.body,
      });
      return reply.status(201).send({ data: view(row) });
    },
  );

  api.get(
    '/extractions/:template_id',
    {
      schema: {
        tags,
        operationId: 'getBolnaExtraction',
        summary: 'Get a template',
        params,
        response: { 200: oneSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => ({
      data: view(await required(request.caller.workspaceId, request.params.template_id)),
    }),
  );

  api.put(
    '/extractions/:template_id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'updateBolnaExtraction',
        summary: 'Change a template; agents keep what they were written with',
        params,
        body: updateBody,
        response: { 200: oneSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const before = await required(workspaceId, request.params.template_id);
      const row = await templates.update(context.database.tenant(workspaceId), {
        ...before,
        document: { ...before.document, ...request.body },
      });
      if (!row) throw notFound('Extraction', before.id);
      return { data: view(row) };
    },
  );

  api.delete(
    '/extractions/:template_id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'deleteBolnaExtraction',
        summary: 'Delete a template; agents keep what they were written with',
        params,
        response: { 200: z.object({ message: z.string() }), ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { template_id: id } = request.params;
      const db = context.database.tenant(workspaceId);
      if (!(await templates.remove(db, workspaceId, KIND, id))) throw notFound('Extraction', id);
      return { message: 'Extraction template deleted successfully' };
    },
  );

  async function required(
    workspaceId: string,
    id: string,
  ): Promise<templates.ExtractionTemplateRow> {
    const db = context.database.tenant(workspaceId);
    const row = await templates.get(db, workspaceId, KIND, id);
    if (!row) throw notFound('Extraction', id);
    return row;
  }
}

function view(row: templates.ExtractionTemplateRow): z.output<typeof templateSchema> {
  const document = row.document as z.output<typeof createBody>;
  return {
    ...document,
    id: row.id,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
