import { IANAZone } from 'luxon';
import { agentConfigSchema, type AgentConfig } from '../agents/agent-config.ts';
import type { RetryPolicy } from '../agents/retry-schema.ts';
import { variablesProblem, type JsonValue } from '../agents/variables.ts';
import type { WeekWindow } from '../compliance/data/calling-windows.ts';
import { checkDialable } from '../compliance/rules/destination.ts';
import type { CallPurpose } from '../compliance/guardrail-types.ts';
import type { TransactionClient } from '../db/database.ts';
import type * as agents from '../db/queries/agents.ts';
import * as callParts from '../db/queries/call-parts.ts';
import type { CallRow } from '../db/queries/calls.ts';
import * as numbers from '../db/queries/numbers.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { WorkspaceRow } from '../db/queries/workspaces.ts';
import { isSandboxNumber, parseE164 } from '../trunks/e164.ts';
import { SANDBOX_NUMBER } from '../trunks/sandbox-trunk.ts';
import { AdmissionError } from './admission-error.ts';
import { ROOM_LEG } from './room-leg-config.ts';

/** Where a call was asked for. */
export const DOORS = ['v1', 'bolna', 'bolti', 'zentrunk', 'livekit', 'campaign'] as const;
export type Door = (typeof DOORS)[number];

/** What somebody asks for. What is left out is taken from the sandbox. */
export interface CallRequest {
  workspaceId: string;
  to: string;
  /** Default: a number of the agent, else the sandbox number. */
  from?: string | undefined;
  /** Default: the agent of the from-number. Null: none of ours speaks; it is a leg of a room. */
  agentId?: string | null | undefined;
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
  /** A guardrail allows it later only: refuse, or put it off until then. Default: what fits the door. */
  onGuardrailLater?: 'refuse' | 'reschedule' | undefined;
  /** IANA zone of the callee where it is known better than by number. */
  timezone?: string | undefined;
  /** Why the person is called. Default: the workspace's. */
  purpose?: CallPurpose | undefined;
  /** Narrows the hours in which the person may be called. */
  callingWindow?: WeekWindow | undefined;
  /** The API key that asks, for caps per key. */
  apiKeyId?: string | null | undefined;
  /** Runs in the transaction that stores the call, after the call and before its job. */
  also?: ((client: TransactionClient, call: CallRow) => Promise<void>) | undefined;
}

/** A call that may be placed. */
export interface Admitted {
  /** Null: none of ours speaks. */
  agentRow: agents.AgentRow | null;
  agent: AgentConfig;
  trunk: TrunkWithGateways;
  from: string;
  to: string;
  workspace: WorkspaceRow | null;
}

/** How far ahead a call may be scheduled. */
const MAX_SCHEDULE_MS = 366 * 24 * 3_600_000;
const MAX_DURATION_S = 14_400;
const MAX_METADATA_BYTES = 16_384;

/**
 * The shape of a call and its parts: the agent exists and can run, the from-number belongs to an
 * active trunk of the workspace, both numbers are numbers. Guardrails, limits and money come after.
 * @throws AdmissionError
 */
export async function admitCall(
  client: Queryable,
  request: CallRequest,
  nowMs: number,
): Promise<Admitted> {
  checkShape(request, nowMs);
  const { workspaceId, agentId = null } = request;
  const parts = await callParts.load(client, { workspaceId, agentId, e164: knownFrom(request) });
  const route = await findRoute(client, request, parts);
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
  refuseEmergency(request.to);
  const to = parseE164(request.to, { sandbox: trunk.sandbox });
  if (!to.ok) throw new AdmissionError('invalid-to', to.message, 'to');
  const agentRow = findAgent(request, route, parts.agent);
  return {
    agentRow,
    agent: agentRow ? usableAgent(agentRow) : ROOM_LEG,
    trunk,
    from: number.e164,
    to: to.e164,
    workspace: parts.workspace,
  };
}

/**
 * The number that it will call from, where that can be told without a look at the database; null:
 * it cannot.
 * @throws AdmissionError
 */
function knownFrom({ from, trunkId, agentId, to }: CallRequest): string | null {
  if (from !== undefined) {
    // The number is looked up among ours: its form says enough.
    const parsed = parseE164(from, { sandbox: true, check: 'form' });
    if (!parsed.ok) throw new AdmissionError('invalid-from', parsed.message, 'from');
    return parsed.e164;
  }
  return trunkId === undefined && (agentId == null || isSandboxNumber(to)) ? SANDBOX_NUMBER : null;
}

/** G28 goes before the form of a number: 911 is none, and nobody should have to guess why not. */
function refuseEmergency(to: string): void {
  const refusal = checkDialable(to);
  if (refusal?.code !== 'emergency-number') return;
  throw new AdmissionError('guardrail', refusal.message, { field: 'to', rule: refusal.rule });
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

function checkShape(request: CallRequest, nowMs: number): void {
  checkSchedule(request.scheduledAt, nowMs);
  const problem = variablesProblem(request.variables ?? {});
  if (problem !== null) throw new AdmissionError('invalid-variables', problem, 'variables');
  const bytes = Buffer.byteLength(JSON.stringify(request.metadata ?? {}));
  if (bytes > MAX_METADATA_BYTES) {
    refuseOption('metadata', `expected at most ${MAX_METADATA_BYTES} bytes, got ${bytes}`);
  }
  const { maxDurationS, ringTimeoutMs, timezone } = request;
  if (maxDurationS !== undefined && !isWithin(maxDurationS, 10, MAX_DURATION_S)) {
    refuseOption('max_duration_s', `expected 10 to ${MAX_DURATION_S} seconds`);
  }
  if (ringTimeoutMs !== undefined && !isWithin(ringTimeoutMs, 1_000, 300_000)) {
    refuseOption('ring_timeout_s', 'expected 1 to 300 seconds');
  }
  if (timezone !== undefined && !IANAZone.isValidZone(timezone)) {
    refuseOption('timezone', 'expected an IANA time zone, such as Europe/Berlin');
  }
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function refuseOption(field: string, message: string): never {
  throw new AdmissionError('invalid-option', message, field);
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

/** @param parts with the route of the number that `knownFrom` tells. */
async function findRoute(
  client: Queryable,
  request: CallRequest,
  { route, workspace }: Pick<callParts.CallParts, 'route' | 'workspace'>,
): Promise<numbers.NumberRoute> {
  const { workspaceId, from, trunkId } = request;
  if (from !== undefined) {
    // A number of somebody else looks like one that does not exist.
    const isOurs = route?.number.workspaceId === workspaceId;
    if (isOurs && trunkId !== undefined && route.trunk.id !== trunkId) {
      const shared = await trunkThatShares(client, { workspaceId, trunkId }, route.number.e164);
      if (shared) return { ...route, trunk: shared };
    }
    if (!isOurs || (trunkId !== undefined && route.trunk.id !== trunkId)) {
      throw new AdmissionError(
        'guardrail',
        trunkId === undefined
          ? 'the from-number belongs to no trunk of this workspace; use a number of one of its trunks'
          : `the from-number does not belong to trunk ${trunkId}; use one of the trunk’s numbers`,
        { field: 'from', rule: 'G10' },
      );
    }
    return route;
  }
  if (trunkId !== undefined) return routeOfTrunk(client, workspaceId, trunkId);
  const usual = await defaultRoute(client, request, route);
  if (!usual) throw withoutSandbox(workspace);
  return usual;
}

/** Its trunk, its number and what they may do are those of one workspace. */
function withoutSandbox(workspace: WorkspaceRow | null): AdmissionError {
  return new AdmissionError(
    'from-not-found',
    workspace !== null && workspace.parentId !== null
      ? 'name a from-number of a trunk of this sub-account: the sandbox and its test numbers are the main account’s, so place test calls with its key'
      : `name a from-number: there is no sandbox number to call from (${SANDBOX_NUMBER} comes back at the next start with the sandbox on)`,
    'from',
  );
}

/** A number of ours may be shown by several trunks to the same carrier, where each names it. */
async function trunkThatShares(
  client: Queryable,
  { workspaceId, trunkId }: { workspaceId: string; trunkId: string },
  e164: string,
): Promise<TrunkWithGateways | null> {
  const trunk = await trunks.getWithGateways(client, workspaceId, trunkId);
  const { shared_numbers: shown } = trunk?.doorData ?? {};
  return Array.isArray(shown) && shown.includes(e164) ? trunk : null;
}

/** The trunk's first number. */
async function routeOfTrunk(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<numbers.NumberRoute> {
  const trunk = await trunks.getWithGateways(client, workspaceId, trunkId);
  if (!trunk) {
    throw new AdmissionError('trunk-not-found', `there is no trunk ${trunkId}`, 'trunk_id');
  }
  const { data } = await numbers.list(client, workspaceId, { trunkId, limit: 1 });
  const route = data[0] && (await numbers.findByE164(client, data[0].e164));
  if (route) return route;
  throw new AdmissionError('from-not-found', `trunk ${trunkId} has no number to call from`, 'from');
}

/**
 * The agent's own number on an active trunk, else the sandbox's. A sandbox number is reached over
 * the sandbox only.
 */
async function defaultRoute(
  client: Queryable,
  { workspaceId, agentId, to }: CallRequest,
  known: numbers.NumberRoute | null,
): Promise<numbers.NumberRoute | null> {
  const forSandbox = agentId == null || isSandboxNumber(to);
  if (!forSandbox) {
    const own = await numbers.list(client, workspaceId, { agentId });
    for (const { e164 } of own.data) {
      const route = await numbers.findByE164(client, e164);
      const { trunk } = route ?? {};
      if (trunk?.active && trunk.outboundEnabled && trunk.gateways.length > 0) return route;
    }
  }
  const sandbox = forSandbox ? known : await numbers.findByE164(client, SANDBOX_NUMBER);
  return sandbox?.trunk.sandbox && sandbox.number.workspaceId === workspaceId ? sandbox : null;
}

function findAgent(
  { agentId }: CallRequest,
  route: numbers.NumberRoute,
  asked: agents.AgentRow | null,
): agents.AgentRow | null {
  if (agentId === null) return null;
  if (agentId === undefined) {
    if (route.agent) return route.agent;
    throw new AdmissionError(
      'agent-not-found',
      'name an agent: the from-number has none',
      'agent_id',
    );
  }
  if (asked) return asked;
  throw new AdmissionError('agent-not-found', `there is no agent ${agentId}`, 'agent_id');
}
