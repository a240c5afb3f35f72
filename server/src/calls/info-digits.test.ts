import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCallLab, TO, type CallLab } from './testing/call-lab.ts';
import { pickUp, startCallee, type ScriptedCallee } from './testing/scripted-callee.ts';

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

it('T43 RFC 6086: hands digits that come by SIP INFO to the agent, in both forms', async () => {
  callee.script = pickUp;
  await lab.trunk([callee.ua.port]);
  const node = await lab.node();
  const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
  await expect
    .poll(() => node.voice.calls[0]?.answeredAtMs ?? null, { timeout: 20_000 })
    .not.toBeNull();
  const leg = callee.legs[0];
  for (const [contentType, body] of [
    ['application/dtmf-relay', 'Signal=4\r\nDuration=160\r\n'],
    ['application/dtmf', '#'],
    ['text/plain', '9'],
  ] as const) {
    expect(await leg?.info(contentType, body)).toEqual({ status: 200 });
  }
  expect(node.voice.calls[0]?.digits).toEqual(['4', '#']);
  await node.service.hangup(lab.workspaceId, call.id);
  await lab.reached(call.id);
});
