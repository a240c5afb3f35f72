import { z } from 'zod';
import * as calls from '../../db/queries/zentrunk-calls.ts';
import { ZentrunkError } from '../../trunk-service/zentrunk-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { callView, callSchema, insightsOf, insightsSchema } from './call-view.ts';
import { zentrunkErrors } from './zentrunk-errors.ts';
import {
  accountParams,
  itemParams,
  listOf,
  listQuery,
  ListRequest,
  notFound,
  uuidOr404,
} from './zentrunk-schemas.ts';

const COMPARISONS = ['gt', 'gte', 'lt', 'lte'] as const;
const FILTERS = [
  'from_number',
  'to_number',
  'call_direction',
  'hangup_cause_code',
  'hangup_source',
  'stir_verification',
  ...['bill_duration', 'end_time'].flatMap((name) => [
    name,
    ...COMPARISONS.map((comparison) => `${name}__${comparison}`),
  ]),
] as const;
/** Where no time is asked for. */
const DEFAULT_SPAN_MS = 30 * 86_400_000;
const TIME = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})(:\d{2}(?:\.\d{1,6})?)?$/;
const PATH = '/:auth_id/Zentrunk/Call';

/** `Zentrunk/Call/`: records of calls. */
export function callRoutes(api: Api, context: ApiContext): void {
  const tags = ['zentrunk'];

  api.get(
    PATH,
    {
      schema: {
        tags,
        operationId: 'listZentrunkCalls',
        summary: 'List records of calls, latest first; of the last 30 days where no time is named',
        params: accountParams,
        querystring: listQuery(FILTERS),
        response: { 200: listOf(callSchema), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const asked = new ListRequest(request.query, FILTERS);
      const path = `v1/Account/${workspaceId}/Zentrunk/Call/`;
      const stir = asked.oneOf('stir_verification', ['Verified', 'Not Verified', 'Not Applicable']);
      const filter = filterOf(asked, context.clock.now());
      // Nobody's caller ID is signed here, so that there are records of one kind only.
      const found =
        stir !== undefined && stir !== 'Not Applicable'
          ? { data: [], totalCount: 0 }
          : await calls.list(context.database.tenant(workspaceId), workspaceId, filter, asked.page);
      return asked.answer(request.apiId, path, found, callView);
    },
  );

  api.get(
    `${PATH}/:uuid`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkCall',
        summary: 'Get the record of a call',
        params: itemParams,
        response: {
          200: callSchema.extend({ api_id: z.string(), object: callSchema }),
          ...zentrunkErrors(),
        },
      },
    },
    async (request) => {
      const row = await callOr404(request.caller.workspaceId, request.params.uuid);
      return { api_id: request.apiId, ...callView(row), object: callView(row) };
    },
  );

  api.get(
    `${PATH}/:uuid/Insights`,
    {
      schema: {
        tags,
        operationId: 'getZentrunkCallInsights',
        summary: 'Get what was measured of a call’s audio',
        params: itemParams,
        response: { 200: insightsSchema.extend({ api_id: z.string() }), ...zentrunkErrors() },
      },
    },
    async (request) => {
      const row = await callOr404(request.caller.workspaceId, request.params.uuid);
      return { api_id: request.apiId, ...insightsOf(row) };
    },
  );

  async function callOr404(workspaceId: string, uuid: string): Promise<calls.ZentrunkCallRow> {
    const id = uuidOr404(uuid);
    const row = await calls.get(context.database.tenant(workspaceId), workspaceId, id);
    if (!row) throw notFound(id);
    return row;
  }
}

function filterOf(asked: ListRequest, nowMs: number): calls.ZentrunkCallFilter {
  const endedAt = comparisonsOf('end_time', (name) => {
    const given = asked.text(name);
    return given === undefined ? undefined : timeOf(name, given);
  });
  const isOpenBelow = endedAt.gt === undefined && endedAt.gte === undefined;
  const isBoundAbove = endedAt.lt !== undefined || endedAt.lte !== undefined;
  if (isOpenBelow && isBoundAbove) {
    throw new ZentrunkError(400, 'end_time: give end_time__gt or end_time__gte as well');
  }
  if (isOpenBelow && endedAt.eq === undefined) endedAt.gte = new Date(nowMs - DEFAULT_SPAN_MS);
  return {
    fromNumber: asked.text('from_number'),
    toNumber: asked.text('to_number'),
    direction: asked.oneOf('call_direction', ['inbound', 'outbound']),
    hangupCode: asked.whole('hangup_cause_code'),
    hangupSource: asked.oneOf('hangup_source', ['customer', 'carrier', 'zentrunk']),
    billDurationS: comparisonsOf('bill_duration', (name) => asked.whole(name)),
    endedAt,
  };
}

/** `name` itself and `name__gt` and so on, as far as they were asked with. */
function comparisonsOf<Value>(
  name: string,
  read: (parameter: string) => Value | undefined,
): Partial<Record<calls.ZentrunkComparison, Value>> {
  const found: Partial<Record<calls.ZentrunkComparison, Value>> = {};
  const equal = read(name);
  if (equal !== undefined) found.eq = equal;
  for (const comparison of COMPARISONS) {
    const value = read(`${name}__${comparison}`);
    if (value !== undefined) found[comparison] = value;
  }
  return found;
}

/** UTC. */
function timeOf(name: string, given: string): Date {
  const [, day = '', minute = '', second = ':00'] = TIME.exec(given) ?? [];
  const time = new Date(`${day}T${minute}${second}Z`);
  if (day === '' || Number.isNaN(time.getTime())) {
    throw new ZentrunkError(400, `${name}: expected YYYY-MM-DD HH:MM[:ss]`);
  }
  return time;
}
