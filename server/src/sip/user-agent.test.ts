import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ANSWER,
  OFFER,
  connect,
  nextInvite,
  once,
  startTwoAgents,
  type TwoAgents,
} from './testing/two-agents.ts';

describe.each(['udp', 'tcp'] as const)('two user agents over %s', (transport) => {
  let agents: TwoAgents;
  beforeEach(async () => {
    agents = await startTwoAgents({ transport });
  });
  afterEach(() => agents.close());

  it('T37 RFC 3261 §13: a call rings, is answered and is ended by the caller', async () => {
    const incoming = nextInvite(agents.callee);
    const outbound = agents.caller.invite(agents.call());
    const inbound = await incoming;
    expect(inbound.sdp).toBe(OFFER);
    expect(inbound.source.transport).toBe(transport);
    const ringing = once(outbound, 'provisional');
    inbound.ring();
    expect(await ringing).toEqual({ status: 180, reason: 'Ringing', sdp: null });
    expect(outbound.state).toBe('proceeding');
    const answered = Promise.all([once(outbound, 'answered'), once(inbound, 'answered')]);
    inbound.answer(ANSWER);
    expect(await answered).toEqual([{ sdp: ANSWER }, { sdp: null }]);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
    const ended = once(inbound, 'ended');
    await outbound.hangup({ reasonHeader: 'Q.850;cause=16' });
    expect(await ended).toEqual({ by: 'remote', reasonHeader: 'Q.850;cause=16' });
    expect(agents.caller.legs.size + agents.callee.legs.size).toBe(0);
  });

  it('T37 RFC 3261 §15: the callee ends the call', async () => {
    const { outbound, inbound } = await connect(agents);
    const ended = once(outbound, 'ended');
    await inbound.hangup();
    expect(await ended).toEqual({ by: 'remote', reasonHeader: null });
    expect(inbound.state).toBe('ended');
  });

  it('T37 RFC 3261 §21.4.20: a busy callee is a failure with its status', async () => {
    const incoming = nextInvite(agents.callee);
    const outbound = agents.caller.invite(agents.call());
    const failed = once(outbound, 'failed');
    (await incoming).reject(486, undefined, [{ name: 'Retry-After', value: '7' }]);
    expect(await failed).toMatchObject({ cause: 'response', status: 486, retryAfterS: 7 });
  });

  it('T37 T13 RFC 3261 §9: CANCEL while it rings ends both sides with 487', async () => {
    const incoming = nextInvite(agents.callee);
    const outbound = agents.caller.invite(agents.call());
    const inbound = await incoming;
    const both = Promise.all([once(outbound, 'failed'), once(inbound, 'failed')]);
    inbound.ring();
    await once(outbound, 'provisional');
    await outbound.hangup({ reasonHeader: 'SIP;cause=200;text="Call completed elsewhere"' });
    const [out, into] = await both;
    expect(out).toMatchObject({ cause: 'cancelled', status: 487, provisionalSeen: true });
    expect(into).toMatchObject({
      cause: 'cancelled',
      status: 487,
      reasonHeader: 'SIP;cause=200;text="Call completed elsewhere"',
    });
  });
});
