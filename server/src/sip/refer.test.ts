import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getHeader } from './message.ts';
import { REFER_INPUTS, REFER_STATES, referNext } from './refer-fsm.ts';
import { sipfragStatus } from './refer-fields.ts';
import type { ReferRequest } from './refer.ts';
import { connect, startTwoAgents, type TwoAgents } from './testing/two-agents.ts';

let agents: TwoAgents;
beforeEach(async () => {
  agents = await startTwoAgents();
});
afterEach(() => agents.close());

const TARGET = '<sip:+14155550123@carrier.example>';

/** Requests and responses of a method as the caller's wire saw them: `202 REFER`, `NOTIFY`. */
function watch(method: string): string[] {
  const seen: string[] = [];
  agents.caller.onTraffic = ({ message }) => {
    if (!(getHeader(message, 'CSeq') ?? '').endsWith(` ${method}`)) return;
    seen.push(message.kind === 'request' ? method : `${message.status} ${method}`);
  };
  return seen;
}

describe('T32 RFC 3515: REFER that we send', () => {
  it('T32 RFC 3515: asks, is accepted with 202, and ends with the status of the last NOTIFY', async () => {
    const { outbound, inbound } = await connect(agents);
    const seen = watch('REFER');
    const asked: ReferRequest[] = [];
    inbound.onRefer = (request) => {
      asked.push(request);
      return {
        accept: true,
        run: (progress) => {
          progress(180, 'Ringing');
          return Promise.resolve({ status: 200, reason: 'OK' });
        },
      };
    };
    const outcome = await outbound.refer({
      referTo: TARGET,
      headers: [{ name: 'Referred-By', value: '<sip:agent@127.0.0.1>' }],
    });
    expect(outcome).toEqual({ type: 'final', status: 200, reason: 'OK' });
    expect(asked).toEqual([
      { referTo: 'sip:+14155550123@carrier.example', referredBy: '<sip:agent@127.0.0.1>' },
    ]);
    expect(seen).toEqual(['REFER', '202 REFER']);
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
  });

  it('T32 RFC 3515: tells that the target is busy, and the call goes on', async () => {
    const { outbound, inbound } = await connect(agents);
    inbound.onRefer = () => ({
      accept: true,
      run: () => Promise.resolve({ status: 486, reason: 'Busy Here' }),
    });
    expect(await outbound.refer({ referTo: TARGET })).toEqual({
      type: 'final',
      status: 486,
      reason: 'Busy Here',
    });
    // Another one may follow.
    expect(await outbound.refer({ referTo: TARGET })).toMatchObject({ status: 486 });
    expect(outbound.state).toBe('confirmed');
  });

  it('T32 RFC 3515: is refused by default with 603, and the call goes on', async () => {
    const { outbound, inbound } = await connect(agents);
    expect(await outbound.refer({ referTo: TARGET })).toEqual({
      type: 'refused',
      status: 603,
      reason: 'Decline',
    });
    expect(await inbound.refer({ referTo: TARGET })).toMatchObject({
      type: 'refused',
      status: 603,
    });
    expect([outbound.state, inbound.state]).toEqual(['confirmed', 'confirmed']);
  });

  it('T32 RFC 3515: gives up a NOTIFY that never comes', async () => {
    const { outbound, inbound } = await connect(agents);
    inbound.onRefer = () => ({ accept: true, run: () => new Promise(() => undefined) });
    const outcome = await outbound.refer({ referTo: TARGET, notifyTimeoutMs: 50 });
    expect(outcome).toEqual({ type: 'silent' });
  });

  it('T32 RFC 3515: ends with the call', async () => {
    const { outbound, inbound } = await connect(agents);
    inbound.onRefer = () => ({
      accept: true,
      run: () => {
        void inbound.hangup();
        return new Promise(() => undefined);
      },
    });
    expect(await outbound.refer({ referTo: TARGET })).toEqual({ type: 'gone' });
    expect(await outbound.refer({ referTo: TARGET })).toEqual({ type: 'gone' });
  });

  it('T32 RFC 3515: has one referral at a time', async () => {
    const { outbound, inbound } = await connect(agents);
    inbound.onRefer = () => ({ accept: true, run: () => new Promise(() => undefined) });
    const first = outbound.refer({ referTo: TARGET, notifyTimeoutMs: 100 });
    expect(await outbound.refer({ referTo: TARGET })).toMatchObject({ status: 491 });
    expect(await first).toEqual({ type: 'silent' });
  });
});

describe('T32 RFC 3515: REFER that we get', () => {
  it('T32 RFC 4488: is not told about where the far side wants it so', async () => {
    const { outbound, inbound } = await connect(agents);
    const notified = watch('NOTIFY');
    const ran = Promise.withResolvers<void>();
    inbound.onRefer = () => ({
      accept: true,
      run: () => {
        ran.resolve();
        return Promise.resolve({ status: 200, reason: 'OK' });
      },
    });
    expect(await outbound.refer({ referTo: TARGET, quiet: true })).toEqual({ type: 'quiet' });
    await ran.promise;
    // What is told of the next one comes after everything that could have been told of this one.
    expect(await outbound.refer({ referTo: TARGET })).toMatchObject({ type: 'final', status: 200 });
    expect(notified.filter((one) => one === 'NOTIFY')).toHaveLength(2);
  });

  it('T32 RFC 3515: reports 500 where what it set off breaks', async () => {
    const { outbound, inbound } = await connect(agents);
    inbound.onRefer = () => ({ accept: true, run: () => Promise.reject(new Error('broken')) });
    expect(await outbound.refer({ referTo: TARGET })).toMatchObject({ type: 'final', status: 500 });
  });

  it('T32 RFC 3515: needs one Refer-To that can be read', async () => {
    const { outbound } = await connect(agents);
    for (const referTo of ['nonsense', `${TARGET}, ${TARGET}`]) {
      expect(await outbound.refer({ referTo })).toMatchObject({ type: 'refused', status: 400 });
    }
  });
});

describe('T32 RFC 3515: the state of a referral', () => {
  it.each(REFER_STATES)('stays done once it is done, and leaves %s by a final status', (state) => {
    for (const input of REFER_INPUTS) {
      expect(referNext('done', input)).toEqual({ state: 'done', effects: [] });
    }
    const { effects } = referNext(state, 'final');
    expect(effects).toEqual(state === 'done' ? [] : ['tell-final']);
  });

  it('RFC 6665 §4.1.2.4: takes a NOTIFY that is faster than the 202', () => {
    expect(referNext('sent', 'progress')).toEqual({ state: 'subscribed', effects: ['wait'] });
    expect(referNext('subscribed', 'accepted')).toEqual({ state: 'subscribed', effects: [] });
  });

  it('RFC 4488 §4: ends at once where nobody tells', () => {
    expect(referNext('sent', 'accepted-quiet')).toEqual({ state: 'done', effects: ['tell-quiet'] });
  });
});

describe('T32 RFC 3420: a fragment', () => {
  it.each([
    ['SIP/2.0 100 Trying', { status: 100, reason: 'Trying' }],
    ['SIP/2.0 486 Busy Here\r\nReason: Q.850;cause=17', { status: 486, reason: 'Busy Here' }],
    ['SIP/2.0 200', { status: 200, reason: '' }],
    ['HTTP/1.1 200 OK', null],
    ['SIP/2.0 700 No', null],
    ['', null],
  ])('%j is %j', (body, expected) => {
    expect(sipfragStatus(body)).toEqual(expected);
  });
});
