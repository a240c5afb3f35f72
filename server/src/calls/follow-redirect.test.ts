import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGuardrails } from '../compliance/guardrails.ts';
import { systemClock } from '../shared/clock.ts';
import { openCallLab, TO, type CallLab } from './testing/call-lab.ts';
import {
  pickUp,
  startCallee,
  type CalleeScript,
  type ScriptedCallee,
} from './testing/scripted-callee.ts';

let lab: CallLab;
let first: ScriptedCallee;
let second: ScriptedCallee;

beforeEach(async () => {
  lab = await openCallLab();
  first = await startCallee();
  second = await startCallee();
});
afterEach(async () => {
  await lab.close();
  await first.close();
  await second.close();
});

function sendTo(...contacts: string[]): CalleeScript {
  const headers = contacts.map((value) => ({ name: 'Contact', value }));
  return (leg) => leg.reject(302, 'Moved Temporarily', headers);
}

const at = (callee: ScriptedCallee, user = TO): string =>
  `<sip:${user}@127.0.0.1:${callee.ua.port}>`;

async function call(overrides: Parameters<CallLab['node']>[0] = {}): Promise<{
  callId: string;
  data: Awaited<ReturnType<CallLab['reached']>>;
}> {
  const node = await lab.node(overrides);
  node.voice.onAnswered = (voice) => voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
  const { call: placed } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
  return { callId: placed.id, data: await lab.reached(placed.id) };
}

describe('T28 RFC 3261 §8.1.3.4: a carrier that redirects a call', () => {
  it('T28: is not followed by a trunk that names no hosts', async () => {
    first.script = sendTo(at(second));
    await lab.trunk([first.ua.port]);
    const { callId, data } = await call();
    expect(data).toMatchObject({ end_reason: 'redirected', sip: { code: 302 } });
    expect(second.legs).toEqual([]);
    expect(await lab.attempts(callId)).toHaveLength(1);
  });

  it('T28: is followed to a host that the trunk names, by a committed attempt of its own', async () => {
    first.script = sendTo(`${at(second)};q=0.2`, `${at(first, '+15005550102')};q=0.1`);
    second.script = pickUp;
    await lab.trunk([first.ua.port], { redirectHosts: ['127.0.0.1'] });
    const { callId, data } = await call();
    expect(data).toMatchObject({ status: 'completed', end_reason: 'agent-goodbye' });
    const attempts = await lab.attempts(callId);
    expect(attempts.map(({ gateway, sipCode }) => [gateway, sipCode])).toEqual([
      [`127.0.0.1:${first.ua.port};udp`, 302],
      [`127.0.0.1:${second.ua.port};udp`, 200],
    ]);
    expect(second.legs[0]?.request.uri).toBe(at(second).slice(1, -1));
    expect(new Set(attempts.map(({ sipCallId }) => sipCallId)).size).toBe(2);
  });

  it('T28: is not followed to a private address that only a network names', async () => {
    first.script = sendTo(at(second));
    await lab.trunk([first.ua.port], { redirectHosts: ['127.0.0.0/8', '*.example.com'] });
    const { data } = await call();
    expect(data).toMatchObject({ end_reason: 'redirected' });
    expect(second.legs).toEqual([]);
  });

  it('T28: is not followed in a circle', async () => {
    first.script = sendTo(at(second));
    second.script = sendTo(at(first), at(second));
    await lab.trunk([first.ua.port], { redirectHosts: ['127.0.0.1'] });
    const { callId, data } = await call();
    expect(data).toMatchObject({ end_reason: 'redirected' });
    expect(await lab.attempts(callId)).toHaveLength(2);
  });

  it('T28: is followed five times at most', async () => {
    first.script = (leg) => {
      sendTo(at(first, `${TO};hop=${first.legs.length}`))(leg);
    };
    await lab.trunk([first.ua.port], { redirectHosts: ['127.0.0.1'] });
    const { data } = await call();
    expect(data).toMatchObject({ end_reason: 'redirected' });
    expect(first.legs).toHaveLength(6);
  });

  it('T28: a busy person there is not called elsewhere', async () => {
    first.script = sendTo(`${at(second)};q=1`, `${at(second, '+15005550103')};q=0.5`);
    second.script = (leg) => leg.reject(486);
    await lab.trunk([first.ua.port, second.ua.port], { redirectHosts: ['127.0.0.1'] });
    const { data } = await call();
    expect(data).toMatchObject({ status: 'busy', sip: { code: 486 } });
    expect(second.legs).toHaveLength(1);
  });

  it('T28: another number is judged by the guardrails anew', async () => {
    first.script = sendTo(at(second, '+34911234567'));
    await lab.trunk([first.ua.port], { redirectHosts: ['127.0.0.1'] });
    const { callId, data } = await call({ guardrails: createGuardrails({ clock: systemClock }) });
    expect(data).toMatchObject({ end_reason: 'redirected' });
    expect(second.legs).toEqual([]);
    const warnings = (await lab.events(callId)).filter(({ type }) => type === 'call.warning');
    expect(JSON.stringify(warnings)).toContain('+34911234567');
    second.script = pickUp;
    const free = await call();
    expect(free.data).toMatchObject({ end_reason: 'agent-goodbye' });
    expect(second.legs[0]?.request.uri).toContain('+34911234567');
  });
});
