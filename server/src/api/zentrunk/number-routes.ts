import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { z } from 'zod';
import * as numbers from '../../db/queries/numbers.ts';
import * as zentrunkNumbers from '../../db/queries/zentrunk-numbers.ts';
import * as trunks from '../../db/queries/zentrunk-trunks.ts';
import { ZentrunkError } from '../../trunk-service/zentrunk-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { zentrunkErrors } from './zentrunk-errors.ts';
import {
  accountParams,
  changedSchema,
  listOf,
  listQuery,
  ListRequest,
  notFound,
  numberParams,
  text,
} from './zentrunk-schemas.ts';

const numberSchema = z
  .object({
    number: z.string().describe('Digits without plus.'),
    alias: z.string(),
    application: text.describe('Path of the inbound trunk that calls to it go to.'),
    carrier: text,
    region: text,
    city: text,
    country: text,
    number_type: z.string(),
    type: z.string(),
    sub_account: text,
    added_on: z.string(),
    monthly_rental_rate: z.string(),
    voice_enabled: z.boolean(),
    sms_enabled: z.boolean(),
    mms_enabled: z.boolean(),
    active: z.boolean(),
    resource_uri: z.string(),
  })
  .meta({ id: 'ZentrunkNumber' });

const numberBody = z
  .strictObject({
    app_id: z
      .string()
      .max(100)
      .nullish()
      .describe('Id of an inbound trunk; an empty text or null takes the number off it.'),
    alias: z.string().max(200).optional(),
    subaccount: z.string().max(100).nullish().describe('Refused: numbers stay in the account.'),
  })
  .meta({ examples: [{ app_id: '121784177241578', alias: 'Support line' }] });

const FILTERS = ['number_startswith', 'alias'] as const;
const PATH = '/:auth_id/Number';

/** `Number/`: which inbound trunk a number's calls go to. */
export function numberRoutes(api: Api, context: ApiContext): void {
  const tags = ['zentrunk'];

  api.get(
    PATH,
    {
      schema: {
        tags,
        operationId: 'listZentrunkNumbers',
        summary: 'List numbers, newest first',
        params: accountParams,
        querystring: listQuery(FILTERS),
        response: { 200: listOf(numberSchema), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const asked = new ListRequest(request.query, FILTERS);
      const digits = asked.text('number_startswith');
      const filter = {
        startsWith: digits === undefined ? undefined : `+${digits}`,
        name: asked.text('alias'),
      };
      const client = context.database.tenant(workspaceId);
      const found = await zentrunkNumbers.list(client, workspaceId, filter, asked.page);
      const path = `v1/Account/${workspaceId}/Number/`;
      return asked.answer(request.apiId, path, found, numberView);
    },
  );

  api.get(
    `${PATH}/:number`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkNumber',
        summary: 'Get a number',
        params: numberParams,
        response: { 200: numberSchema.extend({ api_id: z.string() }), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const row = await numberOr404(request.caller.workspaceId, request.params.number);
      return { api_id: request.apiId, ...numberView(row) };
    },
  );

  api.post(
    `${PATH}/:number`,
    {
      schema: {
        tags,
        operationId: 'updateZentrunkNumber',
        summary: 'Send calls to a number to an inbound trunk, or rename it',
        params: numberParams,
        body: numberBody,
        response: { 202: changedSchema, ...zentrunkErrors() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { app_id: trunkId, alias, subaccount } = request.body;
      const row = await numberOr404(workspaceId, request.params.number);
      if (subaccount != null && subaccount !== '') {
        throw new ZentrunkError(400, 'subaccount: numbers cannot be moved to another account here');
      }
      await context.database.tenant(workspaceId).transaction(async (client) => {
        if (trunkId !== undefined) {
          const target = trunkId === '' ? null : trunkId;
          if (target !== null) await requireInbound(client, workspaceId, target);
          await zentrunkNumbers.route(client, workspaceId, row.id, target);
        }
        if (alias !== undefined) await numbers.assign(client, workspaceId, row.id, { name: alias });
      });
      return reply.status(202).send({ api_id: request.apiId, message: 'changed' });
    },
  );

  async function numberOr404(
    workspaceId: string,
    digits: string,
  ): Promise<zentrunkNumbers.ZentrunkNumberRow> {
    const e164 = `+${digits.replace(/^\+/, '')}`;
    const client = context.database.tenant(workspaceId);
    const row = await zentrunkNumbers.findByE164(client, workspaceId, e164);
    if (!row) throw notFound(digits);
    return row;
  }
}

/** Calls come in by inbound trunks only. */
async function requireInbound(
  client: Parameters<typeof trunks.get>[0],
  workspaceId: string,
  trunkId: string,
): Promise<void> {
  const trunk = await trunks.get(client, workspaceId, trunkId);
  if (!trunk) throw new ZentrunkError(400, `app_id: there is no trunk ${trunkId}`);
  if (trunk.direction !== 'inbound') {
    throw new ZentrunkError(400, 'app_id: numbers go to inbound trunks; this one is outbound');
  }
}

function numberView(row: zentrunkNumbers.ZentrunkNumberRow): z.output<typeof numberSchema> {
  const { workspaceId, zentrunkTrunkId } = row;
  const digits = row.e164.slice(1);
  const parsed = parsePhoneNumberFromString(row.e164);
  return {
    number: digits,
    alias: row.name,
    application: zentrunkTrunkId && `/v1/Account/${workspaceId}/Zentrunk/Trunk/${zentrunkTrunkId}/`,
    carrier: row.provider === '' ? null : row.provider,
    region: null,
    city: null,
    country: parsed?.country ?? null,
    number_type: parsed?.getType() === 'TOLL_FREE' ? 'tollfree' : 'local',
    type: parsed?.getType() === 'TOLL_FREE' ? 'tollfree' : 'local',
    sub_account: null,
    added_on: row.createdAt.toISOString().slice(0, 10),
    monthly_rental_rate: '0.00000',
    voice_enabled: true,
    sms_enabled: false,
    mms_enabled: false,
    active: true,
    resource_uri: `/v1/Account/${workspaceId}/Number/${digits}/`,
  };
}
