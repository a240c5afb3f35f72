import type { GuardrailWarning, Permission } from '../compliance/guardrail-types.ts';
import * as calls from '../db/queries/calls.ts';
import type { TransactionClient } from '../db/database.ts';
import type { CallEvent } from '../events/call-event.ts';
import { appendCallEvent, insertToldCall } from '../events/event-log.ts';
import { newId } from '../shared/ids.ts';
import { AdmissionError } from './admission-error.ts';
import { admitCall, type Admitted, type CallRequest, type Door } from './admission.ts';
import { requireAgentReady } from './agent-check.ts';
import type { CallContext } from './call-context.ts';
import { zeroCost } from './call-cost.ts';
import { DIAL_JOB_DELAY_S } from './dial-here.ts';
import type { KnownCall } from './load-plan.ts';
import { estimateFor, holdMoney } from './call-money.ts';
import { requestHash, storedKey } from './idempotency.ts';
import { findFullLimit } from './limits.ts';
import { recordStatus } from './record-status.ts';
import { limitsOf } from './workspace-limits.ts';

export interface PlacedCall {
  call: calls.CallRow;
  /** False: the idempotency key was used before, and this is the call of then. */
  created: boolean;
}

/** Doors whose vendors put a call off that may not be made at this hour. */
const RESCHEDULING: ReadonlySet<Door> = new Set(['bolna', 'campaign']);

/** What a call is stored as, and what the guardrails said about it. */
interface Start {
  fields: Pick<calls.NewCall, 'status' | 'scheduledAt' | 'queuedAt' | 'guardrail'>;
  permission: Permission | null;
  /** To be told of in the call's events. */
  warnings: readonly Pick<GuardrailWarning, 'rule' | 'message'>[];
}

interface StoreOptions {
  key: Pick<calls.NewCall, 'idempotencyKey' | 'idempotencyHash'>;
  /** This node dials it as soon as it is stored; its job comes later, should that come to nothing. */
  dialledHere: boolean;
}

interface Stored {
  call: calls.CallRow;
  events: CallEvent[];
  /** Of the job that dials it; null: none was needed. */
  jobId: string | null;
}

/**
 * The one way in for outbound calls. Admits a call and stores it together with the job that dials it
 * and the money that it reserves: all or nothing.
 * @throws AdmissionError
 */
export async function placeCall(ctx: CallContext, request: CallRequest): Promise<PlacedCall> {
  const key = storedKey(request);
  const hash = key === null ? null : requestHash(request);
  const earlier = key === null ? null : await sameKey(ctx, request, key, hash);
  if (earlier) return earlier;
  const admitted = await admitCall(ctx.db.pool, request, ctx.clock.now());
  const place = ctx.dialPlace();
  try {
    const stored = await ctx.db.transaction((client) =>
      admitAndStore(ctx, client, request, admitted, {
        key: { idempotencyKey: key, idempotencyHash: hash },
        dialledHere: place !== null,
      }),
    );
    const { call, events, jobId } = stored;
    for (const event of events) ctx.feed.publish(event);
    if (call.status === 'queued') place?.begin(knownOf(request, admitted, call), jobId);
    return { call, created: true };
  } catch (error) {
    // Two requests with one key at the same moment: one of them stored the call.
    const first =
      key !== null && isUniqueViolation(error) ? await sameKey(ctx, request, key, hash) : null;
    if (first) return first;
    throw error;
  } finally {
    place?.release();
  }
}

/** What dialling it at once need not read again. */
function knownOf(
  { also }: CallRequest,
  { agentRow, trunk, workspace }: Admitted,
  call: calls.CallRow,
): KnownCall {
  // A room's seat is taken in the transaction by whoever asked.
  return { call, trunk, agentRow, workspace, ...(also === undefined && { seat: null }) };
}

async function admitAndStore(
  ctx: CallContext,
  client: TransactionClient,
  request: CallRequest,
  admitted: Admitted,
  { key, dialledHere }: StoreOptions,
): Promise<Stored> {
  const nowMs = ctx.clock.now();
  if (admitted.agentRow) {
    await requireAgentReady(ctx, client, admitted.agentRow, admitted.agent);
  }
  const id = newId('call', nowMs);
  const start = await startOf(ctx, client, request, admitted, { id, nowMs });
  const waits = start.fields.status !== 'queued' || mayWait(request);
  if (!waits) await requirePlace(client, request, admitted);
  const retry = request.retry === undefined ? admitted.agent.retry : request.retry;
  const { call: row, event } = await insertToldCall(
    client,
    {
      id,
      workspaceId: request.workspaceId,
      direction: 'outbound',
      agentId: admitted.agentRow?.id ?? null,
      trunkId: admitted.trunk.id,
      fromNumber: admitted.from,
      toNumber: admitted.to,
      variables: request.variables ?? {},
      createdAt: new Date(nowMs),
      door: request.door ?? 'v1',
      doorData: request.doorData ?? {},
      metadata: request.metadata ?? {},
      batchId: request.batchId ?? null,
      retry,
      maxDurationS: maxDurationOf(request, admitted.agent, start.permission),
      ringTimeoutMs: request.ringTimeoutMs ?? null,
      timezone: request.timezone ?? null,
      purpose: request.purpose ?? null,
      callingWindow: request.callingWindow ?? null,
      apiKeyId: request.apiKeyId ?? null,
      waits,
      ...key,
      ...start.fields,
    },
    'call.queued',
  );
  await request.also?.(client, row);
  const events = [event, ...(await appendWarnings(client, row.id, start.warnings))];
  // A call that is put off gets its money and its job when its time has come.
  if (row.status !== 'queued') return { call: row, events, jobId: null };
  const held = await holdMoney(ctx, client, row, admitted.agentRow && admitted.agent, {
    isNew: true,
  });
  if (!held.ok) {
    if (request.onInsufficientCredit !== 'record') throw insufficientCredit(held);
    const broke = await recordBalanceLow(client, row.id, nowMs);
    return { call: broke.call, events: [...events, ...broke.events], jobId: null };
  }
  const jobId = await ctx.jobs.send(
    'call.dial',
    { callId: row.id },
    { client, singletonKey: row.id, ...(dialledHere && { startAfter: DIAL_JOB_DELAY_S }) },
  );
  return { call: row, events, jobId };
}

/** Now, at its time, or when a guardrail allows it. */
async function startOf(
  ctx: CallContext,
  client: TransactionClient,
  request: CallRequest,
  { agent, agentRow, trunk, from, to }: Admitted,
  { id, nowMs }: { id: string; nowMs: number },
): Promise<Start> {
  const at =
    request.scheduledAt && request.scheduledAt.getTime() > nowMs ? request.scheduledAt : null;
  const verdict = await ctx.guardrails?.check(client, {
    stage: 'admission',
    workspaceId: request.workspaceId,
    trunk: { id: trunk.id, sandbox: trunk.sandbox },
    from,
    to,
    agentId: agentRow?.id ?? null,
    callId: id,
    keyId: request.apiKeyId ?? null,
    ...(request.batchId !== undefined && { campaignId: request.batchId }),
    ...(request.purpose !== undefined && { purpose: request.purpose }),
    ...(request.callingWindow !== undefined && { window: request.callingWindow }),
    ...(request.timezone !== undefined && { timezone: request.timezone }),
    ...(at && { at }),
    async reserve(own) {
      const call = { workspaceId: request.workspaceId, trunkId: trunk.id, toNumber: to };
      return (await estimateFor(ctx.wallet, own, call, agentRow && agent)).periodMicros;
    },
  });
  if (verdict?.allowed === false) {
    const { retryAt, rule, message } = verdict;
    if (retryAt === null || !mayReschedule(request)) {
      throw new AdmissionError('guardrail', message, { field: 'to', rule, retryAt });
    }
    return {
      fields: { status: 'rescheduled', scheduledAt: retryAt, guardrail: rule },
      permission: null,
      warnings: [verdict],
    };
  }
  return {
    fields: at
      ? { status: 'scheduled', scheduledAt: at }
      : { status: 'queued', queuedAt: new Date(nowMs) },
    permission: verdict ?? null,
    warnings: verdict?.warnings ?? [],
  };
}

/** What the request and the guardrails leave of the agent's own limit; null: all of it. */
function maxDurationOf(
  { maxDurationS }: CallRequest,
  agent: Admitted['agent'],
  permission: Permission | null,
): number | null {
  const wanted = maxDurationS ?? agent.max_duration_s;
  if (permission && permission.maxDurationS < wanted) return permission.maxDurationS;
  return maxDurationS ?? null;
}

async function appendWarnings(
  client: TransactionClient,
  callId: string,
  warnings: Start['warnings'],
): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  for (const { rule, message } of warnings) {
    const data = { code: 'guardrail', message: `${rule}: ${message}` } as const;
    events.push(await appendCallEvent(client, callId, { type: 'call.warning', data }));
  }
  return events;
}

function mayReschedule({ door = 'v1', onGuardrailLater }: CallRequest): boolean {
  return onGuardrailLater === undefined
    ? RESCHEDULING.has(door)
    : onGuardrailLater === 'reschedule';
}

function mayWait({ door = 'v1', whenFull }: CallRequest): boolean {
  return whenFull === undefined ? door === 'campaign' : whenFull === 'queue';
}

/** @throws AdmissionError */
async function requirePlace(
  client: TransactionClient,
  { workspaceId }: CallRequest,
  { agent, agentRow, trunk, workspace }: Admitted,
): Promise<void> {
  const limits = limitsOf(workspace, trunk, agent);
  const scope = { workspaceId, trunkId: trunk.id, agentId: agentRow?.id ?? null };
  const full = await findFullLimit(client, scope, limits, 'admission');
  if (!full) return;
  throw new AdmissionError(
    'limit-reached',
    `the ${full.scope} has ${full.limit} of ${full.limit} calls at once; try again when one is over`,
  );
}

function insufficientCredit(held: { balanceMicros: number; neededMicros: number }): AdmissionError {
  return new AdmissionError(
    'insufficient-credit',
    `the call needs ${held.neededMicros} micros of credit and the wallet has ${held.balanceMicros}`,
    held,
  );
}

/** Ends a call that was never dialled because nobody can pay for it. */
export async function recordBalanceLow(
  client: TransactionClient,
  callId: string,
  nowMs: number,
): Promise<{ call: calls.CallRow; events: CallEvent[] }> {
  const recorded = await recordStatus(client, callId, 'balance-low', {
    endReason: 'insufficient-credit',
    endedBy: 'system',
    endedAt: new Date(nowMs),
    cost: zeroCost(),
  });
  if (!recorded) throw new Error(`expected call ${callId} to be waiting, it is not`);
  return recorded;
}

async function sameKey(
  ctx: CallContext,
  { workspaceId }: CallRequest,
  key: string,
  hash: string | null,
): Promise<PlacedCall | null> {
  const call = await calls.findByIdempotencyKey(ctx.db.pool, workspaceId, key);
  if (!call) return null;
  if (call.idempotencyHash !== null && call.idempotencyHash !== hash) {
    throw new AdmissionError(
      'idempotency-conflict',
      'the idempotency key was used before with another request',
    );
  }
  return { call, created: false };
}

/** PostgreSQL's 23505. */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23505';
}
