import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as sipTraces from '../db/queries/sip-traces.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import type { SipRequest } from '../sip/message.ts';
import { SipTrace } from './sip-trace.ts';
import { openCallLab, TO, type CallLab } from './testing/call-lab.ts';
import { refuseWith, startCallee, type ScriptedCallee } from './testing/scripted-callee.ts';

let lab: CallLab;
let callee: ScriptedCallee;
beforeEach(async () => {
  lab = await openCallLab();
  callee = await startCallee();
});
afterEach(async () => {
  await lab.close();
  await callee.close();
});

describe('the SIP trace of a call', () => {
  it('holds every message of its wire in order, for its workspace only', async () => {
    callee.script = refuseWith(486, 'Busy Here');
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id);
    await node.service.close();
    const trace = await sipTraces.read(lab.db.pool, lab.workspaceId, call.id);
    const lines = trace.map(({ direction, text }) => `${direction} ${text.split('\r\n')[0]}`);
    // On a busy machine one or the other is sent twice.
    expect([...new Set(lines)]).toEqual([
      `sent INVITE sip:${TO}@127.0.0.1:${callee.ua.port} SIP/2.0`,
      'received SIP/2.0 100 Trying',
      'received SIP/2.0 486 Busy Here',
      `sent ACK sip:${TO}@127.0.0.1:${callee.ua.port} SIP/2.0`,
    ]);
    expect(trace[0]).toMatchObject({
      peer: `127.0.0.1:${callee.ua.port}`,
      local: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      transport: 'udp',
    });
    expect(await sipTraces.read(lab.db.pool, 'ws_other', call.id)).toEqual([]);
  });

  it('keeps few of what nobody claims, and a limited number of each call', async () => {
    const trace = new SipTrace({ db: lab.db, clock: new FakeClock(), logger });
    const peer = { host: '192.0.2.1', port: 5060, transport: 'udp' as const };
    const see = (callId: string, method = 'INVITE'): void => {
      const message: SipRequest = {
        kind: 'request',
        method,
        uri: 'sip:a@b',
        headers: [{ name: 'Call-ID', value: callId }],
        body: method === 'MESSAGE' ? 'x'.repeat(10_000) : '',
      };
      trace.see({ direction: 'received', message, peer, local: peer });
    };
    see('first');
    see('lonely', 'OPTIONS');
    for (let i = 0; i < 600; i++) see(`flood-${i}`);
    const call = (id: string) => ({ id, workspaceId: lab.workspaceId });
    trace.claim(call('call_1'), 'first');
    expect(trace.live('call_1')).toEqual([]);
    trace.claim(call('call_2'), 'flood-599');
    for (let i = 0; i < 400; i++) see('flood-599', 'INFO');
    expect(trace.live('call_2')?.length).toBe(300);
    expect(trace.live('call_3')).toBeNull();
    see('long');
    for (let i = 0; i < 100; i++) see('long', 'MESSAGE');
    trace.claim(call('call_4'), 'long');
    const charsOf = (id: string): number =>
      trace.live(id)?.reduce((sum, { text }) => sum + text.length, 0) ?? 0;
    expect(charsOf('call_4')).toBeLessThanOrEqual(65_536);
    for (let i = 0; i < 100; i++) see('long', 'MESSAGE');
    expect(charsOf('call_4')).toBeGreaterThan(200_000);
    expect(charsOf('call_4')).toBeLessThanOrEqual(262_144);
  });
});
