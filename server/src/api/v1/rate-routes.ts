import { z } from 'zod';
import { isUniqueViolation } from '../../calls/place-call.ts';
import * as rates from '../../db/queries/rates.ts';
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

/** `/v1/rates`: what calls cost, as data. */
export function rateRoutes(api: Api, context: ApiContext): void {
  const { database, clock, auth } = context;
  const tags = ['rates'];

  /** Where rates of a scope are written: the platform's belong to no workspace. */
  function writable(callerId: string, scopeId: string | null): Queryable {
    if (scopeId !== null) return database.tenant(callerId);
    if (callerId === auth.defaultWorkspaceId) return database.pool;
    throw new ApiError('forbidden', 'rates of the platform are set by the first workspace');
  }

  async function requiredRate(workspaceId: string, id: string): Promise<rates.RateRow> {
    const rate = await rates.get(database.tenant(workspaceId), workspaceId, id);
    if (rate) return rate;
    throw new ApiError('not_found', `there is no rate ${id} in this workspace`);
  }

  api.post(
    '/rates',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'createRate',
        summary: 'Set the price of a unit, for this workspace or the platform',
        body: rateCreateSchema,
        response: { 201: rateViewSchema, ...writeErrors, ...errorResponses(403, 409) },
      },
    },
    async (request, reply) => {
      const { scope, kind, provider, prefix, unit, micros_per_unit: microsPerUnit } = request.body;
      const { workspaceId } = request.caller;
      const owner = scope === 'platform' ? null : workspaceId;
      const rate = await rates
        .insert(writable(workspaceId, owner), {
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
        querystring: pageQuery,
        response: { 200: pageOf(rateViewSchema), ...readErrors },
      },
    },
    async ({ caller: { workspaceId }, query }) => {
      const page = await rates.listVisible(database.tenant(workspaceId), workspaceId, query);
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
        response: { 200: rateViewSchema, ...readErrors },
      },
    },
    async ({ caller, params }) => rateView(await requiredRate(caller.workspaceId, params.id)),
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
        body: ratePatchSchema,
        response: { 200: rateViewSchema, ...writeErrors, ...errorResponses(403) },
      },
    },
    async ({ caller: { workspaceId }, params: { id }, body }) => {
      const { workspaceId: owner } = await requiredRate(workspaceId, id);
      const rate = await rates.setPrice(writable(workspaceId, owner), {
        id,
        workspaceId: owner,
        microsPerUnit: body.micros_per_unit,
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
        response: { 204: z.null(), ...writeErrors, ...errorResponses(403) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { workspaceId } = request.caller;
      const { workspaceId: owner } = await requiredRate(workspaceId, id);
      await rates.remove(writable(workspaceId, owner), { id, workspaceId: owner });
      return reply.status(204).send(null);
    },
  );
}
