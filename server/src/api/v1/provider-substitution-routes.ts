import { z } from 'zod';
import * as substitutions from '../../db/queries/provider-substitutions.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { readErrors, writeErrors } from '../schemas/common.ts';

const MAX_SUBSTITUTIONS = 100;

const fields = {
  substitutions: z
    .record(
      z.string().regex(/^[\w.-]{1,60}$/, 'expected the name of a provider'),
      z.enum(['local', 'fake', 'openai']),
    )
    .refine(
      (list) => Object.keys(list).length <= MAX_SUBSTITUTIONS,
      `expected at most ${MAX_SUBSTITUTIONS}`,
    ),
};
const bodySchema = z
  .strictObject(fields)
  .meta({ examples: [{ substitutions: { deepgram: 'local', polly: 'local' } }] });
const viewSchema = z.strictObject(fields).meta({ id: 'ProviderSubstitutions' });

/** `/v1/provider-substitutions`: what stands in for providers that agents of other platforms name. */
export function providerSubstitutionRoutes(api: Api, context: ApiContext): void {
  const { database } = context;
  const tags = ['agents'];

  api.get(
    '/provider-substitutions',
    {
      schema: {
        tags,
        operationId: 'getProviderSubstitutions',
        summary: 'Which provider of ours stands in for one that is not there',
        response: { 200: viewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      return {
        substitutions: await substitutions.read(database.tenant(workspaceId), workspaceId),
      } as z.output<typeof viewSchema>;
    },
  );

  api.put(
    '/provider-substitutions',
    {
      schema: {
        tags,
        operationId: 'setProviderSubstitutions',
        summary: 'Say what stands in for which provider; replaces the whole list',
        description:
          'Applies when an agent is written in another platform’s form from now on: ' +
          '`{"deepgram": "local"}` lets embedded speech stand in for Deepgram.',
        body: bodySchema,
        response: { 200: viewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      await database
        .tenant(workspaceId)
        .transaction((client) =>
          substitutions.replace(client, workspaceId, request.body.substitutions),
        );
      return request.body;
    },
  );
}
