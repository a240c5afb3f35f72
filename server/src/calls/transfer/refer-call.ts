import type { Leg } from '../../sip/leg.ts';
import type { SipHeader } from '../../sip/message.ts';
import { dialPlan } from '../../trunks/dial-plan.ts';
import { parseE164 } from '../../trunks/e164.ts';
import { AdmissionError } from '../admission-error.ts';
import type { CallContext } from '../call-context.ts';
import { callEnd } from '../call-end.ts';
import type { CallPlan } from '../call-plan.ts';
import type { EndReason } from '../end-reasons.ts';
import { judgeRedirect } from '../dial-guardrail.ts';
import { agentNumbers } from './call-sides.ts';

export interface ReferOrder {
  to: string;
  headers?: Record<string, string> | undefined;
  /** How long the target may ring. */
  ringTimeoutMs?: number | undefined;
}

/** What became of a call that the carrier was to move. */
export type ReferResult =
  | { type: 'moved' }
  /** The target was called and not reached. */
  | { type: 'failed'; reason: EndReason; sip: { code: number; reason: string } }
  /** The carrier does not do it, or does not say what it did. */
  | { type: 'not-taken'; sip: { code: number | null; reason: string | null } }
  | { type: 'call-over' };

const NOTIFY_GRACE_MS = 10_000;
const DEFAULT_RING_MS = 30_000;

/**
 * Asks the far end of a call to call somebody else (RFC 3515). The target passes the rules that a
 * call passes; nothing but a number can be named.
 * @throws AdmissionError
 */
export async function referCall(
  ctx: Pick<CallContext, 'guardrails' | 'db' | 'localHost'>,
  { call, trunk }: Pick<CallPlan, 'call' | 'trunk'>,
  leg: Leg,
  order: ReferOrder,
): Promise<ReferResult> {
  const parsed = parseE164(order.to, { sandbox: trunk.sandbox, check: 'form' });
  if (!parsed.ok) {
    throw new AdmissionError('invalid-to', 'expected a number such as +14155550123', 'to');
  }
  const { ours } = agentNumbers(call);
  const refusal = await judgeRedirect(ctx, { ...call, fromNumber: ours }, trunk, parsed.e164);
  if (refusal !== null) throw new AdmissionError('guardrail', refusal, 'to');
  const [gateway = leg.snapshot().nextHop] = trunk.gateways;
  const plan = dialPlan(trunk, gateway, { from: ours, to: parsed.e164 }, ctx.localHost);
  const outcome = await leg.refer({
    // RFC 3261 §19.1.2: the port of a host that is the usual one need not be there.
    referTo: `<${plan.requestUri.replace(/:5060(?=;|$)/, '')}>`,
    headers: [{ name: 'Referred-By', value: `<${plan.from.uri}>` }, ...headersOf(order.headers)],
    notifyTimeoutMs: (order.ringTimeoutMs ?? DEFAULT_RING_MS) + NOTIFY_GRACE_MS,
  });
  switch (outcome.type) {
    case 'quiet':
      return { type: 'moved' };
    case 'gone':
      return { type: 'call-over' };
    case 'silent':
      return { type: 'not-taken', sip: { code: null, reason: null } };
    case 'refused':
      return { type: 'not-taken', sip: { code: outcome.status, reason: outcome.reason } };
    case 'final': {
      const { status, reason } = outcome;
      if (status < 300) return { type: 'moved' };
      return { type: 'failed', reason: reasonOf(status, reason), sip: { code: status, reason } };
    }
  }
}

function headersOf(headers: Record<string, string> = {}): SipHeader[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }));
}

/** As of a call of ours that got this answer. */
function reasonOf(status: number, reason: string): EndReason {
  const failure = {
    cause: 'response',
    status,
    reason,
    local: false,
    provisionalSeen: true,
    reasonHeader: null,
    retryAfterS: null,
  } as const;
  const sip = { code: status, reason };
  return callEnd({ type: 'leg-failed', failure }, { direction: 'outbound', answered: false, sip })
    .endReason;
}
