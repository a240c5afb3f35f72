import { z } from 'zod';
import type { Usage } from '../../db/queries/workspace-usage.ts';
import type { WorkspaceRow } from '../../db/queries/workspaces.ts';
import { bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { bolnaErrors, notFound, unprocessable } from './bolna-errors.ts';
import { ownId } from './bolna-ids.ts';

const DAY_MS = 86_400_000;
const MAX_USAGE_DAYS = 32;
const MICROS_PER_CENT = 10_000;

const params = z.strictObject({ sub_account_id: z.string().min(1).max(100) });
const limitSchema = z.number().int().min(1).max(100_000);
const subAccountSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    organization_id: z.string(),
    api_key: z.string().describe('Readable in the answer to its creation only, then masked.'),
    multi_tenant: z.boolean(),
    allow_concurrent_calls: z.number().int().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'BolnaSubAccount' });
const doneSchema = z.object({ message: z.string(), state: z.string() });

const when = z.iso.datetime({ offset: true, local: true }).or(z.iso.date());
const usageQuery = z.strictObject({ from: when.optional(), to: when.optional() });
const usageSchema = z
  .object({
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    total_records: z.number().int(),
    total_duration: z.number().describe('Seconds.'),
    total_cost: z.number().describe('Cents.'),
    total_platform_cost: z.number(),
    total_telephony_cost: z.number(),
    status_map: z.record(z.string(), z.number()),
    synthesizer_cost_map: z.record(z.string(), z.number()),
    transcriber_cost_map: z.record(z.string(), z.number()),
    llm_cost_map: z.looseObject({ cost: z.number() }),
  })
  .meta({ id: 'BolnaSubAccountUsage' });
const MASKED_KEY = `sa-${'*'.repeat(32)}`;

/** `/sub-accounts`: workspaces that the key's own has made. */
export function bolnaSubAccountRoutes(api: Api, context: ApiContext): void {
  const { workspaces } = context;
  const tags = ['bolna'];

  api.post(
    '/sub-accounts/create',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'createBolnaSubAccount',
        summary: 'Create a sub-account with its key, which is shown once',
        body: z
          .strictObject({
            name: z.string().trim().min(1).max(200),
            allow_concurrent_calls: limitSchema,
            multi_tenant: z.boolean().nullish(),
            db_host: z.string().nullish(),
            db_name: z.string().nullish(),
            db_port: z.union([z.string(), z.number()]).nullish(),
            db_user: z.string().nullish(),
            db_password: z.string().nullish(),
          })
          .meta({ examples: [{ name: 'Branch north', allow_concurrent_calls: 5 }] }),
        response: {
          200: subAccountSchema.extend({ user_id: z.string() }),
          ...bolnaErrors(400, 422),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { name, allow_concurrent_calls: limit, multi_tenant: own, ...database } = request.body;
      if (own === true || Object.values(database).some((value) => value != null && value !== '')) {
        throw unprocessable([
          {
            field: 'multi_tenant',
            problem: 'sub-accounts share the database, each behind its own fence; leave db_* out',
          },
        ]);
      }
      const { workspace, firstKey } = await workspaces.create(workspaceId, {
        name,
        maxConcurrentCalls: limit,
        keyForm: 'sa',
      });
      return {
        ...view(workspace, workspaceId),
        api_key: firstKey.key,
        user_id: bolnaId(workspace.id),
      };
    },
  );

  api.get(
    '/sub-accounts/all',
    {
      schema: {
        tags,
        operationId: 'listBolnaSubAccounts',
        summary: 'List sub-accounts, all at once',
        response: { 200: z.array(subAccountSchema), ...bolnaErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      return (await children(workspaceId)).map((row) => view(row, workspaceId));
    },
  );

  api.patch(
    '/sub-accounts/:sub_account_id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'updateBolnaSubAccount',
        summary: 'Change a sub-account',
        params,
        body: z
          .strictObject({
            name: z.string().trim().min(1).max(200).optional(),
            allow_concurrent_calls: limitSchema.optional(),
          })
          .meta({ examples: [{ allow_concurrent_calls: 10 }] }),
        response: { 200: doneSchema, ...bolnaErrors(400, 404, 422) },
      },
    },
    async (request) => {
      const { name, allow_concurrent_calls: maxConcurrentCalls } = request.body;
      const id = await childId(request.caller.workspaceId, request.params.sub_account_id);
      await workspaces.update(request.caller.workspaceId, id, { name, maxConcurrentCalls });
      return { message: 'success', state: 'updated' };
    },
  );

  api.delete(
    '/sub-accounts/:sub_account_id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'deleteBolnaSubAccount',
        summary: 'Delete a sub-account: its key ends at once',
        params,
        response: { 200: doneSchema, ...bolnaErrors(400, 404) },
      },
    },
    async (request) => {
      const id = await childId(request.caller.workspaceId, request.params.sub_account_id);
      await workspaces.remove(request.caller.workspaceId, id);
      await context.calls.refreshTrunks();
      return { message: 'success', state: 'deleted' };
    },
  );

  api.get(
    '/sub-accounts/:sub_account_id/usage',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'getBolnaSubAccountUsage',
        summary: 'What a sub-account used, over 32 days at most',
        params,
        querystring: usageQuery,
        response: { 200: usageSchema, ...bolnaErrors(404, 422) },
      },
    },
    async (request) => {
      const id = await childId(request.caller.workspaceId, request.params.sub_account_id);
      return usageOf(request.caller.workspaceId, id, rangeOf(request.query));
    },
  );

  api.get(
    '/sub-accounts/all/usage',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'getAllBolnaSubAccountUsage',
        summary: 'What each sub-account used, over 32 days at most',
        querystring: usageQuery,
        response: {
          200: z.array(
            usageSchema.extend({ sub_account_id: z.string(), sub_account_name: z.string() }),
          ),
          ...bolnaErrors(422),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const range = rangeOf(request.query);
      const rows = await children(workspaceId);
      return Promise.all(
        rows.map(async (row) => ({
          ...(await usageOf(workspaceId, row.id, range)),
          sub_account_id: bolnaId(row.id),
          sub_account_name: row.name,
        })),
      );
    },
  );

  async function children(workspaceId: string): Promise<WorkspaceRow[]> {
    const found: WorkspaceRow[] = [];
    let cursor: string | undefined;
    do {
      const page = await workspaces.list(workspaceId, { limit: 200, cursor });
      found.push(...page.data.filter(({ id }) => id !== workspaceId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  }

  /** @throws BolnaError 404 */
  async function childId(workspaceId: string, given: string): Promise<string> {
    const id = ownId('ws', given);
    const row = id === workspaceId ? null : await workspaces.get(workspaceId, id);
    if (!row) throw notFound('Sub-account', given);
    return row.id;
  }

  async function usageOf(
    workspaceId: string,
    id: string,
    range: { from: Date; to: Date },
  ): Promise<z.output<typeof usageSchema>> {
    const usage = await workspaces.usage(workspaceId, id, range);
    if (!usage) throw notFound('Sub-account', id);
    return usageView(usage, range);
  }

  /** @throws BolnaError 422 */
  function rangeOf(query: z.output<typeof usageQuery>): { from: Date; to: Date } {
    const to = query.to === undefined ? new Date(context.clock.now()) : utc(query.to);
    const from = query.from === undefined ? new Date(to.getTime() - 30 * DAY_MS) : utc(query.from);
    const days = (to.getTime() - from.getTime()) / DAY_MS;
    if (days > 0 && days <= MAX_USAGE_DAYS) return { from, to };
    throw unprocessable([
      { field: 'from', problem: `expected a time before to, by at most ${MAX_USAGE_DAYS} days` },
    ]);
  }
}

/** Without an offset it is UTC. */
function utc(text: string): Date {
  const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) || !text.includes('T');
  return new Date(hasZone ? text : `${text}Z`);
}

function view(row: WorkspaceRow, parentId: string): z.output<typeof subAccountSchema> {
  return {
    id: bolnaId(row.id),
    name: row.name,
    organization_id: bolnaId(parentId),
    api_key: MASKED_KEY,
    multi_tenant: false,
    allow_concurrent_calls: row.maxConcurrentCalls,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

function usageView(usage: Usage, range: { from: Date; to: Date }): z.output<typeof usageSchema> {
  const cents = (kind: string): number => (usage.costByKind[kind] ?? 0) / MICROS_PER_CENT;
  return {
    from: range.from.toISOString(),
    to: range.to.toISOString(),
    total_records: usage.callCount,
    total_duration: usage.durationMs / 1_000,
    total_cost: usage.costMicros / MICROS_PER_CENT,
    total_platform_cost: cents('platform'),
    total_telephony_cost: cents('network'),
    status_map: usage.callsByStatus,
    synthesizer_cost_map: { total: cents('synthesizer') },
    transcriber_cost_map: { total: cents('transcriber') },
    llm_cost_map: { cost: cents('model') },
  };
}
