import { answerOffer } from '../../sdp/offer-answer.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLogger } from '../../shared/logger.ts';
import type { InboundLeg } from '../../sip/leg.ts';
import { startUserAgent, type UserAgent } from '../../sip/user-agent.ts';

/** What the far end does with an INVITE. */
export type CalleeScript = (leg: InboundLeg) => void;

/** A far end on loopback that remembers every INVITE it got. */
export interface ScriptedCallee {
  readonly ua: UserAgent;
  readonly legs: readonly InboundLeg[];
  /** Default: answers at once. */
  script: CalleeScript;
  close(): Promise<void>;
}

export async function startCallee(script: CalleeScript = pickUp): Promise<ScriptedCallee> {
  const ua = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'callee',
    clock: systemClock,
    logger: silentLogger,
    t1Ms: 100,
  });
  const legs: InboundLeg[] = [];
  const callee: ScriptedCallee = { ua, legs, script, close: () => ua.close() };
  ua.events.on('invite', (leg) => {
    legs.push(leg);
    callee.script(leg);
  });
  return callee;
}

/** 180, then 200. */
export function pickUp(leg: InboundLeg): void {
  leg.ring();
  const answer = answerOffer(leg.sdp ?? '', {
    host: '127.0.0.1',
    port: 40_000,
    codecs: ['PCMU'],
    direction: 'sendrecv',
    sessionId: 1,
    sessionVersion: 1,
  });
  if (answer.ok) leg.answer(answer.value.sdp);
  else leg.reject(488, answer.error.message);
}

/** 180, and nothing more. */
export function onlyRing(leg: InboundLeg): void {
  leg.ring();
}

export function refuseWith(status: number, reason: string): CalleeScript {
  return (leg) => leg.reject(status, reason);
}
