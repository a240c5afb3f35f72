import { z } from 'zod';
import * as agents from '../../db/queries/agents.ts';
import type { NumberRow } from '../../db/queries/numbers.ts';
import { bolnaHexId, bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { BolnaError, bolnaErrors, notFound, unprocessable } from './bolna-errors.ts';
import { numberParams, ownId } from './bolna-ids.ts';

const phoneNumberSchema = z
  .object({
    id: z.string(),
    phone_number: z.string(),
    agent_id: z.string().nullable(),
    price: z.string(),
    telephony_provider: z.string(),
    rented: z.boolean(),
    renewal_at: z.string().nullable(),
    byot_trunk_id: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    humanized_created_at: z.string(),
    humanized_updated_at: z.string(),
  })
  .meta({ id: 'BolnaPhoneNumber' });

const mappingSchema = z.object({
  url: z.string().nullable().describe('Where the carrier sends calls to the number.'),
  phone_number: z.string(),
  id: z.string(),
});

const anything = z.unknown().optional();
/** Taken where it says that there is no menu. */
const ivrConfigSchema = z.strictObject({
  enabled: z.boolean().nullish().describe('Must be false.'),
  voice: anything,
  welcome_message: anything,
  timeout: anything,
  max_retries: anything,
  invalid_input_message: anything,
  no_input_message: anything,
  steps: anything,
  default_agent_id: anything,
});

const DEFAULT_SIP_PORT = 5060;
const NOT_SOLD =
  'this platform sells no numbers: buy one at a SIP carrier and add it by POST /sip-trunks/trunks/{trunk_id}/numbers';

/** `/phone-numbers` and `/inbound`. */
export function bolnaNumberRoutes(api: Api, context: ApiContext): void {
  const { numbers } = context;
  const tags = ['bolna'];

  api.get(
    '/phone-numbers/all',
    {
      schema: {
        tags,
        operationId: 'listBolnaPhoneNumbers',
        summary: 'List the numbers of all trunks, all at once',
        response: { 200: z.array(phoneNumberSchema), ...bolnaErrors() },
      },
    },
    async (request) => {
      const found: NumberRow[] = [];
      let cursor: string | undefined;
      do {
        const page = await numbers.list(request.caller.workspaceId, { limit: 200, cursor });
        found.push(...page.data);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return found.map(phoneNumberView);
    },
  );

  for (const [method, url, operationId] of [
    ['GET', '/phone-numbers/search', 'searchBolnaPhoneNumbers'],
    ['POST', '/phone-numbers/buy', 'buyBolnaPhoneNumber'],
  ] as const) {
    api.route({
      method,
      url,
      schema: {
        tags,
        operationId,
        summary: 'Refused: numbers are bought at carriers',
        response: bolnaErrors(501),
      },
      handler: () => {
        throw new BolnaError(501, NOT_SOLD);
      },
    });
  }

  api.delete(
    '/phone-numbers/:phone_number_id',
    {
      schema: {
        tags,
        operationId: 'deleteBolnaPhoneNumber',
        summary: 'Take a number off its trunk',
        params: numberParams,
        response: {
          200: z.object({ message: z.string(), state: z.string() }),
          ...bolnaErrors(404),
        },
      },
    },
    async (request) => {
      const { phone_number_id: given } = request.params;
      const removed = await numbers.remove(request.caller.workspaceId, ownId('number', given));
      if (!removed) throw notFound('Phone number', given);
      return {
        message: 'The phone number has been removed from your account',
        state: 'deleted',
      };
    },
  );

  api.post(
    '/inbound/setup',
    {
      schema: {
        tags,
        operationId: 'setUpBolnaInbound',
        summary: 'Have an agent answer a number',
        body: z
          .strictObject({
            agent_id: z.string().min(1).max(100),
            phone_number_id: z.string().min(1).max(100),
            allow_multiple: z.boolean().nullish(),
            ivr_config: ivrConfigSchema.nullish(),
          })
          .meta({
            examples: [
              {
                agent_id: '019a8b3c-1f2e-4d5a-9b6c-7d8e9f0a1b2c',
                phone_number_id: '019a8b41c3d24e5f8a6b7c8d9e0f1a2b',
              },
            ],
          }),
        response: { 200: mappingSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { body } = request;
      refuseMenus(body);
      const agentId = ownId('agent', body.agent_id);
      const db = context.database.tenant(workspaceId);
      if (!(await agents.get(db, workspaceId, agentId))) throw notFound('Agent', body.agent_id);
      return mapping(await assign(workspaceId, body.phone_number_id, agentId));
    },
  );

  api.post(
    '/inbound/unlink',
    {
      schema: {
        tags,
        operationId: 'unlinkBolnaInbound',
        summary: 'Have nobody answer a number',
        body: z
          .strictObject({ phone_number_id: z.string().min(1).max(100) })
          .meta({ examples: [{ phone_number_id: '019a8b41c3d24e5f8a6b7c8d9e0f1a2b' }] }),
        response: { 200: mappingSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request) => {
      const row = await assign(request.caller.workspaceId, request.body.phone_number_id, null);
      return { ...mapping(row), url: null };
    },
  );

  async function assign(
    workspaceId: string,
    given: string,
    agentId: string | null,
  ): Promise<NumberRow> {
    const row = await numbers.assign(workspaceId, ownId('number', given), agentId);
    if (!row) throw notFound('Phone number', given);
    return row;
  }

  function mapping(row: NumberRow): z.output<typeof mappingSchema> {
    const { sipHost, sipPort } = context;
    return {
      // RFC 3261 §19.1.2: without a port it is 5060.
      url: `sip:${row.e164}@${sipHost}${sipPort === DEFAULT_SIP_PORT ? '' : `:${sipPort}`}`,
      phone_number: row.e164,
      id: bolnaHexId(row.id),
    };
  }
}

/** @throws BolnaError 422 */
function refuseMenus(body: {
  allow_multiple?: boolean | null | undefined;
  ivr_config?: { enabled?: boolean | null | undefined } | null | undefined;
}): void {
  if (body.allow_multiple === true) {
    throw unprocessable([{ field: 'allow_multiple', problem: 'one number has one agent here' }]);
  }
  if (body.ivr_config && body.ivr_config.enabled !== false) {
    throw unprocessable([
      {
        field: 'ivr_config',
        problem: 'key menus before the agent are not there; have the agent ask',
      },
    ]);
  }
}

function phoneNumberView(row: NumberRow): z.output<typeof phoneNumberSchema> {
  return {
    id: bolnaHexId(row.id),
    phone_number: row.e164,
    agent_id: row.agentId === null ? null : bolnaId(row.agentId),
    price: '$0.0',
    telephony_provider: 'sip-trunk',
    rented: false,
    renewal_at: null,
    byot_trunk_id: row.trunkId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    humanized_created_at: row.createdAt.toUTCString(),
    humanized_updated_at: row.updatedAt.toUTCString(),
  };
}
