import { z } from 'zod';
import { DispatchRuleError } from '../../trunks/dispatch-rule-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { idParams, pageOf, pageQuery, readErrors, writeErrors } from '../schemas/common.ts';
import {
  dispatchRuleCreateSchema,
  dispatchRuleInput,
  dispatchRulePatchSchema,
  dispatchRuleView,
  dispatchRuleViewSchema,
} from '../schemas/dispatch-rule.ts';
import { invalidRequest } from '../validate.ts';

/** `/v1/dispatch-rules`: where inbound calls go whose number names no agent. */
export function dispatchRuleRoutes(api: Api, context: ApiContext): void {
  const { dispatchRules } = context;
  const tags = ['dispatch rules'];

  api.post(
    '/dispatch-rules',
    {
      schema: {
        tags,
        operationId: 'createDispatchRule',
        summary: 'Create a dispatch rule',
        body: dispatchRuleCreateSchema,
        response: { 201: dispatchRuleViewSchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { kind } = request.body;
      const input = { ...dispatchRuleInput(request.body), kind };
      const rule = await dispatchRules.create(request.caller.workspaceId, input).catch(refuse);
      return reply.status(201).send(dispatchRuleView(rule));
    },
  );

  api.get(
    '/dispatch-rules',
    {
      schema: {
        tags,
        operationId: 'listDispatchRules',
        summary: 'List dispatch rules, newest first',
        querystring: pageQuery,
        response: { 200: pageOf(dispatchRuleViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const page = await dispatchRules.list(request.caller.workspaceId, request.query);
      return { data: page.data.map(dispatchRuleView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/dispatch-rules/:id',
    {
      schema: {
        tags,
        operationId: 'getDispatchRule',
        summary: 'Get a dispatch rule',
        params: idParams,
        response: { 200: dispatchRuleViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const rule = await dispatchRules.get(request.caller.workspaceId, id);
      if (!rule) throw unknownRule(id);
      return dispatchRuleView(rule);
    },
  );

  api.patch(
    '/dispatch-rules/:id',
    {
      schema: {
        tags,
        operationId: 'updateDispatchRule',
        summary: 'Change a dispatch rule; from the next call on',
        params: idParams,
        body: dispatchRulePatchSchema,
        response: { 200: dispatchRuleViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const rule = await dispatchRules
        .update(request.caller.workspaceId, id, dispatchRuleInput(request.body))
        .catch(refuse);
      if (!rule) throw unknownRule(id);
      return dispatchRuleView(rule);
    },
  );

  api.delete(
    '/dispatch-rules/:id',
    {
      schema: {
        tags,
        operationId: 'deleteDispatchRule',
        summary: 'Delete a dispatch rule',
        params: idParams,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await dispatchRules.remove(request.caller.workspaceId, id))) throw unknownRule(id);
      return reply.status(204).send(null);
    },
  );
}

function unknownRule(id: string): ApiError {
  return new ApiError('not_found', `there is no dispatch rule ${id} in this workspace`);
}

function refuse(error: unknown): never {
  if (!(error instanceof DispatchRuleError)) throw error;
  throw invalidRequest([{ field: error.field, problem: error.message }]);
}
