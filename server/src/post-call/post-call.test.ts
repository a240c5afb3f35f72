import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCallLab, FROM, TO, type CallLab } from '../calls/testing/call-lab.ts';
import type { CallStatus } from '../calls/call-status.ts';
import * as calls from '../db/queries/calls.ts';
import type { CallEvent } from '../events/call-event.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { settleCall, startPostCall } from './post-call.ts';

let lab: CallLab;

beforeAll(async () => {
  lab = await openCallLab();
  await lab.db.pool.query(`insert into rates values ('platform', '*', 'minute', 60000)`);
});
afterAll(() => lab.close());

async function callThat(status: CallStatus, endReason: string): Promise<string> {
  const row = await calls.insert(lab.db.pool, {
    id: newId('call', clock.now()),
    workspaceId: lab.workspaceId,
    direction: 'outbound',
    agentId: lab.agentId,
    fromNumber: FROM,
    toNumber: TO,
    status,
    endReason,
    endedBy: 'system',
    answeredAt: new Date(1_000_000),
    disconnectedAt: new Date(1_010_000),
  });
  return row.id;
}

describe('after a call', () => {
  it.each([
    ['callee-hangup', 'completed'],
    ['api-stopped', 'stopped'],
    ['shutdown', 'stopped'],
    ['voice-worker-crashed', 'error'],
  ])('that ended by %s its status becomes %s, once', async (endReason, status) => {
    const callId = await callThat('call-disconnected', endReason);
    const published: CallEvent[] = [];
    const options = {
      db: lab.db,
      clock,
      feed: { publish: (event: CallEvent) => void published.push(event) },
    };
    await Promise.all([1, 2, 3].map(() => settleCall(options, callId)));
    await settleCall(options, callId);
    expect(published).toHaveLength(1);
    expect(await lab.call(callId)).toMatchObject({
      status,
      endReason,
      cost: { total_micros: 10_000 },
    });
    expect((await lab.events(callId)).map((event) => event.type)).toEqual(['call.status']);
  });

  it('that was lost with its node only the cost is added', async () => {
    const callId = await callThat('error', 'node-lost');
    const feed = { publish: () => expect.unreachable('nothing changes its status') };
    await settleCall({ db: lab.db, clock, feed }, callId);
    expect(await lab.call(callId)).toMatchObject({
      status: 'error',
      cost: { total_micros: 10_000 },
    });
  });

  it('that is not over, or not there, nothing happens', async () => {
    const callId = await callThat('in-progress', 'silence');
    const feed = { publish: () => expect.unreachable('nothing happened') };
    await settleCall({ db: lab.db, clock, feed }, callId);
    await settleCall({ db: lab.db, clock, feed }, 'call_unknown');
    expect(await lab.call(callId)).toMatchObject({ status: 'in-progress', cost: null });
  });

  it('all that are over are settled at once when the program ends, jobs or none', async () => {
    const over = await Promise.all([
      callThat('call-disconnected', 'silence'),
      callThat('call-disconnected', 'callee-hangup'),
    ]);
    const live = await callThat('in-progress', 'silence');
    const published: string[] = [];
    const postCall = await startPostCall({
      db: lab.db,
      clock,
      feed: { publish: ({ callId }) => void published.push(callId) },
      jobs: { work: () => Promise.resolve(() => Promise.resolve()) },
    });
    await postCall.settleAll();
    await postCall.close();
    expect([...published].sort()).toEqual([...over].sort());
    expect(await lab.call(live)).toMatchObject({ status: 'in-progress' });
  });
});
