import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { NumberRow } from '../../db/queries/numbers.ts';
import { sourceNotice } from '../../trunks/source-width.ts';
import type { Trunk } from '../../trunks/trunk-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { bolnaErrors, notFound } from './bolna-errors.ts';
import { numberParams, ownId, trunkParams } from './bolna-ids.ts';
import {
  changedTrunk,
  newTrunk,
  numberBody,
  numberSchema,
  numberView,
  trunkCreateBody,
  trunkSchema,
  trunkUpdateBody,
  trunkView,
} from './trunk-schema.ts';

const messageSchema = z.object({ message: z.string() });

/** `/sip-trunks/trunks`. */
export function bolnaTrunkRoutes(api: Api, context: ApiContext): void {
  const { trunks, numbers } = context;
  const tags = ['bolna'];
  const at = '/sip-trunks/trunks';

  api.post(
    at,
    {
      schema: {
        tags,
        operationId: 'createBolnaTrunk',
        summary: 'Create a trunk with its numbers: all or nothing',
        body: trunkCreateBody,
        response: { 201: trunkSchema, ...bolnaErrors(400, 422) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const trunk = await trunks.create(workspaceId, {
        ...newTrunk(request.body),
        uniqueName: true,
      });
      try {
        for (const number of request.body.phone_numbers) await add(workspaceId, trunk.id, number);
      } catch (error) {
        await trunks.remove(workspaceId, trunk.id);
        throw error;
      }
      await context.calls.refreshTrunks();
      tellWide(reply, trunk);
      return reply.status(201).send(await view(trunk));
    },
  );

  api.get(
    at,
    {
      schema: {
        tags,
        operationId: 'listBolnaTrunks',
        summary: 'List trunks, all at once',
        querystring: z.strictObject({ is_active: z.stringbool().optional() }),
        response: { 200: z.array(trunkSchema), ...bolnaErrors(422) },
      },
    },
    async (request) => {
      const { is_active: wanted } = request.query;
      const found: Trunk[] = [];
      let cursor: string | undefined;
      do {
        const page = await trunks.list(request.caller.workspaceId, { limit: 200, cursor });
        found.push(...page.data.filter(({ active }) => wanted === undefined || active === wanted));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return Promise.all(found.map(view));
    },
  );

  api.get(
    `${at}/:trunk_id`,
    {
      schema: {
        tags,
        operationId: 'getBolnaTrunk',
        summary: 'Get a trunk; its password is never shown',
        params: trunkParams,
        response: { 200: trunkSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => view(await required(request.caller.workspaceId, request.params.trunk_id)),
  );

  api.patch(
    `${at}/:trunk_id`,
    {
      schema: {
        tags,
        operationId: 'updateBolnaTrunk',
        summary: 'Change a trunk; gateways and ip_identifiers are replaced as a whole',
        params: trunkParams,
        body: trunkUpdateBody,
        response: { 200: trunkSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const before = await required(workspaceId, request.params.trunk_id);
      const change = { ...changedTrunk(request.body, before), uniqueName: true };
      const trunk = await trunks.update(workspaceId, before.id, change);
      if (!trunk) throw notFound('Trunk', before.id);
      await context.calls.refreshTrunks();
      tellWide(reply, trunk);
      return view(trunk);
    },
  );

  api.delete(
    `${at}/:trunk_id`,
    {
      schema: {
        tags,
        operationId: 'deleteBolnaTrunk',
        summary: 'Delete a trunk with its numbers',
        params: trunkParams,
        response: { 200: messageSchema, ...bolnaErrors(404, 409) },
      },
    },
    async (request) => {
      const { trunk_id: id } = request.params;
      const removed = await trunks.remove(request.caller.workspaceId, id);
      if (!removed) throw notFound('Trunk', id);
      await context.calls.refreshTrunks();
      return {
        message: `Trunk deleted successfully. ${removed.numbers} phone number(s) removed.`,
      };
    },
  );

  api.post(
    `${at}/:trunk_id/numbers`,
    {
      schema: {
        tags,
        operationId: 'addBolnaTrunkNumber',
        summary: 'Add a number to a trunk',
        params: trunkParams,
        body: numberBody,
        response: { 201: numberSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const trunk = await required(workspaceId, request.params.trunk_id);
      const row = await add(workspaceId, trunk.id, request.body);
      return reply.status(201).send(numberView(row));
    },
  );

  api.get(
    `${at}/:trunk_id/numbers`,
    {
      schema: {
        tags,
        operationId: 'listBolnaTrunkNumbers',
        summary: 'List the numbers of a trunk',
        params: trunkParams,
        response: { 200: z.array(numberSchema), ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const trunk = await required(request.caller.workspaceId, request.params.trunk_id);
      return (await numbersOf(trunk)).map(numberView);
    },
  );

  api.delete(
    `${at}/:trunk_id/numbers/:phone_number_id`,
    {
      schema: {
        tags,
        operationId: 'removeBolnaTrunkNumber',
        summary: 'Take a number off a trunk',
        params: trunkParams.extend(numberParams.shape),
        response: { 200: messageSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const trunk = await required(workspaceId, request.params.trunk_id);
      const id = ownId('number', request.params.phone_number_id);
      const row = await numbers.get(workspaceId, id);
      if (row?.trunkId !== trunk.id || !(await numbers.remove(workspaceId, id))) {
        throw notFound('Phone number', request.params.phone_number_id);
      }
      return { message: 'Phone number removed successfully' };
    },
  );

  async function required(workspaceId: string, id: string): Promise<Trunk> {
    const trunk = await trunks.get(workspaceId, id);
    if (!trunk) throw notFound('Trunk', id);
    return trunk;
  }

  async function numbersOf(trunk: Trunk): Promise<NumberRow[]> {
    const found: NumberRow[] = [];
    let cursor: string | undefined;
    do {
      const page = await numbers.list(trunk.workspaceId, { trunkId: trunk.id, limit: 200, cursor });
      found.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  }

  async function view(trunk: Trunk): Promise<z.output<typeof trunkSchema>> {
    return trunkView(trunk, await numbersOf(trunk));
  }

  function add(
    workspaceId: string,
    trunkId: string,
    number: z.output<typeof numberBody>,
  ): Promise<NumberRow> {
    return numbers.add(workspaceId, {
      e164: number.phone_number,
      trunkId,
      agentId: null,
      name: number.name ?? '',
      provider: 'sip-trunk',
      e164Check: number.e164_check_enabled,
    });
  }
}

/** G14, where Bolna's answer has no place for it. */
function tellWide(reply: FastifyReply, { allowedSources }: Trunk): void {
  const notice = sourceNotice(allowedSources);
  if (notice !== null) void reply.header('x-trunkline-notice', notice);
}
