import type * as calls from '../../db/queries/calls.ts';
import { reasonPhrase } from '../../sip/make-response.ts';
import { parseUri } from '../../sip/parse-uri.ts';
import { declineRefer, type ReferDecision, type ReferRequest } from '../../sip/refer.ts';
import { parseE164 } from '../../trunks/e164.ts';
import { AdmissionError } from '../admission-error.ts';
import type { CallPlan } from '../call-plan.ts';
import { awaitAnswer } from '../rooms/await-answer.ts';
import type { RoomCore } from '../rooms/room-context.ts';
import { agentNumbers } from './call-sides.ts';

/** A target that is neither answered nor given up by then is reported as such. */
const LIMIT_MS = 180_000;
const STATUS_OF: Readonly<Record<string, number>> = {
  'user-busy': 486,
  declined: 603,
  'invalid-number': 404,
  guardrail: 403,
};

/**
 * What is done about a REFER of the far end: nobody is called because a stranger says so, unless the
 * trunk allows it. Then the agent of the call calls the number, from ours and under every rule of a
 * call, and the far end is told what came of it.
 */
export function takeRefer(
  ctx: RoomCore,
  { call, trunk, seat }: Pick<CallPlan, 'call' | 'trunk' | 'seat'>,
  request: ReferRequest,
): ReferDecision {
  const { agentId } = call;
  // In a room others would have to be asked; without an agent nobody is there to talk.
  if (!trunk.acceptsRefer || agentId === null || seat) return declineRefer();
  const uri = parseUri(request.referTo);
  // RFC 3891: a dialog that is to be replaced is none of ours.
  if (!uri || uri.headers.size > 0) return declineRefer();
  const number = parseE164(uri.user ?? '', { sandbox: trunk.sandbox, check: 'form' });
  if (!number.ok) return { accept: false, status: 404, reason: reasonPhrase(404) };
  const { ours } = agentNumbers(call);
  return {
    accept: true,
    run: () => callTarget(ctx, call, { agentId, from: ours, to: number.e164 }),
  };
}

async function callTarget(
  ctx: RoomCore,
  call: calls.CallRow,
  { agentId, from, to }: { agentId: string; from: string; to: string },
): Promise<{ status: number; reason: string }> {
  try {
    const placed = await ctx.calls.place({
      workspaceId: call.workspaceId,
      to,
      from,
      agentId,
      ...(call.direction === 'outbound' && call.trunkId !== null && { trunkId: call.trunkId }),
      variables: call.variables as Record<string, string>,
      metadata: { ...call.metadata, referred_by: call.id },
      retry: null,
    });
    const limit = new AbortController();
    const late = ctx.clock.setTimer(LIMIT_MS, () => limit.abort(new Error('not in time')));
    const target = await awaitAnswer(ctx, placed.call.id, limit.signal).finally(() =>
      late.cancel(),
    );
    return target.status === 'in-progress' ? answer(200) : answer(statusOf(target));
  } catch (error) {
    if (error instanceof AdmissionError) return answer(error.code === 'guardrail' ? 403 : 480);
    ctx.logger.warn({ err: error, callId: call.id }, 'a call that was referred came to nothing');
    return answer(500);
  }
}

function statusOf({ endReason, sipCode }: calls.CallRow): number {
  const status = sipCode ?? STATUS_OF[endReason ?? ''] ?? 480;
  return status < 300 ? 480 : status;
}

function answer(status: number): { status: number; reason: string } {
  return { status, reason: reasonPhrase(status) };
}
