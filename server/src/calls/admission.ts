import { agentConfigSchema, type AgentConfig } from '../agents/agent-config.ts';
import type { RetryPolicy } from '../agents/retry-schema.ts';
import type { JsonValue } from '../agents/variables.ts';
import * as agents from '../db/queries/agents.ts';
import * as numbers from '../db/queries/numbers.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { isSandboxNumber, parseE164 } from '../trunks/e164.ts';
import { SANDBOX_NUMBER } from '../trunks/sandbox-trunk.ts';
import { AdmissionError } from './admission-error.ts';

/** Where a call was asked for. */
export const DOORS = ['v1', 'bolna', 'bolti', 'zentrunk', 'livekit', 'campaign'] as const;
export type Door = (typeof DOORS)[number];

/** What somebody asks for. What is left out is taken from the sandbox. */
export interface CallRequest {
  workspaceId: string;
  to: string;
  /** Default: a number of the agent, else the sandbox number. */
  from?: string | undefined;
  /** Default: the agent of the from-number. */
  agentId?: string | undefined;
  /** Call from a number of this trunk. Default: any. */
  trunkId?: string | undefined;
  /** Values of `{name}`; those of objects are `{object.name}`. */
  variables?: Record<string, JsonValue> | undefined;
  /** Default: at once. */
  scheduledAt?: Date | undefined;
  /** Default: that of the agent. Null: never again. */
  retry?: RetryPolicy | null | undefined;
  /** Default `v1`. */
  door?: Door | undefined;
  /** Kept and shown, never looked at. */
  metadata?: Record<string, string> | undefined;
  /** Default: that of the agent. */
  maxDurationS?: number | undefined;
  /** Default: that of the trunk. */
  ringTimeoutMs?: number | undefined;
  /** What the door wants to read back from the row. */
  doorData?: Record<string, JsonValue> | undefined;
  /** The campaign or batch that it belongs to. */
  batchId?: string | undefined;
  /** The same key answers with the same call. */
  idempotencyKey?: string | undefined;
  /** What must be the same under one key. Default: the fields of this request. */
  idempotencyBody?: unknown;
  /** Every concurrency limit taken: `refuse`, or wait in line. Default: what fits the door. */
  whenFull?: 'refuse' | 'queue' | undefined;
  /** `record` stores a call with the status `balance-low` instead of refusing. Default `refuse`. */
  onInsufficientCredit?: 'refuse' | 'record' | undefined;
  /** For the guardrails: the recipient's IANA time zone where it is known better than by number. */
  timezone?: string | undefined;
  /** For the guardrails: why the person is called. */
  purpose?: string | undefined;
}

/** A call that may be placed. */
export interface Admitted {
  agentRow: agents.AgentRow;
  agent: AgentConfig;
  trunk: TrunkWithGateways;
  from: string;
  to: string;
}

/** How far ahead a call may be scheduled. */
const MAX_SCHEDULE_MS = 366 * 24 * 3_600_000;

/**
 * The one way in for outbound calls: the agent exists and can run, the from-number belongs to an
 * active trunk of the workspace, both numbers are numbers.
 * @throws AdmissionError
 */
export async function admitCall(
  client: Queryable,
  request: CallRequest,
  nowMs: number,
): Promise<Admitted> {
  checkSchedule(request.scheduledAt, nowMs);
  const route = await findRoute(client, request);
  const { trunk, number } = route;
  if (!trunk.active) {
    throw new AdmissionError('trunk-inactive', `trunk ${trunk.id} is switched off`, 'from');
  }
  if (!trunk.outboundEnabled) {
    throw new AdmissionError(
      'trunk-inactive',
      `trunk ${trunk.id} makes no calls: its outbound_enabled is false`,
      'from',
    );
  }
  if (trunk.gateways.length === 0) {
    throw new AdmissionError('trunk-without-gateway', `trunk ${trunk.id} has no gateway`, 'from');
  }
  const to = parseE164(request.to, { sandbox: trunk.sandbox });
  if (!to.ok) throw new AdmissionError('invalid-to', to.message, 'to');
  const agentRow = await findAgent(client, request, route);
  return { agentRow, agent: usableAgent(agentRow), trunk, from: number.e164, to: to.e164 };
}

/**
 * The agent as it runs.
 * @throws AdmissionError when its document cannot run a call.
 */
export function usableAgent(row: agents.AgentRow): AgentConfig {
  const parsed = agentConfigSchema.safeParse(row.config);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AdmissionError(
      'agent-not-usable',
      `agent ${row.id} cannot run: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
      'agent_id',
    );
  }
  if (parsed.data.type === 'scripted' && parsed.data.script === null) {
    throw new AdmissionError(
      'agent-not-usable',
      `agent ${row.id} is scripted and has no script`,
      'agent_id',
    );
  }
  return parsed.data;
}

function checkSchedule(scheduledAt: Date | undefined, nowMs: number): void {
  if (scheduledAt === undefined) return;
  const atMs = scheduledAt.getTime();
  if (!(atMs > nowMs - 60_000 && atMs < nowMs + MAX_SCHEDULE_MS)) {
    throw new AdmissionError(
      'invalid-schedule',
      'expected a time from now to one year ahead in scheduled_at',
      'scheduled_at',
    );
  }
}

async function findRoute(client: Queryable, request: CallRequest): Promise<numbers.NumberRoute> {
  const { workspaceId, from } = request;
  if (from !== undefined) {
    const parsed = parseE164(from, { sandbox: true });
    if (!parsed.ok) throw new AdmissionError('invalid-from', parsed.message, 'from');
    const route = await numbers.findByE164(client, parsed.e164);
    // A number of somebody else looks like one that does not exist.
    if (!route || route.number.workspaceId !== workspaceId) {
      throw new AdmissionError(
        'from-not-found',
        'the from-number belongs to no trunk of this workspace',
        'from',
      );
    }
    return route;
  }
  const route = await defaultRoute(client, request);
  if (!route) {
    throw new AdmissionError(
      'from-not-found',
      'name a from-number: there is no sandbox trunk to take one from',
      'from',
    );
  }
  return route;
}

/**
 * The agent's own number on an active trunk, else the sandbox's. A sandbox number is reached over
 * the sandbox only.
 */
async function defaultRoute(
  client: Queryable,
  { workspaceId, agentId, to }: CallRequest,
): Promise<numbers.NumberRoute | null> {
  if (agentId !== undefined && !isSandboxNumber(to)) {
    const own = await numbers.list(client, workspaceId, { agentId });
    for (const { e164 } of own.data) {
      const route = await numbers.findByE164(client, e164);
      if (route?.trunk.active && route.trunk.gateways.length > 0) return route;
    }
  }
  const sandbox = await numbers.findByE164(client, SANDBOX_NUMBER);
  return sandbox?.trunk.sandbox && sandbox.number.workspaceId === workspaceId ? sandbox : null;
}

async function findAgent(
  client: Queryable,
  { workspaceId, agentId }: CallRequest,
  route: numbers.NumberRoute,
): Promise<agents.AgentRow> {
  if (agentId === undefined) {
    if (route.agent) return route.agent;
    throw new AdmissionError(
      'agent-not-found',
      'name an agent: the from-number has none',
      'agent_id',
    );
  }
  const agent = await agents.get(client, workspaceId, agentId);
  if (!agent)
    throw new AdmissionError('agent-not-found', `there is no agent ${agentId}`, 'agent_id');
  return agent;
}
