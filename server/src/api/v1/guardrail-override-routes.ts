import { z } from 'zod';
import * as overrides from '../../db/queries/guardrail-overrides.ts';
import { newId } from '../../shared/ids.ts';
import { parseE164 } from '../../trunks/e164.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { idParams, pageOf, pageQuery, readErrors, writeErrors } from '../schemas/common.ts';
import {
  overrideCreateSchema,
  overrideUseSchema,
  overrideView,
  overrideViewSchema,
} from '../schemas/guardrail.ts';

/** `/v1/guardrails/overrides`: exceptions, by administrators, for one number, for a while. */
export function guardrailOverrideRoutes(api: Api, context: ApiContext): void {
  const { clock, database } = context;
  const tags = ['guardrails'];
  const config = { scope: 'admin' } as const;

  api.post(
    '/guardrails/overrides',
    {
      config,
      schema: {
        tags,
        operationId: 'createGuardrailOverride',
        summary: 'Let calls to one number pass rules for a while; who, why and each use are kept',
        body: overrideCreateSchema,
        response: { 201: overrideViewSchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId, keyId } = request.caller;
      const { rules, reason, expires_in_s: expiresInS } = request.body;
      const parsed = parseE164(request.body.number, { sandbox: true });
      if (!parsed.ok) throw new ApiError('invalid_number', `number: ${parsed.message}`);
      const nowMs = clock.now();
      const row = await overrides.insert(database.tenant(workspaceId), {
        id: newId('override', nowMs),
        workspaceId,
        keyId,
        reason,
        number: parsed.e164,
        rules: [...new Set(rules)],
        createdAt: new Date(nowMs),
        expiresAt: new Date(nowMs + expiresInS * 1e3),
      });
      return reply.status(201).send(overrideView(row));
    },
  );

  api.get(
    '/guardrails/overrides',
    {
      schema: {
        tags,
        operationId: 'listGuardrailOverrides',
        summary: 'List exceptions, those that are over too',
        querystring: pageQuery,
        response: { 200: pageOf(overrideViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const page = await overrides.list(database.tenant(workspaceId), workspaceId, request.query);
      return { data: page.data.map(overrideView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/guardrails/overrides/:id',
    {
      schema: {
        tags,
        operationId: 'getGuardrailOverride',
        summary: 'Get an exception with its latest uses',
        params: idParams,
        response: {
          200: overrideViewSchema.extend({ uses: z.array(overrideUseSchema) }),
          ...readErrors,
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const client = database.tenant(workspaceId);
      const row = await overrides.get(client, workspaceId, id);
      if (!row) throw unknownOverride(id);
      const uses = await overrides.uses(client, workspaceId, id);
      return {
        ...overrideView(row),
        uses: uses.map(({ rule, stage, callId, usedAt }) => ({
          rule,
          stage,
          call_id: callId,
          used_at: usedAt.toISOString(),
        })),
      };
    },
  );

  api.delete(
    '/guardrails/overrides/:id',
    {
      config,
      schema: {
        tags,
        operationId: 'revokeGuardrailOverride',
        summary: 'End an exception now; its record stays',
        params: idParams,
        response: { 200: overrideViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const at = new Date(clock.now());
      const row = await overrides.revoke(database.tenant(workspaceId), workspaceId, id, at);
      if (!row) throw unknownOverride(id);
      return overrideView(row);
    },
  );
}

function unknownOverride(id: string): ApiError {
  return new ApiError('not_found', `there is no exception ${id} in force in this workspace`);
}
