import { z } from 'zod';
import type { WorkspaceRow } from '../../db/queries/workspaces.ts';
import { WorkspaceError, type WorkspaceInput } from '../../workspaces/workspace-store.ts';
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
import { keyCreateSchema, newKeySchema, newKeyView } from '../schemas/key.ts';
import {
  newWorkspaceSchema,
  usageQuery,
  usageSchema,
  usageView,
  workspaceCreateSchema,
  workspacePatchSchema,
  workspaceView,
  workspaceViewSchema,
} from '../schemas/workspace.ts';
import { invalidRequest } from '../validate.ts';
import { makeKey } from './key-routes.ts';

const USAGE_DAYS = 30;
const DAY_MS = 86_400_000;
const MAX_USAGE_DAYS = 400;

/** `/v1/workspaces`: the key's own workspace and its sub-accounts. */
export function workspaceRoutes(api: Api, context: ApiContext): void {
  const { workspaces } = context;
  const tags = ['workspaces'];

  api.post(
    '/workspaces',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'createWorkspace',
        summary: 'Create a sub-account with its first key, which is shown once',
        body: workspaceCreateSchema,
        response: { 201: newWorkspaceSchema, ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request, reply) => {
      const input = { ...inputOf(request.body), name: request.body.name };
      const made = await workspaces.create(request.caller.workspaceId, input).catch(refuse);
      return reply.status(201).send({
        ...workspaceView(made.workspace),
        api_key: newKeyView({ ...made.firstKey, secret: null }),
      });
    },
  );

  api.get(
    '/workspaces',
    {
      schema: {
        tags,
        operationId: 'listWorkspaces',
        summary: 'The workspace of the key, then its sub-accounts',
        querystring: pageQuery,
        response: { 200: pageOf(workspaceViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const page = await workspaces.list(request.caller.workspaceId, request.query);
      return { data: page.data.map(workspaceView), next_cursor: page.nextCursor };
    },
  );

  api.get(
    '/workspaces/:id',
    {
      schema: {
        tags,
        operationId: 'getWorkspace',
        summary: 'Get a workspace',
        params: idParams,
        response: { 200: workspaceViewSchema, ...readErrors },
      },
    },
    async (request) =>
      workspaceView(
        await requiredWorkspace(context, request.caller.workspaceId, request.params.id),
      ),
  );

  api.patch(
    '/workspaces/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'updateWorkspace',
        summary: 'Change a workspace; a sub-account’s limit and currency with its parent’s key',
        params: idParams,
        body: workspacePatchSchema,
        response: { 200: workspaceViewSchema, ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const row = await workspaces
        .update(request.caller.workspaceId, id, inputOf(request.body))
        .catch(refuse);
      if (!row) throw unknownWorkspace(id);
      return workspaceView(row);
    },
  );

  api.delete(
    '/workspaces/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'deleteWorkspace',
        summary: 'Delete a sub-account: its keys end at once, its trunks are switched off',
        params: idParams,
        response: { 204: z.null(), ...writeErrors, ...errorResponses(409) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const found = await workspaces.remove(request.caller.workspaceId, id).catch(refuse);
      if (!found) throw unknownWorkspace(id);
      await context.calls.refreshTrunks();
      return reply.status(204).send(null);
    },
  );

  api.post(
    '/workspaces/:id/keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'createWorkspaceKey',
        summary: 'Create a key of a sub-account; it is shown once',
        params: idParams,
        body: keyCreateSchema,
        response: { 201: newKeySchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { id } = await requiredWorkspace(
        context,
        request.caller.workspaceId,
        request.params.id,
      );
      return reply.status(201).send(await makeKey(context, id, request.body));
    },
  );

  api.get(
    '/workspaces/:id/usage',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'getWorkspaceUsage',
        summary: 'What a workspace used: calls, time and cost by kind',
        params: idParams,
        querystring: usageQuery,
        response: { 200: usageSchema, ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const workspace = await requiredWorkspace(context, workspaceId, request.params.id);
      const range = rangeOf(request.query);
      const usage = await workspaces.usage(workspaceId, workspace.id, range);
      if (!usage) throw unknownWorkspace(workspace.id);
      return usageView(workspace, range, usage);
    },
  );

  function rangeOf(query: z.output<typeof usageQuery>): { from: Date; to: Date } {
    const to = query.to === undefined ? new Date(context.clock.now()) : new Date(query.to);
    const from =
      query.from === undefined
        ? new Date(to.getTime() - USAGE_DAYS * DAY_MS)
        : new Date(query.from);
    const days = (to.getTime() - from.getTime()) / DAY_MS;
    if (days > 0 && days <= MAX_USAGE_DAYS) return { from, to };
    throw invalidRequest([
      { field: 'from', problem: `expected a time before to, by at most ${MAX_USAGE_DAYS} days` },
    ]);
  }
}

/**
 * The viewer's own workspace, or one of its sub-accounts by its id.
 * @throws ApiError `not_found`
 */
export async function requiredWorkspace(
  context: Pick<ApiContext, 'workspaces'>,
  viewerId: string,
  id: string = viewerId,
): Promise<WorkspaceRow> {
  const row = await context.workspaces.get(viewerId, id);
  if (!row) throw unknownWorkspace(id);
  return row;
}

function inputOf(body: z.output<typeof workspacePatchSchema>): WorkspaceInput {
  return {
    name: body.name,
    currency: body.currency,
    timezone: body.timezone,
    maxConcurrentCalls: body.max_concurrent_calls,
  };
}

function unknownWorkspace(id: string): ApiError {
  return new ApiError('not_found', `there is no workspace ${id} that the key may see`);
}

function refuse(error: unknown): never {
  if (!(error instanceof WorkspaceError)) throw error;
  const { code, field, message } = error;
  const details = field === null ? [] : [{ field, problem: message }];
  if (code === 'invalid') throw invalidRequest(details);
  throw new ApiError(code, message, details);
}
