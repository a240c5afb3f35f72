import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InboundLeg } from '../../sip/leg.ts';
import type { TrunkInput } from '../../trunks/trunk-store.ts';
import type { AgentRequest } from '../../voice/agent-request.ts';
import { FINAL_STATUSES, type CallStatus } from '../call-status.ts';
import { openCallLab, TO, type CallLab, type LabNode } from '../testing/call-lab.ts';
import type { FakeVoiceCall } from '../testing/fake-voice-pool.ts';
import { onlyRing, pickUp, startCallee, type ScriptedCallee } from '../testing/scripted-callee.ts';

const TARGET = '+15005550123';
const ANSWERED: ReadonlySet<CallStatus> = new Set(['in-progress']);

let lab: CallLab;
let node: LabNode;
let callee: ScriptedCallee;

beforeEach(async () => {
  lab = await openCallLab();
  callee = await startCallee();
});
afterEach(async () => {
  await lab.close();
  await callee.close();
});

interface Talk {
  callId: string;
  voice: FakeVoiceCall;
  far: InboundLeg;
}

/** A call of the agent that was answered; whoever is called besides does `whenCalled`. */
async function talking(
  input: TrunkInput = {},
  whenCalled: (leg: InboundLeg) => void = pickUp,
): Promise<Talk> {
  callee.script = (leg) => (leg.request.uri.includes(TARGET) ? whenCalled(leg) : pickUp(leg));
  await lab.trunk([callee.ua.port], input);
  node = await lab.node();
  const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
  await lab.reached(call.id, ANSWERED);
  const [voice] = node.voice.calls;
  const [far] = callee.legs;
  if (!voice || !far) throw new Error('expected a call with a voice and a far end');
  return { callId: call.id, voice, far };
}

const transfer = (more: Partial<AgentRequest & { type: 'transfer' }> = {}): AgentRequest => ({
  type: 'transfer',
  to: TARGET,
  method: 'auto',
  ringTimeoutMs: 20_000,
  ringback: true,
  briefing: null,
  ...more,
});

async function told(callId: string): Promise<unknown[]> {
  const events = await lab.events(callId);
  return events.filter(({ type }) => type === 'call.transferred').map(({ data }) => data);
}

describe('a transfer that an agent asks for', () => {
  it('calls the target into the call’s room and lets the agent go when it answers', async () => {
    const { callId, voice } = await talking();
    expect(await voice.ask(transfer())).toEqual({ type: 'connected' });
    const target = node.voice.calls[1];
    expect(voice.roomId).not.toBeNull();
    expect(target?.opened).toMatchObject({
      silent: true,
      room: { id: voice.roomId, ringback: true },
    });
    expect([voice.dismissedCount, callee.legs.length]).toEqual([1, 2]);
    await expect
      .poll(() => told(callId))
      .toMatchObject([
        { to: TARGET, method: 'bridge', successful: true, target_call_id: target?.callId },
      ]);
  });

  it('tells the agent that the line is busy, and the agent goes on', async () => {
    const { callId, voice } = await talking({}, (leg) => leg.reject(486, 'Busy Here'));
    const busy = { type: 'failed', reason: 'user-busy', message: 'the line is busy' };
    expect(await voice.ask(transfer())).toEqual(busy);
    // Once more: the room of the first try is there already.
    expect(await voice.ask(transfer())).toEqual(busy);
    expect([voice.dismissedCount, (await lab.call(callId)).status]).toEqual([0, 'in-progress']);
    await expect
      .poll(() => told(callId))
      .toMatchObject([
        { successful: false, reason: 'user-busy', sip: { code: 486 } },
        { successful: false, reason: 'user-busy' },
      ]);
  });

  it('calls nobody that a call could not be placed to', async () => {
    const { voice } = await talking();
    expect(await voice.ask(transfer({ to: 'sip:evil@example.com' }))).toMatchObject({
      type: 'failed',
      reason: 'invalid-to',
    });
    expect(callee.legs).toHaveLength(1);
  });

  it('rings nobody for a caller who has hung up', async () => {
    const { voice, far } = await talking({}, onlyRing);
    const asked = voice.ask(transfer());
    await expect.poll(() => callee.legs.length, { timeout: 20_000 }).toBe(2);
    await far.hangup();
    expect(await asked).toMatchObject({ type: 'failed' });
    expect(callee.legs[1]?.state).toBe('ended');
  });

  it('tells the target in private first, where there is something to tell', async () => {
    const { voice } = await talking();
    expect(await voice.ask(transfer({ briefing: 'This is Ann.' }))).toEqual({ type: 'connected' });
    const target = node.voice.calls[1];
    expect(target?.agents.map(({ agent }) => agent.name)).toEqual(['briefing']);
    expect([target?.said, target?.dismissedCount]).toEqual([['This is Ann.'], 1]);
    const unheard = voice.seats.map(({ state }) => state.unheard);
    expect(unheard[0]).toContain(target?.callId);
    expect(unheard.at(-1)).toEqual([]);
  });
});

describe('a transfer by REFER', () => {
  const refers = (status: number, reason: string) => (far: InboundLeg) => {
    far.onRefer = () => ({ accept: true, run: () => Promise.resolve({ status, reason }) });
  };

  it('T32 RFC 3515: is the carrier’s to make, and our leg ends when it has', async () => {
    const { callId, voice, far } = await talking({ transferByRefer: true });
    const targets: string[] = [];
    far.onRefer = ({ referTo }) => {
      targets.push(referTo);
      return { accept: true, run: () => Promise.resolve({ status: 200, reason: 'OK' }) };
    };
    expect(await voice.ask(transfer())).toEqual({ type: 'connected' });
    expect(targets).toEqual([`sip:${TARGET}@127.0.0.1:${callee.ua.port}`]);
    expect(await lab.reached(callId, FINAL_STATUSES)).toMatchObject({
      status: 'completed',
      end_reason: 'transferred',
    });
    expect([far.state, callee.legs.length]).toEqual(['ended', 1]);
    expect(await told(callId)).toMatchObject([{ method: 'refer', successful: true }]);
  });

  it('T32 RFC 3515: tells the agent of NOTIFY 486, and nobody is called a second time', async () => {
    const { voice, far } = await talking({ transferByRefer: true });
    refers(486, 'Busy Here')(far);
    expect(await voice.ask(transfer())).toMatchObject({ type: 'failed', reason: 'user-busy' });
    expect([far.state, callee.legs.length]).toEqual(['confirmed', 1]);
  });

  it('T32 RFC 3515: is followed by a room where the carrier refuses it', async () => {
    const { callId, voice } = await talking({ transferByRefer: true });
    expect(await voice.ask(transfer())).toEqual({ type: 'connected' });
    expect(callee.legs).toHaveLength(2);
    await expect.poll(() => told(callId)).toMatchObject([{ method: 'bridge', successful: true }]);
  });
});

describe('a REFER of the far end', () => {
  const referTo = `<sip:${TARGET}@elsewhere.example>`;

  it('T32 RFC 3515: is refused with 603 unless the trunk allows it', async () => {
    const { callId, far } = await talking();
    expect(await far.refer({ referTo })).toMatchObject({ type: 'refused', status: 603 });
    expect([(await lab.call(callId)).status, callee.legs.length]).toEqual(['in-progress', 1]);
  });

  it('T32 RFC 3515: makes the agent call the number, and the far end is told what came of it', async () => {
    const { callId, far } = await talking({ acceptsRefer: true });
    expect(await far.refer({ referTo })).toMatchObject({ type: 'final', status: 200 });
    const { data } = await node.service.list(lab.workspaceId, { to: TARGET });
    expect(data).toMatchObject([{ agentId: lab.agentId, metadata: { referred_by: callId } }]);
  });

  it('T32 RFC 3515: reports a target that is busy', async () => {
    const { far } = await talking({ acceptsRefer: true }, (leg) => leg.reject(486, 'Busy Here'));
    expect(await far.refer({ referTo })).toMatchObject({ type: 'final', status: 486 });
  });

  it('T32 RFC 3891: names nothing but a number: no other user, no dialog to replace', async () => {
    const { far } = await talking({ acceptsRefer: true });
    expect(await far.refer({ referTo: '<sip:alice@elsewhere.example>' })).toMatchObject({
      type: 'refused',
      status: 404,
    });
    const replacing = `<sip:${TARGET}@elsewhere.example?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>`;
    expect(await far.refer({ referTo: replacing })).toMatchObject({ type: 'refused', status: 603 });
    expect(callee.legs).toHaveLength(1);
  });
});

describe('what else an agent asks for', () => {
  it('a callback is a call of the same agent to the same person', async () => {
    const { callId, voice } = await talking();
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await voice.ask({ type: 'callback', at, maxDays: 30 });
    expect(answer).toMatchObject({ type: 'scheduled', at });
    const scheduled = await lab.call((answer as { callId: string }).callId);
    expect(scheduled).toMatchObject({
      status: 'scheduled',
      agentId: lab.agentId,
      toNumber: TO,
      metadata: { callback_of: callId },
    });
    // The same wish, said twice.
    expect(await voice.ask({ type: 'callback', at, maxDays: 30 })).toEqual(answer);
  });

  it.each([
    ['2020-01-01T10:00', 'over'],
    ['2999-01-01T10:00', 'days ahead'],
    ['tomorrow', 'ISO 8601'],
  ])('no call is scheduled for %s', async (at, words) => {
    const { voice } = await talking();
    const answer = await voice.ask({ type: 'callback', at, maxDays: 30 });
    expect(answer).toMatchObject({ type: 'refused', message: expect.stringContaining(words) });
  });

  it('the number is put on the do-not-call list', async () => {
    const { voice } = await talking();
    await voice.ask({ type: 'do-not-call' });
    const listed = async (): Promise<number> =>
      (await lab.db.pool.query('select 1 from do_not_call where number = $1', [TO])).rows.length;
    await expect.poll(listed).toBe(1);
  });
});
