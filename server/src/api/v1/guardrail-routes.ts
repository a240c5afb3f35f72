import { DateTime } from 'luxon';
import { z } from 'zod';
import { agentConfigSchema, type AgentConfig } from '../../agents/agent-config.ts';
import { estimateFor } from '../../calls/call-money.ts';
import { placesOf } from '../../compliance/callee-places.ts';
import { changeSettings, effectiveSettings } from '../../compliance/settings-store.ts';
import { guardrailSettingsSchema } from '../../compliance/settings.ts';
import * as agents from '../../db/queries/agents.ts';
import * as guardrails from '../../db/queries/guardrails.ts';
import * as traffic from '../../db/queries/traffic.ts';
import * as numbers from '../../db/queries/numbers.ts';
import * as trunks from '../../db/queries/trunks.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import { firstIdAt } from '../../shared/ids.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { readErrors, writeErrors } from '../schemas/common.ts';
import {
  guardrailChangeSchema,
  guardrailCheckSchema,
  guardrailCheckViewSchema,
  guardrailsView,
  guardrailsViewSchema,
  pauseSchema,
  refusalView,
  trafficView,
  trafficViewSchema,
} from '../schemas/guardrail.ts';
import { invalidRequest } from '../validate.ts';

const tags = ['guardrails'];
const HOUR_MS = 3_600_000;

/** `/v1/guardrails`. */
export function guardrailRoutes(api: Api, context: ApiContext): void {
  const { clock, database } = context;

  api.get(
    '/guardrails',
    {
      schema: {
        tags,
        operationId: 'getGuardrails',
        summary: 'Get the guardrails in force, their defaults, and which the workspace set',
        response: { 200: guardrailsViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      return guardrailsView(await effectiveSettings(database.tenant(workspaceId), workspaceId));
    },
  );

  api.patch(
    '/guardrails',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'updateGuardrails',
        summary: 'Change guardrails; a section that is null goes back to its defaults',
        body: guardrailChangeSchema,
        response: { 200: guardrailsViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const changed = await database.tenant(workspaceId).transaction(async (client) => {
        const effective = await changeSettings(client, workspaceId, request.body);
        requireWhole(effective.settings);
        return effective;
      });
      return guardrailsView(changed);
    },
  );

  api.post(
    '/guardrails/check',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        operationId: 'checkGuardrails',
        summary: 'Say what would happen to a call, now or at a given time, without placing it',
        body: guardrailCheckSchema,
        response: { 200: guardrailCheckViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { to, agent_id: agentId = null, campaign_id: campaignId, ...rest } = request.body;
      const client = database.tenant(workspaceId);
      const { trunk, from } = await routeOf(client, workspaceId, rest);
      const at = rest.at === undefined ? new Date(clock.now()) : new Date(rest.at);
      const refusals = await context.guardrails.explain(client, {
        stage: 'admission',
        workspaceId,
        trunk,
        from,
        to,
        agentId,
        at,
        keyId: request.caller.keyId,
        campaignId,
        purpose: rest.purpose,
        timezone: rest.timezone,
        window: rest.window,
        async reserve(own) {
          const agent = await agentOf(own, workspaceId, { agentId, from });
          const call = { workspaceId, trunkId: trunk.id, toNumber: to };
          return (await estimateFor(context.wallet, own, call, agent)).periodMicros;
        },
      });
      const recording = await context.guardrails.recording(client, {
        workspaceId,
        trunk,
        agentId,
        far: to,
        own: from,
      });
      const { country, region, zones } = placesOf(to, rest.timezone);
      return {
        allowed: refusals.length === 0,
        refusals: refusals.map(refusalView),
        at: at.toISOString(),
        callee: {
          country,
          region,
          zones: zones.map((zone) => ({
            timezone: zone,
            local_time: DateTime.fromJSDate(at, { zone }).toFormat("ccc yyyy-MM-dd'T'HH:mmZZ"),
          })),
        },
        recording: {
          mode: recording.mode,
          announcement: recording.announcement,
          may_record: recording.mayRecord,
        },
      };
    },
  );

  api.post(
    '/guardrails/pause',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'pauseCalls',
        summary: 'Refuse all calls over real trunks until they are resumed',
        body: pauseSchema,
        response: { 200: guardrailsViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { reason } = request.body;
      const client = database.tenant(workspaceId);
      await guardrails.setPaused(client, workspaceId, { at: new Date(clock.now()), reason });
      return guardrailsView(await effectiveSettings(client, workspaceId));
    },
  );

  api.post(
    '/guardrails/resume',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'resumeCalls',
        summary: 'Allow calls again after a pause',
        response: { 200: guardrailsViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const client = database.tenant(workspaceId);
      await guardrails.setPaused(client, workspaceId, null);
      return guardrailsView(await effectiveSettings(client, workspaceId));
    },
  );

  api.get(
    '/guardrails/traffic',
    {
      schema: {
        tags,
        operationId: 'getTrafficQuality',
        summary: 'Get how the outbound calls of each trunk went: answered, length, ringing delay',
        querystring: z.strictObject({
          hours: z.coerce.number().int().min(1).max(720).default(24).describe('So far back.'),
        }),
        response: { 200: z.object({ data: z.array(trafficViewSchema) }), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const sinceId = firstIdAt('call', clock.now() - request.query.hours * HOUR_MS);
      const rows = await traffic.trafficQuality(database.tenant(workspaceId), workspaceId, sinceId);
      return { data: rows.map(trafficView) };
    },
  );
}

/** Sections that are fine by themselves may not be so together with what was stored before. */
function requireWhole(settings: unknown): void {
  const parsed = guardrailSettingsSchema.safeParse(settings);
  if (parsed.success) return;
  throw invalidRequest(
    parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), problem: message })),
  );
}

/** The trunk and the from-number that a call would have; a from that is on no trunk is judged by G10. */
/** Whose prices count: the agent that is named, else that of the from-number. Null: nobody’s. */
async function agentOf(
  client: Queryable,
  workspaceId: string,
  { agentId, from }: { agentId: string | null; from: string },
): Promise<AgentConfig | null> {
  const row =
    agentId === null
      ? await agentOfNumber(client, workspaceId, from)
      : await agents.get(client, workspaceId, agentId);
  return agentConfigSchema.safeParse(row?.config).data ?? null;
}

async function agentOfNumber(
  client: Queryable,
  workspaceId: string,
  e164: string,
): Promise<agents.AgentRow | null> {
  const route = await numbers.findByE164(client, e164);
  return route?.number.workspaceId === workspaceId ? route.agent : null;
}

async function routeOf(
  client: Queryable,
  workspaceId: string,
  wanted: { from?: string | undefined; trunk_id?: string | undefined },
): Promise<{ trunk: { id: string; sandbox: boolean }; from: string }> {
  const { from, trunk_id: trunkId } = wanted;
  if (trunkId !== undefined) {
    const trunk = await trunks.getWithGateways(client, workspaceId, trunkId);
    if (!trunk)
      throw new ApiError('trunk_not_found', `there is no trunk ${trunkId} in this workspace`);
    const own =
      from ?? (await numbers.list(client, workspaceId, { trunkId, limit: 1 })).data[0]?.e164;
    if (own === undefined) {
      throw invalidRequest([
        { field: 'from', problem: `trunk ${trunkId} has no number; name one` },
      ]);
    }
    return { trunk: { id: trunk.id, sandbox: trunk.sandbox }, from: own };
  }
  if (from !== undefined) {
    const route = await numbers.findByE164(client, from);
    if (route?.number.workspaceId === workspaceId) {
      return { trunk: { id: route.trunk.id, sandbox: route.trunk.sandbox }, from };
    }
    return { trunk: { id: '', sandbox: false }, from };
  }
  const page = await trunks.list(client, workspaceId, { limit: 200 });
  const sandbox = page.data.find((trunk) => trunk.sandbox);
  const own =
    sandbox && (await numbers.list(client, workspaceId, { trunkId: sandbox.id, limit: 1 }));
  const number = own?.data[0]?.e164;
  if (!sandbox || number === undefined) {
    throw invalidRequest([{ field: 'from', problem: 'name a from-number or a trunk_id' }]);
  }
  return { trunk: { id: sandbox.id, sandbox: true }, from: number };
}
