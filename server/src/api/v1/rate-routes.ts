import { z } from 'zod';
import { isUniqueViolation } from '../../calls/place-call.ts';
import * as rates from '../../db/queries/rates.ts';
import * as trunks from '../../db/queries/trunks.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import { newId } from '../../shared/ids.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import {
  errorResponses,
  idParams,
  pageOf,
  pageQuery,
  readErrors,
  writeErrors,
} from '../schemas/common.ts';
import { rateCreateSchema, ratePatchSchema, rateView, rateViewSchema } from '../schemas/wallet.ts';
import { moneyOf, moneyQuery, moneyToSet } from './money-workspace.ts';

/** `/v1/rates`: what calls cost, as data. */
export function rateRoutes(api: Api, context: ApiContext): void {
  const { database, clock, auth } = context;
  const tags = ['rates'];

  /** Where rates are written: the platform's belong to no workspace. */
  function writable(callerId: string, ownerId: string | null): Queryable {
    if (ownerId !== null) return database.tenant(ownerId);
    if (callerId === auth.defaultWorkspaceId) return database.pool;
    throw new ApiError('forbidden', 'rates of the platform are set by the first workspace');
  }

  /** `owners`: of whose trunks it has to be one; null: anybody's. */
  async function requireTrunk(id: string, owners: readonly string[] | null): Promise<void> {
    const owner = await trunks.ownerOf(database.pool, id);
    if (owner !== null && (owners?.includes(owner) ?? true)) return;
    throw new ApiError('trunk_not_found', `there is no trunk ${id} in this workspace`, [
      { field: 'provider', problem: 'there is no such trunk; of network it is a trunk’s id or *' },
    ]);
  }

  async function requiredRate(workspaceId: string, id: string): Promise<rates.RateRow> {
    const rate = await rates.get(database.tenant(workspaceId), workspaceId, id);
    if (rate) return rate;
    throw new ApiError('not_found', `there is no rate ${id} in this workspace`);
  }

  /** Whose rate is changed; null: the platform's. */
  async function ownerToSet(
    request: Parameters<typeof moneyToSet>[1],
    id: string,
  ): Promise<string | null> {
    const rate = await requiredRate(await moneyOf(context, request), id);
    return rate.workspaceId === null ? null : moneyToSet(context, request);
  }

  api.post(
    '/rates',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'createRate',
        summary: 'Set the price of a unit, for this workspace or the platform',
        querystring: moneyQuery,
        body: rateCreateSchema,
        response: { 201: rateViewSchema, ...writeErrors, ...errorResponses(403, 409) },
      },
    },
    async (request, reply) => {
      const { scope, kind, provider, prefix, unit, micros_per_unit: microsPerUnit } = request.body;
      const { workspaceId } = request.caller;
      const owner = scope === 'platform' ? null : await moneyToSet(context, request);
      const client = writable(workspaceId, owner);
      if (kind === 'network' && provider !== '*') {
        await requireTrunk(provider, owner === null ? null : [owner, workspaceId]);
      }
      const rate = await rates
        .insert(client, {
          id: newId('rate', clock.now()),
          workspaceId: owner,
          kind,
          provider,
          prefix,
          unit,
          microsPerUnit,
        })
        .catch((error: unknown) => {
          if (!isUniqueViolation(error)) throw error;
          throw new ApiError(
            'conflict',
            'there is a rate for this kind, provider, prefix and unit; change that one',
          );
        });
      return reply.status(201).send(rateView(rate));
    },
  );

  api.get(
    '/rates',
    {
      schema: {
        tags,
        operationId: 'listRates',
        summary: 'List the rates of this workspace and of the platform',
        querystring: pageQuery.extend(moneyQuery.shape),
        response: { 200: pageOf(rateViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const workspaceId = await moneyOf(context, request);
      const client = database.tenant(workspaceId);
      const page = await rates.listVisible(client, workspaceId, request.query);
      return { data: page.data.map(rateView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/rates/:id',
    {
      schema: {
        tags,
        operationId: 'getRate',
        summary: 'Get a rate',
        params: idParams,
        querystring: moneyQuery,
        response: { 200: rateViewSchema, ...readErrors },
      },
    },
    async (request) =>
      rateView(await requiredRate(await moneyOf(context, request), request.params.id)),
  );

  api.patch(
    '/rates/:id',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'updateRate',
        summary: 'Change a price; calls that are settled stay as they are',
        params: idParams,
        querystring: moneyQuery,
        body: ratePatchSchema,
        response: { 200: rateViewSchema, ...writeErrors, ...errorResponses(403) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const owner = await ownerToSet(request, id);
      const rate = await rates.setPrice(writable(request.caller.workspaceId, owner), {
        id,
        workspaceId: owner,
        microsPerUnit: request.body.micros_per_unit,
      });
      if (!rate) throw new ApiError('not_found', `there is no rate ${id} in this workspace`);
      return rateView(rate);
    },
  );

  api.delete(
    '/rates/:id',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'deleteRate',
        summary: 'Delete a rate; the next more general one applies',
        params: idParams,
        querystring: moneyQuery,
        response: { 204: z.null(), ...writeErrors, ...errorResponses(403) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const owner = await ownerToSet(request, id);
      const client = writable(request.caller.workspaceId, owner);
      await rates.remove(client, { id, workspaceId: owner });
      return reply.status(204).send(null);
    },
  );
}
