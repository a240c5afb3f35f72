import { silentLogger } from '../../shared/logger.ts';
import type { FakeClock } from '../../shared/testing/fake-clock.ts';
import { randomText } from '../../shared/ids.ts';
import type { InboundLeg, Leg } from '../leg.ts';
import { newBranch } from '../make-request.ts';
import type { SipAddress, SipMessage, SipResponse, SipTransportName } from '../message.ts';
import { serializeMessage } from '../serialize-message.ts';
import type { InviteOptions } from '../user-agent.ts';
import { UserAgentCore, type UserAgentCoreOptions } from '../user-agent-core.ts';
import type { Wire } from '../wire.ts';
import { reparse } from './memory-wire.ts';

/** One message that left one of the two, and when. */
export interface LinkedMessage {
  atMs: number;
  from: 'caller' | 'callee';
  message: SipMessage;
}

/** What becomes of a message on its way. Default: it arrives at once. */
export type LinkRule = (sent: LinkedMessage) => { delayMs?: number; drop?: boolean };

export const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n';
export const ANSWER = 'v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\n';

type CoreOptions = Partial<Pick<UserAgentCoreOptions, 'sessionTimer' | 't1Ms'>>;

/** Two user agents and the network between them, all on one clock that a test moves. */
export class LinkedAgents {
  readonly clock: FakeClock;
  readonly caller: UserAgentCore;
  readonly callee: UserAgentCore;
  readonly sent: LinkedMessage[] = [];
  rule: LinkRule = () => ({});

  constructor(clock: FakeClock, options: { caller?: CoreOptions; callee?: CoreOptions } = {}) {
    this.clock = clock;
    const make = (name: 'caller' | 'callee', over: CoreOptions = {}): UserAgentCore =>
      new UserAgentCore({
        wire: new LinkedWire(this, name),
        clock,
        logger: silentLogger,
        userAgent: name,
        ...over,
      });
    this.caller = make('caller', options.caller);
    this.callee = make('callee', options.callee);
  }

  /** Options of a call from the one to the other. */
  call(over: Partial<InviteOptions> = {}): InviteOptions {
    return {
      requestUri: 'sip:bob@192.0.2.2',
      nextHop: HOSTS.callee,
      sipCallId: randomText(12),
      localTag: randomText(8),
      branch: newBranch(),
      from: { uri: 'sip:alice@192.0.2.1' },
      to: { uri: 'sip:bob@192.0.2.2' },
      sdp: OFFER,
      ...over,
    };
  }

  /** A call that is up on both sides. */
  async connect(
    over: Partial<InviteOptions> = {},
  ): Promise<{ outbound: Leg; inbound: InboundLeg }> {
    const taken: InboundLeg[] = [];
    this.callee.events.once('invite', (leg) => {
      taken.push(leg);
      leg.answer(ANSWER);
    });
    const outbound = this.caller.invite(this.call(over));
    await this.clock.advance(1000);
    const [inbound] = taken;
    if (!inbound || outbound.state !== 'confirmed') throw new Error('the call did not come up');
    return { outbound, inbound };
  }

  /** Requests of a method that one of the two sent. */
  requests(from: LinkedMessage['from'], method: string): LinkedMessage[] {
    return this.sent.filter(
      (one) => one.from === from && one.message.kind === 'request' && one.message.method === method,
    );
  }

  /** Responses of a status that one of the two sent. */
  responses(from: LinkedMessage['from'], status: number): LinkedMessage[] {
    return this.sent.filter(
      (one) =>
        one.from === from && one.message.kind === 'response' && one.message.status === status,
    );
  }

  deliver(from: LinkedMessage['from'], message: SipMessage): void {
    const sent = { atMs: this.clock.monotonicMs(), from, message: reparse(message) };
    this.sent.push(sent);
    const { delayMs = 0, drop = false } = this.rule(sent);
    if (drop) return;
    const to = from === 'caller' ? this.callee : this.caller;
    const arrive = (): void => to.receive(reparse(message), HOSTS[from]);
    if (delayMs > 0) this.clock.setTimer(delayMs, arrive);
    else queueMicrotask(arrive);
  }
}

const HOSTS: Record<LinkedMessage['from'], SipAddress> = {
  caller: { host: '192.0.2.1', port: 5060, transport: 'udp' },
  callee: { host: '192.0.2.2', port: 5060, transport: 'udp' },
};

class LinkedWire implements Wire {
  readonly advertisedHost: string;
  readonly port = 5060;
  readonly garbageReceived = 0;
  readonly #agents: LinkedAgents;
  readonly #name: LinkedMessage['from'];

  constructor(agents: LinkedAgents, name: LinkedMessage['from']) {
    this.#agents = agents;
    this.#name = name;
    this.advertisedHost = HOSTS[name].host;
  }

  portOf(): number {
    return this.port;
  }

  supports(transport: SipTransportName): boolean {
    return transport === 'udp';
  }

  sizeBytes(message: SipMessage): number {
    return serializeMessage(message).length;
  }

  send(message: SipMessage): Promise<void> {
    this.#agents.deliver(this.#name, message);
    return Promise.resolve();
  }

  isRefused(): Promise<boolean> {
    return Promise.resolve(false);
  }

  respond(response: SipResponse): Promise<void> {
    return this.send(response);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
