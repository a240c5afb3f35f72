import type { GatewayRow } from '../db/queries/gateways.ts';
import { newId, randomText } from '../shared/ids.ts';
import type { DialogSnapshot } from '../sip/leg.ts';
import type { SipAddress } from '../sip/message.ts';
import type { InviteOptions } from '../sip/user-agent.ts';
import { dialPlan, type DialPlanTrunk } from '../trunks/dial-plan.ts';

/** RFC 3261 §8.1.1.7: every branch begins with it. */
const MAGIC_COOKIE = 'z9hG4bK';

/** Everything that the first INVITE of an attempt will carry, fixed before it exists. */
export interface AttemptIdentity {
  attemptId: string;
  gatewayId: number;
  /** For people and for the record: `host:port;transport`. */
  gateway: string;
  invite: Omit<InviteOptions, 'sdp' | 'credentials'>;
  /** Enough for another process to send CANCEL when this one dies right after the INVITE. */
  dialog: DialogSnapshot;
}

export interface AttemptIdentityOptions {
  nowMs: number;
  trunk: DialPlanTrunk;
  gateway: GatewayRow;
  fromNumber: string;
  toNumber: string;
  /** Host that we advertise; the domain of From where the trunk names none. */
  localHost: string;
  /** Default: a new one. */
  sipCallId?: string | undefined;
  /** Where the INVITE is sent; its server's name has led there. Default: the gateway itself. */
  target?: SipAddress | undefined;
  /** Whether 100rel is offered. Default true. */
  reliableProvisionals?: boolean | undefined;
  /** Name that is shown with the number. Default: none. */
  displayName?: string | undefined;
}

/** RFC 3261 §8.1.1.4: unlike any other, anywhere. */
export function newSipCallId(): string {
  return randomText(26);
}

/** Makes up the SIP identity of an attempt. */
export function attemptIdentity(options: AttemptIdentityOptions): AttemptIdentity {
  const { gateway, trunk, fromNumber, toNumber } = options;
  const plan = dialPlan(trunk, gateway, { from: fromNumber, to: toNumber }, options.localHost);
  const { requestUri, from, to, headers } = plan;
  const nextHop = options.target ?? plan.nextHop;
  const sipCallId = options.sipCallId ?? newSipCallId();
  const localTag = randomText(16);
  const branch = `${MAGIC_COOKIE}${randomText(20)}`;
  return {
    attemptId: newId('attempt', options.nowMs),
    gatewayId: gateway.id,
    gateway: plan.gateway,
    invite: {
      requestUri,
      nextHop,
      sipCallId,
      localTag,
      branch,
      from: options.displayName ? { ...from, displayName: options.displayName } : from,
      to,
      headers,
      ...(options.reliableProvisionals === false && { reliableProvisionals: false }),
    },
    dialog: {
      state: 'calling',
      direction: 'outbound',
      sipCallId,
      localTag,
      remoteTag: null,
      localUri: from.uri,
      remoteUri: to.uri,
      requestUri,
      remoteTarget: null,
      routeSet: [],
      localCseq: 1,
      inviteCseq: 1,
      inviteBranch: branch,
      nextHop,
    },
  };
}
