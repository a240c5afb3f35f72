import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDoNotCall } from '../compliance/do-not-call.ts';
import { createGuardrails } from '../compliance/guardrails.ts';
import { changeSettings } from '../compliance/settings-store.ts';
import * as agents from '../db/queries/agents.ts';
import * as calls from '../db/queries/calls.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { CallRequest } from './admission.ts';
import type { AdmissionError } from './admission-error.ts';
import { dialCall } from './dialler.ts';
import type { CallContext } from './call-context.ts';
import { takeInviteTurn } from './invite-pacing.ts';
import { placeCall } from './place-call.ts';
import { startReaper } from './reaper.ts';
import { AGENT_CONFIG, openCallLab, TO, type CallLab, type LabNode } from './testing/call-lab.ts';
import {
  onlyRing,
  refuseWith,
  startCallee,
  type ScriptedCallee,
} from './testing/scripted-callee.ts';

const never = new AbortController().signal;

let lab: CallLab;
let callee: ScriptedCallee;
let idle: LabNode;
let trunkId: string;

beforeEach(async () => {
  lab = await openCallLab();
  callee = await startCallee(onlyRing);
  trunkId = await lab.trunk([callee.ua.port]);
  // It admits; what is queued waits for the test.
  idle = await lab.node({ carriesCalls: false });
});
afterEach(async () => {
  await lab.close();
  await callee.close();
});

function place(request: Partial<CallRequest> = {}, over: Partial<CallContext> = {}) {
  return placeCall(
    { ...idle.context, ...over },
    { workspaceId: lab.workspaceId, to: TO, ...request },
  );
}

function refusal(request: Partial<CallRequest> = {}, over: Partial<CallContext> = {}) {
  return place(request, over).then(
    () => null,
    (error: unknown) => error as AdmissionError,
  );
}

async function agent(config: object): Promise<string> {
  const id = newId('agent', Date.now());
  await agents.insert(lab.db.pool, {
    id,
    workspaceId: lab.workspaceId,
    config: { ...AGENT_CONFIG, ...config },
  });
  return id;
}

/** A clock that stands still at a time. */
function clockAt(iso: string): Clock {
  return { ...systemClock, now: () => Date.parse(iso) };
}

describe('placing a call', () => {
  it('refuses an agent whose model nobody has a key for, before anything is stored', async () => {
    const agentId = await agent({ llm: { provider: 'openai' } });
    expect(await refusal({ agentId })).toMatchObject({ code: 'agent-not-ready', httpStatus: 422 });
    const llm = { openaiBaseUrl: 'https://api.openai.com/v1', openaiApiKey: 'sk-server' };
    const { call } = await place({ agentId }, { llm });
    expect(call.status).toBe('queued');
  });

  it('refuses beyond a limit of the agent, the trunk or the workspace, however many come at once', async () => {
    const agentId = await agent({ max_concurrent_calls: 2 });
    const results = await Promise.all(Array.from({ length: 6 }, () => refusal({ agentId })));
    const refused = results.filter((error) => error !== null);
    expect(results.length - refused.length).toBe(2);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['limit-reached']));
    await lab.db.pool.query('update trunks set max_concurrent_calls = 2');
    expect((await refusal())?.message).toContain('the trunk has 2 of 2 calls');
    await lab.db.pool.query('update trunks set max_concurrent_calls = null');
    await lab.db.pool.query('update workspaces set max_concurrent_calls = 2');
    expect((await refusal())?.message).toContain('the workspace has 2 of 2 calls');
    const { call } = await place({ whenFull: 'queue' });
    expect(call.status).toBe('queued');
    const later = await place({ scheduledAt: new Date(Date.now() + 3_600_000) });
    expect(later.call.status).toBe('scheduled');
  });

  it('refuses what the wallet does not cover, or records it where the door wants that', async () => {
    await lab.wallet.configure(lab.workspaceId, { mode: 'prepaid' });
    await lab.db.pool.query(
      `insert into rates (kind, provider, unit, micros_per_unit)
       values ('platform', 'trunkline', 'minute', 50000)
       on conflict (kind, provider, prefix, unit) do update set micros_per_unit = 50000`,
    );
    expect(await refusal()).toMatchObject({
      code: 'insufficient-credit',
      httpStatus: 402,
      balanceMicros: 0,
    });
    const none = await lab.db.pool.query('select from calls');
    expect(none.rowCount).toBe(0);
    const { call } = await place({ onInsufficientCredit: 'record' });
    expect(call).toMatchObject({ status: 'balance-low', endReason: 'insufficient-credit' });
    await lab.wallet.topUp({ workspaceId: lab.workspaceId, micros: 10_000_000 });
    const paid = await place();
    expect((await lab.wallet.balance(lab.workspaceId)).heldMicros).toBeGreaterThan(0);
    await idle.service.cancel(lab.workspaceId, paid.call.id);
    expect((await lab.wallet.balance(lab.workspaceId)).heldMicros).toBe(0);
  });

  it('refuses variables, metadata and options out of bounds by the name of the field', async () => {
    expect(await refusal({ variables: { x: 'y'.repeat(70_000) } })).toMatchObject({
      code: 'invalid-variables',
      field: 'variables',
    });
    expect(await refusal({ maxDurationS: 5 })).toMatchObject({ field: 'max_duration_s' });
    expect(await refusal({ ringTimeoutMs: 1 })).toMatchObject({ field: 'ring_timeout_s' });
    expect(await refusal({ timezone: 'Mars/Base' })).toMatchObject({ field: 'timezone' });
    expect(await refusal({ trunkId: 'trunk_none' })).toMatchObject({ code: 'trunk-not-found' });
  });

  it('calls from a number of the trunk that is named', async () => {
    const { call } = await place({ trunkId });
    expect(call.trunkId).toBe(trunkId);
  });

  it('answers the same key with the same call, and refuses it for another request', async () => {
    const first = await place({ idempotencyKey: 'k', variables: { a: 1 } });
    const again = await place({ idempotencyKey: 'k', variables: { a: 1 } });
    expect(again).toMatchObject({ created: false, call: { id: first.call.id } });
    expect(await refusal({ idempotencyKey: 'k', variables: { a: 2 } })).toMatchObject({
      code: 'idempotency-conflict',
    });
    const other = await place({ idempotencyKey: 'k', variables: { a: 2 }, door: 'livekit' });
    expect(other.created).toBe(true);
  });

  it('gives the agent the call’s variables, those of the system and the call’s limits', async () => {
    const { call } = await place(
      {
        variables: { name: 'Ada', recipient: { city: 'Bonn' }, call_id: 'forged' },
        maxDurationS: 60,
        timezone: 'Asia/Tokyo',
      },
      { clock: clockAt('2027-01-15T20:30:00Z') },
    );
    await dialCall({ ...idle.context, clock: clockAt('2027-01-15T20:30:00Z') }, call.id, never);
    const [voice] = idle.voice.calls;
    expect(voice?.opened.agent.max_duration_s).toBe(60);
    expect(voice?.opened.variables).toMatchObject({
      name: 'Ada',
      'recipient.city': 'Bonn',
      call_id: call.id,
      execution_id: call.id,
      to_number: TO,
      timezone: 'Asia/Tokyo',
      current_date: 'Saturday, January 16, 2027',
      current_time: '5:30 AM',
    });
    const [attempt] = await lab.attempts(call.id);
    expect(voice?.opened.variables['call_sid']).toBe(attempt?.sipCallId);
    await idle.context.live.get(call.id)?.stop({ type: 'api-stop' });
  });
});

describe('a guardrail', () => {
  const NUMBER = '+12125550147';
  const NIGHT = '2027-01-15T08:00:00Z';
  const NOON = '2027-01-15T17:00:00Z';

  async function realTrunk(): Promise<void> {
    await lab.db.pool.query(`update trunks set sandbox = false`);
    await lab.db.pool.query(`update numbers set e164 = '+12125550199'`);
  }

  const over = (iso: string): Partial<CallContext> => {
    const clock = clockAt(iso);
    return { clock, guardrails: createGuardrails({ clock }) };
  };
  const request = { to: NUMBER, from: '+12125550199' };

  it('refuses a call at night with the time at which it may be made', async () => {
    await realTrunk();
    const error = await refusal(request, over(NIGHT));
    expect(error).toMatchObject({ code: 'guardrail', rule: 'G20', httpStatus: 403 });
    expect(error?.retryAt?.getTime()).toBeGreaterThan(Date.parse(NIGHT));
  });

  it('puts it off instead where the door’s vendor does', async () => {
    await realTrunk();
    const { call } = await place({ ...request, door: 'bolna' }, over(NIGHT));
    expect(call).toMatchObject({ status: 'rescheduled', guardrail: 'G20' });
    expect(call.scheduledAt?.getTime()).toBeGreaterThan(Date.parse(NIGHT));
    expect(await lab.events(call.id)).toMatchObject([
      { type: 'call.queued' },
      {
        type: 'call.warning',
        data: { code: 'guardrail', message: expect.stringMatching(/^G20: /) as string },
      },
    ]);
  });

  it('G04: refuses the very first call when its first minute does not fit the cap', async () => {
    await realTrunk();
    await lab.db.pool.query(
      `insert into rates (kind, provider, unit, micros_per_unit)
       values ('platform', 'trunkline', 'minute', 50000)
       on conflict (kind, provider, prefix, unit) do update set micros_per_unit = 50000`,
    );
    const cap = (micros: number) =>
      lab.db.transaction((client) =>
        changeSettings(client, lab.workspaceId, {
          spend_caps: { workspace: { day_micros: micros } },
        }),
      );
    await cap(49_999);
    expect(await refusal(request, over(NOON))).toMatchObject({ code: 'guardrail', rule: 'G04' });
    await cap(1_000_000);
    expect((await place(request, over(NOON))).call.status).toBe('queued');
    await cap(0);
    expect(await refusal(request, over(NOON))).toMatchObject({ rule: 'G04' });
  });

  it('puts off a call that was admitted by day and comes to be dialled at night', async () => {
    await realTrunk();
    const { call } = await place(request, over(NOON));
    expect(call.status).toBe('queued');
    await dialCall({ ...idle.context, ...over('2027-01-16T08:00:00Z') }, call.id, never);
    const stored = await lab.call(call.id);
    expect(stored).toMatchObject({ status: 'rescheduled', guardrail: 'G20' });
    expect(callee.legs).toHaveLength(0);
    expect(idle.voice.calls[0]?.closedCount).toBe(1);
  });

  it('ends a call whose callee asked not to be called since it was placed', async () => {
    await realTrunk();
    const { call } = await place(request, over(NOON));
    const { workspaceId } = lab;
    await addDoNotCall(lab.db.pool, {
      workspaceId,
      number: NUMBER,
      source: 'api',
      at: new Date(NOON),
    });
    await dialCall({ ...idle.context, ...over(NOON) }, call.id, never);
    expect(await lab.call(call.id)).toMatchObject({
      status: 'failed',
      endReason: 'guardrail',
      guardrail: 'G21',
    });
    expect(callee.legs).toHaveLength(0);
  });
});

describe('a call that was put off', () => {
  it('is dialled when its time has come, by whatever node lives then', async () => {
    const { call } = await place({ scheduledAt: new Date(Date.now() + 3_600_000) });
    await idle.close();
    const clock = { ...systemClock, now: () => Date.now() + 3_700_000 };
    const node = await lab.node({ clock });
    await lab.reached(call.id, new Set(['ringing']));
    expect(node.voice.calls[0]?.callId).toBe(call.id);
    await node.service.hangup(lab.workspaceId, call.id);
    await lab.reached(call.id);
  });

  it('is not dialled when nobody can pay for it then', async () => {
    const { call } = await place({ scheduledAt: new Date(Date.now() + 60_000) });
    await lab.wallet.configure(lab.workspaceId, { mode: 'prepaid' });
    await lab.db.pool.query(`update rates set micros_per_unit = 50000 where kind = 'platform'`);
    await lab.db.pool.query(
      `insert into rates (kind, provider, unit, micros_per_unit)
       values ('platform', 'trunkline', 'minute', 50000) on conflict do nothing`,
    );
    const clock = { ...systemClock, now: () => Date.now() + 70_000 };
    const reaper = startReaper({ ...idle.context, clock });
    await reaper.sweep();
    await reaper.close();
    expect(await lab.call(call.id)).toMatchObject({ status: 'balance-low' });
  });

  it('is canceled with all others of its agent, and those of others are not', async () => {
    const other = await agent({});
    const at = new Date(Date.now() + 3_600_000);
    const mine = [await place(), await place({ scheduledAt: at })].map(({ call }) => call.id);
    const theirs = (await place({ agentId: other })).call.id;
    const canceled = await idle.service.stopQueuedOfAgent(lab.workspaceId, lab.agentId);
    expect(canceled).toEqual(mine.sort());
    expect((await lab.call(theirs)).status).toBe('queued');
  });
});

describe('a person who was not reached', () => {
  it('is called again by a call of its own, as often as the policy says', async () => {
    callee.script = refuseWith(486, 'Busy Here');
    const node = await lab.node();
    const retry = { on: ['busy' as const], intervals_s: [1], max_attempts: 2 };
    const { call } = await node.service.place({
      workspaceId: lab.workspaceId,
      to: TO,
      retry,
      metadata: { order: '7' },
      variables: { name: 'Ada' },
    });
    expect((await lab.reached(call.id)).status).toBe('busy');
    const { data } = await calls.list(lab.db.pool, lab.workspaceId, { retryOf: call.id });
    expect(data).toMatchObject([
      {
        status: 'scheduled',
        attempt: 2,
        retryOf: call.id,
        metadata: { order: '7' },
        variables: { name: 'Ada' },
      },
    ]);
    const second = data[0]?.id ?? '';
    expect((await lab.reached(second)).status).toBe('busy');
    const third = await calls.list(lab.db.pool, lab.workspaceId, { retryOf: second });
    expect(third.data).toEqual([]);
  });

  it('is left alone after a decline', async () => {
    callee.script = refuseWith(603, 'Decline');
    const node = await lab.node();
    const retry = { on: ['failed' as const], intervals_s: [1], max_attempts: 3 };
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO, retry });
    expect(await lab.reached(call.id)).toMatchObject({ status: 'failed', end_reason: 'declined' });
    expect((await calls.list(lab.db.pool, lab.workspaceId, { retryOf: call.id })).data).toEqual([]);
  });
});

describe('calls beyond a limit', () => {
  it('wait in line and go one after the other', async () => {
    const agentId = await agent({ max_concurrent_calls: 1 });
    const node = await lab.node();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const placed = await node.service.place({
        workspaceId: lab.workspaceId,
        to: TO,
        agentId,
        whenFull: 'queue',
      });
      ids.push(placed.call.id);
    }
    const done = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const ringing = await anyRinging(ids.filter((id) => !done.has(id)));
      const inFlight = await calls.countLive(lab.db.pool, { workspaceId: lab.workspaceId });
      expect(inFlight).toBe(1);
      done.add(ringing);
      await node.service.hangup(lab.workspaceId, ringing);
      await lab.reached(ringing);
    }
    expect(callee.legs).toHaveLength(3);
  });

  async function anyRinging(ids: string[]): Promise<string> {
    return Promise.race(
      ids.map(async (id) => {
        await lab.reached(id, new Set(['ringing']));
        return id;
      }),
    );
  }
});

describe('a trunk with calls per second', () => {
  it('gives turns that are exactly so far apart, and none where the line is too long', async () => {
    const { workspaceId } = lab;
    const trunk = { id: trunkId, workspaceId, callsPerSecond: 2 };
    const startMs = performance.now();
    const dueMs = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const turn = await takeInviteTurn(lab.db.pool, trunk, 5_000);
        return turn.type === 'turn' ? performance.now() - startMs + turn.waitMs : NaN;
      }),
    );
    dueMs.sort((a, b) => a - b);
    // 2.5 s, less what a busy machine takes to tell of the first.
    expect((dueMs.at(-1) ?? 0) - (dueMs[0] ?? 0)).toBeGreaterThan(1_500);
    expect(await takeInviteTurn(lab.db.pool, trunk, 100)).toEqual({ type: 'later' });
  });

  it('sends its INVITEs no closer than that, whichever node dials', async () => {
    await lab.db.pool.query('update trunks set calls_per_second = 2');
    const atMs: number[] = [];
    callee.script = (leg) => {
      atMs.push(performance.now());
      leg.reject(486, 'Busy Here');
    };
    const nodes = [await lab.node(), await lab.node()];
    const placed = await Promise.all(
      [...nodes, ...nodes, ...nodes, ...nodes].map(({ service }) =>
        service.place({ workspaceId: lab.workspaceId, to: TO, whenFull: 'queue' }),
      ),
    );
    await Promise.all(placed.map(({ call }) => lab.reached(call.id)));
    // 500 ms apart by the database's clock; the first may be late by the way to the wire.
    expect((atMs.at(-1) ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(2_000);
    expect(atMs).toHaveLength(8);
  });
});
