import type { LegEnd, LegFailure } from '../sip/leg.ts';
import type { CallStatus, EndedBy } from './call-status.ts';
import { isEndReason, type EndReason } from './end-reasons.ts';

/** What made a call end, as seen by the object that ran it. */
export type CallEndCause =
  /** The INVITE came to nothing and nobody here had asked for the end. */
  | { type: 'leg-failed'; failure: LegFailure }
  /** The dialog is over and nobody here had asked for it. */
  | { type: 'leg-ended'; end: LegEnd }
  | { type: 'agent'; reason: string }
  | { type: 'api-stop' }
  /** The carrier has moved it, or the one whom it was connected with has hung up. */
  | { type: 'transferred' }
  | { type: 'ring-timeout' }
  | { type: 'media-timeout'; phase: 'first-packet' | 'lost' | 'hold' }
  /** The far end's session description cannot be used. */
  | { type: 'bad-sdp' }
  | { type: 'agent-not-ready' }
  | { type: 'trunk-inactive' }
  /** A secret of the trunk was sealed with another master key. */
  | { type: 'trunk-secret' }
  /** The caller gave up before the call was looked at. */
  | { type: 'caller-gone' }
  /** The number called is none of ours. */
  | { type: 'unknown-number' }
  /** The trunk takes no calls from this caller. */
  | { type: 'caller-not-allowed' }
  | { type: 'no-capacity' }
  /** The caller called more often than the agent allows. */
  | { type: 'caller-limit' }
  /** As many calls run as may run at once. */
  | { type: 'limit-reached' }
  /** The caller did not know the PIN. */
  | { type: 'wrong-pin' }
  /** The wallet does not cover the call. */
  | { type: 'no-credit' }
  | { type: 'voice-crashed' }
  | { type: 'platform-error' }
  | { type: 'node-lost' }
  | { type: 'shutdown' };

export interface CallEndContext {
  direction: 'inbound' | 'outbound';
  /** The far end had answered and media was agreed on. */
  answered: boolean;
  /** The last final SIP answer of the call that really crossed the wire, whoever sent it. */
  sip: { code: number; reason: string } | null;
}

/** How a call ended. `status` is final. */
export interface CallEnd {
  status: CallStatus;
  endReason: EndReason;
  endedBy: EndedBy;
  /** The real SIP code; null where no SIP answer crossed the wire. */
  sipCode: number | null;
  sipReason: string | null;
}

type Verdict = Pick<CallEnd, 'status' | 'endReason' | 'endedBy'>;

/** The one place where causes become status, end reason, who ended it and SIP code. */
export function callEnd(cause: CallEndCause, context: CallEndContext): CallEnd {
  const sip = sipOf(cause, context);
  return {
    ...verdict(cause, context),
    sipCode: sip?.code ?? null,
    sipReason: sip?.reason ?? null,
  };
}

/** The final status of a call that was answered, from the reason for which it ended. */
export function statusAfterAnswer(endReason: EndReason): CallStatus {
  switch (endReason) {
    case 'api-stopped':
    case 'shutdown':
      return 'stopped';
    case 'voice-worker-crashed':
    case 'platform-error':
    case 'node-lost':
      return 'error';
    case 'media-incompatible':
      return 'failed';
    default:
      return 'completed';
  }
}

function verdict(cause: CallEndCause, context: CallEndContext): Verdict {
  switch (cause.type) {
    case 'leg-failed':
      return context.direction === 'inbound'
        ? inboundFailure(cause.failure)
        : outboundFailure(cause.failure);
    case 'leg-ended':
      return legEnded(cause.end, context);
    case 'agent':
      return endedAs(agentEnd(cause.reason), context);
    case 'api-stop':
      return context.answered
        ? afterAnswer('api-stopped', 'api')
        : { status: 'canceled', endReason: 'canceled', endedBy: 'api' };
    case 'transferred':
      return context.answered
        ? afterAnswer('transferred', 'system')
        : { status: 'canceled', endReason: 'canceled', endedBy: 'system' };
    case 'ring-timeout':
      return { status: 'no-answer', endReason: 'ring-timeout', endedBy: 'system' };
    case 'media-timeout':
      return endedAs(
        afterAnswer(cause.phase === 'hold' ? 'hold-timeout' : 'media-timeout', 'system'),
        context,
      );
    case 'bad-sdp':
      return { status: 'failed', endReason: 'media-incompatible', endedBy: 'system' };
    case 'agent-not-ready':
      return { status: 'error', endReason: 'agent-not-ready', endedBy: 'system' };
    case 'trunk-inactive':
      return failed('trunk-inactive', 'system');
    case 'trunk-secret':
      return failed('trunk-secret-unreadable', 'system');
    case 'caller-gone':
      return { status: 'canceled', endReason: 'caller-canceled', endedBy: 'caller' };
    case 'caller-not-allowed':
      return failed('caller-not-allowed', 'system');
    case 'unknown-number':
      return failed('invalid-number', 'system');
    case 'caller-limit':
      return failed('caller-limit', 'system');
    case 'limit-reached':
      return failed('limit-reached', 'system');
    case 'wrong-pin':
      return endedAs(afterAnswer('wrong-pin', 'system'), context);
    case 'no-credit':
      return context.answered
        ? afterAnswer('credit-exhausted', 'system')
        : { status: 'balance-low', endReason: 'insufficient-credit', endedBy: 'system' };
    case 'no-capacity':
      return { status: 'failed', endReason: 'no-capacity', endedBy: 'system' };
    case 'voice-crashed':
      return { status: 'error', endReason: 'voice-worker-crashed', endedBy: 'system' };
    case 'platform-error':
      return { status: 'error', endReason: 'platform-error', endedBy: 'system' };
    case 'node-lost':
      return { status: 'error', endReason: 'node-lost', endedBy: 'system' };
    case 'shutdown':
      return { status: 'stopped', endReason: 'shutdown', endedBy: 'system' };
  }
}

/** RFC 3261 §15: a caller may send BYE between our 200 and its ACK; that talk never began. */
function legEnded(end: LegEnd, { direction, answered }: CallEndContext): Verdict {
  const outbound = direction === 'outbound';
  if (end.by === 'remote' && answered) {
    return outbound
      ? afterAnswer('callee-hangup', 'callee')
      : afterAnswer('caller-hangup', 'caller');
  }
  if (end.by === 'remote' && !outbound) {
    return { status: 'canceled', endReason: 'caller-canceled', endedBy: 'caller' };
  }
  return answered ? afterAnswer('dialog-lost', 'system') : failed('dialog-lost', 'system');
}

/** Nothing is completed that was never answered. */
function endedAs(end: Verdict, { answered }: CallEndContext): Verdict {
  return !answered && end.status === 'completed' ? { ...end, status: 'failed' } : end;
}

function afterAnswer(endReason: EndReason, endedBy: EndedBy): Verdict {
  return { status: statusAfterAnswer(endReason), endReason, endedBy };
}

/** Limits that the platform keeps for the agent; the agent did not decide them. */
const LIMITS: ReadonlySet<string> = new Set(['silence', 'max-duration', 'provider-error']);

function agentEnd(reason: string): Verdict {
  if (reason === 'voice-worker-crashed') return verdictOfCrash();
  // A language model may name any reason; what is not in the list is an ordinary goodbye.
  const endReason = isEndReason(reason) ? reason : 'agent-goodbye';
  return {
    status: 'completed',
    endReason,
    endedBy: LIMITS.has(endReason) ? 'system' : 'agent',
  };
}

function verdictOfCrash(): Verdict {
  return { status: 'error', endReason: 'voice-worker-crashed', endedBy: 'system' };
}

function inboundFailure(failure: LegFailure): Verdict {
  if (failure.cause === 'cancelled') {
    if (isAnsweredElsewhere(failure.reasonHeader)) {
      return { status: 'canceled', endReason: 'answered-elsewhere', endedBy: 'carrier' };
    }
    return { status: 'canceled', endReason: 'caller-canceled', endedBy: 'caller' };
  }
  if (failure.cause === 'response') {
    return { status: 'failed', endReason: 'platform-error', endedBy: 'system' };
  }
  return { status: 'failed', endReason: 'dialog-lost', endedBy: 'system' };
}

/** RFC 3326 §3.1, Q.850 §2.2.4: another phone of the same number took the call, so nobody missed it. */
function isAnsweredElsewhere(reasonHeader: string | null): boolean {
  const reason = reasonHeader?.toLowerCase() ?? '';
  return /(^|,)\s*sip\s*;[^,]*cause\s*=\s*200\b/.test(reason) || isNonSelected(reason);
}

function isNonSelected(reason: string): boolean {
  return /(^|,)\s*q\.850\s*;[^,]*cause\s*=\s*26\b/.test(reason);
}

function outboundFailure(failure: LegFailure): Verdict {
  switch (failure.cause) {
    case 'cancelled':
      // Ours by definition; whoever asked for it is the cause, so this is a CANCEL nobody owns.
      return { status: 'canceled', endReason: 'canceled', endedBy: 'system' };
    case 'timeout':
      // The phone has rung although the final answer never came.
      if (failure.provisionalSeen) return noAnswer('request-timeout', 'carrier');
      return failed('trunk-unreachable', 'carrier');
    case 'transport':
      return failed('trunk-unreachable', 'carrier');
    case 'response':
      return refusal(failure);
  }
}

/** Carriers say in words that a limit is reached; there is no code for it. */
const LIMIT_TEXT = /\b(cps|calls? per second|concurren\w*|channel limit|rate limit|capacity)\b/i;

function refusal(failure: LegFailure): Verdict {
  const { status } = failure;
  if ((status === 403 || status >= 500) && status < 600) {
    if (LIMIT_TEXT.test(`${failure.reason} ${failure.reasonHeader ?? ''}`)) {
      return failed('channel-limit', 'carrier');
    }
  }
  switch (status) {
    case 486:
    case 600:
      return { status: 'busy', endReason: 'user-busy', endedBy: 'callee' };
    case 480:
      return noAnswer('unavailable', 'callee');
    case 408:
      return noAnswer('request-timeout', 'carrier');
    case 487:
      return noAnswer('request-terminated', 'carrier');
    case 603:
      return failed('declined', 'callee');
    case 607:
    case 608:
      return failed('carrier-blocked', 'carrier');
    case 404:
    case 410:
    case 484:
    case 485:
    case 604:
      return failed('invalid-number', 'carrier');
    case 403:
      return failed('forbidden', 'carrier');
    case 401:
    case 407:
      return failed('auth-failed', 'carrier');
    case 402:
      return failed('no-credit', 'carrier');
    case 415:
    case 488:
    case 606:
      return failed('media-incompatible', 'carrier');
    case 482:
    case 483:
      return failed('routing-loop', 'carrier');
    case 420:
    case 421:
    case 422:
      return failed('negotiation-failed', 'carrier');
    case 428:
    case 436:
    case 437:
    case 438:
      return failed('identity-rejected', 'carrier');
    case 503:
      return failed('congestion', 'carrier');
    default:
      if (status < 400) return failed('redirected', 'carrier');
      if (status >= 500 && status < 600) return failed('carrier-error', 'carrier');
      return failed('rejected', 'carrier');
  }
}

function failed(endReason: EndReason, endedBy: EndedBy): Verdict {
  return { status: 'failed', endReason, endedBy };
}

function noAnswer(endReason: EndReason, endedBy: EndedBy): Verdict {
  return { status: 'no-answer', endReason, endedBy };
}

/** A status that was made here never crossed the wire. */
function sipOf(
  cause: CallEndCause,
  context: CallEndContext,
): { code: number; reason: string } | null {
  if (cause.type === 'leg-failed') {
    const { failure } = cause;
    return failure.local ? null : { code: failure.status, reason: failure.reason };
  }
  return context.sip;
}
