import type { LegFailure } from '../sip/leg.ts';
import type { SipAddress } from '../sip/message.ts';
import { parseE164 } from '../trunks/e164.ts';
import {
  isReachableRedirect,
  MAX_REDIRECTS,
  redirectTargets,
  type RedirectTarget,
} from '../trunks/redirect-policy.ts';
import { carrierProfile } from '../trunks/carrier-profiles.ts';
import { attemptIdentity, type AttemptIdentity } from './attempt-identity.ts';
import type { CallContext } from './call-context.ts';
import { judgeRedirect } from './dial-guardrail.ts';
import { encryptionProblem } from './leg-encryption.ts';
import type { LiveCall } from './live-call.ts';

/** Where one call has been sent to so far. */
export class RedirectTrail {
  readonly #seen = new Set<string>();
  #followed = 0;

  /** Contacts that may still be followed. */
  get left(): number {
    return MAX_REDIRECTS - this.#followed;
  }

  get seen(): ReadonlySet<string> {
    return this.#seen;
  }

  note(requestUri: string): void {
    this.#seen.add(requestUri);
  }

  follow(): void {
    this.#followed++;
  }
}

/**
 * The attempts that a 3xx answer leads to (RFC 3261 §8.1.3.4): none, unless the trunk names the hosts
 * that it trusts. Another number is judged by the guardrails as if it had been called.
 */
export async function followRedirect(
  ctx: CallContext,
  live: LiveCall,
  from: AttemptIdentity,
  failure: LegFailure,
  trail: RedirectTrail,
): Promise<AttemptIdentity[]> {
  trail.note(from.invite.requestUri);
  const { redirectHosts } = live.plan.trunk;
  const targets = redirectTargets(failure.contacts ?? [], redirectHosts, trail.seen);
  const identities: AttemptIdentity[] = [];
  for (const target of targets) {
    if (trail.left === 0) break;
    if (!(await mayCall(ctx, live, target))) continue;
    const located = await ctx.ua.locate(target.server);
    const address = located.find(
      (one) =>
        isReachableRedirect(one, redirectHosts) &&
        encryptionProblem(live.plan.trunk.mediaEncryption, one.transport) === null,
    );
    if (!address) continue;
    trail.follow();
    identities.push(redirected(ctx, live, from, target, address));
  }
  return identities;
}

async function mayCall(
  ctx: CallContext,
  live: LiveCall,
  { user }: RedirectTarget,
): Promise<boolean> {
  const { call, trunk } = live.plan;
  const digits = user.split(';', 1)[0]?.replace(/^\+/, '') ?? '';
  if (digits === call.toNumber.replace(/^\+/, '')) return true;
  const number = parseE164(`+${digits}`, { sandbox: trunk.sandbox });
  if (!number.ok) return false;
  const refusal = await judgeRedirect(ctx, call, trunk, number.e164);
  if (refusal === null) return true;
  const message = `the carrier redirected the call to ${number.e164}, which was not called: ${refusal}`;
  live.record.event({ type: 'call.warning', data: { code: 'guardrail', message } });
  return false;
}

/** RFC 3261 §8.1.3.4: the same call with the contact as its Request-URI. */
function redirected(
  ctx: CallContext,
  live: LiveCall,
  from: AttemptIdentity,
  { requestUri }: RedirectTarget,
  address: SipAddress,
): AttemptIdentity {
  const { call, trunk, seat } = live.plan;
  const gateway = trunk.gateways.find(({ id }) => id === from.gatewayId) ?? trunk.gateways[0];
  if (!gateway) throw new Error('expected a gateway, got none');
  const made = attemptIdentity({
    nowMs: ctx.clock.now(),
    trunk,
    gateway,
    target: address,
    reliableProvisionals: carrierProfile(trunk.provider).reliableProvisionals,
    fromNumber: call.fromNumber,
    toNumber: call.toNumber,
    localHost: ctx.localHost,
    displayName: seat?.leg.displayName,
  });
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    ...made,
    gateway: `${host}:${address.port};${address.transport}`,
    invite: { ...made.invite, requestUri },
    dialog: { ...made.dialog, requestUri },
  };
}
