import { agentNumbers } from './call-sides.ts';
import * as calls from '../../db/queries/calls.ts';
import type { AgentAnswer, AgentRequest } from '../../voice/agent-request.ts';
import { AdmissionError } from '../admission-error.ts';
import type { LiveCall } from '../live-call.ts';
import type { RoomCore } from '../rooms/room-context.ts';
import { RoomError } from '../rooms/room-error.ts';
import { scheduleTime } from '../schedule-time.ts';
import { transferCall } from './transfer-call.ts';

const DAY_MS = 86_400_000;

/** In words that a model can pass on to the caller. */
const CAUSES: Readonly<Record<string, string>> = {
  'user-busy': 'the line is busy',
  'ring-timeout': 'nobody answered',
  'request-timeout': 'nobody answered',
  unavailable: 'they cannot be reached now',
  declined: 'they declined the call',
  'invalid-number': 'the number does not exist',
  guardrail: 'that number may not be called',
};
const NOT_REACHED = 'they could not be reached';

/** Does what the agent of a live call cannot do by itself. */
export async function answerAgent(
  ctx: RoomCore,
  live: LiveCall,
  request: AgentRequest,
): Promise<AgentAnswer> {
  switch (request.type) {
    case 'transfer':
      return transfer(ctx, live, request);
    case 'callback':
      return callBack(ctx, live, request);
    case 'do-not-call':
      live.record.doNotCall();
      return { type: 'done' };
  }
}

async function transfer(
  ctx: RoomCore,
  live: LiveCall,
  request: AgentRequest & { type: 'transfer' },
): Promise<AgentAnswer> {
  const { workspaceId } = live.plan.call;
  const { to, method, ringTimeoutMs, ringback, briefing } = request;
  const call = await calls.get(ctx.db.pool, live.id, workspaceId);
  if (!call) return { type: 'failed', reason: 'call-over', message: 'the call is over' };
  try {
    const result = await transferCall(ctx, {
      workspaceId,
      call,
      to,
      method,
      ringTimeoutMs,
      ringback,
      briefing,
      by: 'agent',
    });
    if (result.successful) return { type: 'connected' };
    const reason = result.reason ?? 'unavailable';
    return { type: 'failed', reason, message: CAUSES[reason] ?? NOT_REACHED };
  } catch (error) {
    if (error instanceof AdmissionError) {
      return { type: 'failed', reason: error.code, message: CAUSES[error.code] ?? NOT_REACHED };
    }
    if (error instanceof RoomError) {
      return { type: 'failed', reason: error.code, message: error.message };
    }
    throw error;
  }
}

/** The same agent calls the same person from the same number. */
async function callBack(
  ctx: RoomCore,
  live: LiveCall,
  { at, maxDays }: AgentRequest & { type: 'callback' },
): Promise<AgentAnswer> {
  const { call, variables } = live.plan;
  const { theirs, ours } = agentNumbers(call);
  try {
    const moment = scheduleTime(at, variables['timezone'] ?? 'UTC');
    const aheadMs = moment.getTime() - ctx.clock.now();
    if (aheadMs <= 0) return { type: 'refused', message: 'that time is over' };
    if (aheadMs > maxDays * DAY_MS) {
      return { type: 'refused', message: `it is more than ${maxDays} days ahead` };
    }
    const placed = await ctx.calls.place({
      workspaceId: call.workspaceId,
      to: theirs,
      from: ours,
      agentId: call.agentId,
      ...(call.direction === 'outbound' && call.trunkId !== null && { trunkId: call.trunkId }),
      variables: call.variables as Record<string, string>,
      metadata: { ...call.metadata, callback_of: call.id },
      scheduledAt: moment,
      timezone: variables['timezone'],
      // A tool that is run twice in one talk for the same time means one call.
      idempotencyKey: `callback:${call.id}:${moment.toISOString()}`,
      idempotencyBody: [theirs, moment.toISOString()],
    });
    return { type: 'scheduled', callId: placed.call.id, at: moment.toISOString() };
  } catch (error) {
    if (error instanceof AdmissionError) return { type: 'refused', message: error.message };
    throw error;
  }
}
