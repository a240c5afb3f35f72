import type { GatewayRow } from '../db/queries/gateways.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import { newId, randomText } from '../shared/ids.ts';
import type { DialogSnapshot } from '../sip/leg.ts';
import type { InviteOptions } from '../sip/user-agent.ts';

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
  trunk: Pick<TrunkRow, 'fromDomain' | 'headers'>;
  gateway: GatewayRow;
  fromNumber: string;
  toNumber: string;
  /** Host that we advertise; the domain of From where the trunk names none. */
  localHost: string;
}

/** Makes up the SIP identity of an attempt. */
export function attemptIdentity(options: AttemptIdentityOptions): AttemptIdentity {
  const { gateway, trunk } = options;
  const host = gateway.host.includes(':') ? `[${gateway.host}]` : gateway.host;
  const transport = gateway.transport === 'tcp' ? ';transport=tcp' : '';
  const requestUri = `sip:${options.toNumber}@${host}:${gateway.port}${transport}`;
  const from = { uri: `sip:${options.fromNumber}@${trunk.fromDomain ?? options.localHost}` };
  const to = { uri: `sip:${options.toNumber}@${host}` };
  const sipCallId = randomText(26);
  const localTag = randomText(16);
  const branch = `${MAGIC_COOKIE}${randomText(20)}`;
  const nextHop = { host: gateway.host, port: gateway.port, transport: gateway.transport };
  return {
    attemptId: newId('attempt', options.nowMs),
    gatewayId: gateway.id,
    gateway: `${host}:${gateway.port};${gateway.transport}`,
    invite: {
      requestUri,
      nextHop,
      sipCallId,
      localTag,
      branch,
      from,
      to,
      headers: Object.entries(trunk.headers).map(([name, value]) => ({ name, value })),
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
