import { randomText } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import { systemClock } from '../../shared/clock.ts';
import type { InboundLeg, Leg, LegEvents } from '../leg.ts';
import { newBranch } from '../make-request.ts';
import { startUserAgent, type InviteOptions, type UserAgent } from '../user-agent.ts';

export const OFFER = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
export const ANSWER = 'v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';

/** Two real user agents on loopback. */
export interface TwoAgents {
  caller: UserAgent;
  callee: UserAgent;
  /** Options of a call from the one to the other. */
  call(over?: Partial<InviteOptions>): InviteOptions;
  close(): Promise<void>;
}

/** Starts them; T1 is short, so that what must time out does so soon. */
export async function startTwoAgents(
  options: { t1Ms?: number; transport?: 'udp' | 'tcp' } = {},
): Promise<TwoAgents> {
  const start = (userAgent: string): Promise<UserAgent> =>
    startUserAgent({
      host: '127.0.0.1',
      port: 0,
      userAgent,
      clock: systemClock,
      logger: silentLogger,
      t1Ms: options.t1Ms ?? 500,
    });
  const [caller, callee] = await Promise.all([start('caller'), start('callee')]);
  return {
    caller,
    callee,
    call: (over = {}) => ({
      requestUri: `sip:bob@127.0.0.1:${callee.port}`,
      nextHop: { host: '127.0.0.1', port: callee.port, transport: options.transport ?? 'udp' },
      sipCallId: randomText(12),
      localTag: randomText(8),
      branch: newBranch(),
      from: { uri: 'sip:alice@127.0.0.1' },
      to: { uri: 'sip:bob@127.0.0.1' },
      sdp: OFFER,
      ...over,
    }),
    close: async () => {
      await Promise.all([caller.close(), callee.close()]);
    },
  };
}

/** The next occurrence of an event of a leg. */
export function once<Name extends keyof LegEvents>(
  leg: Leg,
  name: Name,
): Promise<LegEvents[Name][0]> {
  return new Promise((resolve) => {
    leg.events.once(name, (...args) => resolve(args[0]));
  });
}

/** The next call that comes in. */
export function nextInvite(agent: UserAgent): Promise<InboundLeg> {
  return new Promise((resolve) => {
    agent.events.once('invite', resolve);
  });
}

/** A call that is up on both sides. */
export async function connect(
  agents: TwoAgents,
  over: Partial<InviteOptions> = {},
): Promise<{ outbound: Leg; inbound: InboundLeg }> {
  const incoming = nextInvite(agents.callee);
  const outbound = agents.caller.invite(agents.call(over));
  const inbound = await incoming;
  const both = Promise.all([once(outbound, 'answered'), once(inbound, 'answered')]);
  inbound.answer(ANSWER);
  await both;
  return { outbound, inbound };
}
