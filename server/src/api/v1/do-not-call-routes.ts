import { z } from 'zod';
import { addDoNotCall, WORKSPACE_LIST } from '../../compliance/do-not-call.ts';
import { importDoNotCall, ImportError } from '../../compliance/import-do-not-call.ts';
import * as queries from '../../db/queries/do-not-call.ts';
import { parseE164 } from '../../trunks/e164.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { pageOf, readErrors, writeErrors } from '../schemas/common.ts';
import {
  doNotCallCreateSchema,
  doNotCallImportBody,
  doNotCallImportQuery,
  doNotCallImportViewSchema,
  doNotCallListSchema,
  doNotCallListView,
  doNotCallQuery,
  doNotCallRemoveQuery,
  doNotCallView,
  doNotCallViewSchema,
  numberParams,
} from '../schemas/do-not-call.ts';
import { invalidRequest } from '../validate.ts';

const tags = ['do-not-call'];
/** About 500,000 numbers. */
const IMPORT_LIMIT_BYTES = 8 << 20;

/** `/v1/do-not-call`. */
export function doNotCallRoutes(api: Api, context: ApiContext): void {
  const { clock, database } = context;

  api.post(
    '/do-not-call',
    {
      schema: {
        tags,
        operationId: 'addDoNotCall',
        summary: 'Never call a number again; 200 where it was listed before',
        body: doNotCallCreateSchema,
        response: { 200: doNotCallViewSchema, 201: doNotCallViewSchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { campaign_id: campaignId, note } = request.body;
      const number = requireNumber(request.body.number);
      const client = database.tenant(workspaceId);
      const list = campaignId ?? WORKSPACE_LIST;
      const created = await client.transaction((open) =>
        addDoNotCall(open, {
          workspaceId,
          number,
          campaignId,
          note,
          source: 'api',
          at: new Date(clock.now()),
        }),
      );
      const rows = await queries.findByNumber(client, workspaceId, number);
      const row = rows.find(({ listId }) => listId === list);
      if (!row) throw new ApiError('conflict', 'the number was removed at the same moment');
      return reply.status(created ? 201 : 200).send(doNotCallView(row));
    },
  );

  api.get(
    '/do-not-call',
    {
      schema: {
        tags,
        operationId: 'listDoNotCall',
        summary: 'List the numbers of a do-not-call list, by number',
        querystring: doNotCallQuery,
        response: { 200: pageOf(doNotCallViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { list, ...page } = request.query;
      const found = await queries.list(database.tenant(workspaceId), workspaceId, list, page);
      return { data: found.data.map(doNotCallView), next_cursor: found.nextCursor };
    },
  );

  api.get(
    '/do-not-call/lists',
    {
      schema: {
        tags,
        operationId: 'listDoNotCallLists',
        summary: 'List the do-not-call lists and registries, with their age',
        response: { 200: z.object({ data: z.array(doNotCallListSchema) }), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const rows = await queries.lists(database.tenant(workspaceId), workspaceId);
      return { data: rows.map(doNotCallListView) };
    },
  );

  api.get(
    '/do-not-call/:number',
    {
      schema: {
        tags,
        operationId: 'getDoNotCall',
        summary: 'Say which lists have a number; 404: none has',
        params: numberParams,
        response: { 200: z.object({ data: z.array(doNotCallViewSchema) }), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const number = requireNumber(request.params.number);
      const rows = await queries.findByNumber(database.tenant(workspaceId), workspaceId, number);
      if (rows.length === 0) throw notListed(number);
      return { data: rows.map(doNotCallView) };
    },
  );

  api.delete(
    '/do-not-call/:number',
    {
      schema: {
        tags,
        operationId: 'removeDoNotCall',
        summary: 'Take a number off a list, or off all',
        params: numberParams,
        querystring: doNotCallRemoveQuery,
        response: { 204: z.null(), ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const number = requireNumber(request.params.number);
      const client = database.tenant(workspaceId);
      const removed = await queries.remove(client, workspaceId, number, request.query.list ?? null);
      if (removed === 0) throw notListed(number);
      return reply.status(204).send(null);
    },
  );
}

/** The one route that takes CSV, in a scope of its own so that all others still refuse it. */
export function doNotCallImportRoute(api: Api, context: ApiContext): void {
  const { clock, database } = context;
  api.addContentTypeParser(
    ['text/csv', 'text/plain'],
    { parseAs: 'string', bodyLimit: IMPORT_LIMIT_BYTES },
    (_request, body, done) => done(null, body),
  );
  api.post(
    '/do-not-call/import',
    {
      bodyLimit: IMPORT_LIMIT_BYTES,
      schema: {
        tags,
        operationId: 'importDoNotCall',
        summary: 'Import a CSV file (text/csv, at most 8 MiB) onto a list or as a registry',
        querystring: doNotCallImportQuery,
        body: doNotCallImportBody,
        consumes: ['text/csv'],
        response: { 200: doNotCallImportViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { list, country, replace } = request.query;
      const kind = request.query.kind ?? (list === WORKSPACE_LIST ? 'workspace' : 'registry');
      if (kind === 'registry' && country === undefined) {
        throw invalidRequest([{ field: 'country', problem: 'a registry belongs to a country' }]);
      }
      if ((list === WORKSPACE_LIST) !== (kind === 'workspace')) {
        throw invalidRequest([
          { field: 'kind', problem: 'the list `workspace` is of the kind workspace, no other is' },
        ]);
      }
      const client = database.tenant(workspaceId);
      const found = await queries.getList(client, workspaceId, list);
      if (found && found.kind !== kind) {
        throw invalidRequest([
          { field: 'kind', problem: `the list ${list} is of the kind ${found.kind}` },
        ]);
      }
      const report = await client
        .transaction((open) =>
          importDoNotCall(open, {
            workspaceId,
            replace,
            csv: request.body,
            list: {
              id: list,
              kind,
              country: country ?? null,
            },
            at: new Date(clock.now()),
          }),
        )
        .catch(refuse);
      const { alreadyListed, ...rest } = report;
      return { list, ...rest, already_listed: alreadyListed };
    },
  );
}

/** A plus in a path may have become a space, or been left out. */
function requireNumber(text: string): string {
  const trimmed = text.trim();
  const parsed = parseE164(trimmed.startsWith('+') ? trimmed : `+${trimmed}`, { sandbox: true });
  if (parsed.ok) return parsed.e164;
  // A number that its plan does not know may be on a list all the same.
  const compact = trimmed.replace(/[\s().-]/g, '').replace(/^\+?/, '+');
  if (/^\+[1-9]\d{6,14}$/.test(compact)) return compact;
  throw new ApiError('invalid_number', `number: ${parsed.message}`);
}

function notListed(number: string): ApiError {
  return new ApiError('not_found', `the number ${number} is on no such list of this workspace`);
}

function refuse(error: unknown): never {
  if (!(error instanceof ImportError)) throw error;
  throw invalidRequest([{ field: '', problem: error.message }]);
}
