import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wavHeader } from '../audio/wav.ts';
import { systemClock } from '../shared/clock.ts';
import { openCallLab, TO, type CallLab } from './testing/call-lab.ts';
import { onlyRing, startCallee, type ScriptedCallee } from './testing/scripted-callee.ts';

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

describe('calls', () => {
  it('stopped over the API hear the goodbye before the line is cut', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    const [voice] = node.voice.calls;
    const { promise: saidGoodbye, resolve: goodbyeHeard } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    if (voice) {
      voice.finish = (text) => {
        voice.said.push(text);
        ask();
        return saidGoodbye;
      };
    }
    let cut = false;
    callee.legs[0]?.events.on('ended', () => {
      cut = true;
    });
    expect(await node.service.hangup(lab.workspaceId, call.id)).toMatchObject({
      outcome: 'stopping',
    });
    await asked;
    expect(voice?.said).toEqual(['Thank you. Goodbye.']);
    expect(cut).toBe(false);
    goodbyeHeard();
    expect(await lab.reached(call.id)).toEqual({
      status: 'stopped',
      end_reason: 'api-stopped',
      ended_by: 'api',
      sip: { code: 200, reason: 'OK' },
    });
    expect(await node.service.hangup(lab.workspaceId, call.id)).toMatchObject({ outcome: 'over' });
  });

  it('are dialled past the queue by the node that took them in, and leave no job behind', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    await expect
      .poll(async () => {
        const { rowCount } = await lab.db.pool.query(
          `select from pgboss.job where name = 'call.dial'`,
        );
        return rowCount;
      })
      .toBe(0);
    expect(callee.legs).toHaveLength(1);
  });

  it('are hung up although the database is away', async () => {
    await lab.trunk([callee.ua.port]);
    let away = false;
    const pool = new Proxy(lab.db.pool, {
      get(target, name, self): unknown {
        if (away && name === 'query') {
          return () => Promise.reject(new Error('connect ECONNREFUSED'));
        }
        const value: unknown = Reflect.get(target, name, self);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const node = await lab.node({
      db: { pool, transaction: (fn) => lab.db.transaction(fn) },
    });
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    const cut = new Promise((resolve) =>
      callee.legs[0]?.events.on('ended', ({ by }) => resolve(by)),
    );
    away = true;
    await expect(node.service.hangup('ws_other', call.id)).rejects.toThrow('ECONNREFUSED');
    expect(await node.service.hangup(lab.workspaceId, call.id)).toMatchObject({
      outcome: 'stopping',
      call: { id: call.id, status: 'in-progress' },
    });
    expect(await cut).toBe('remote');
    away = false;
    expect(await lab.reached(call.id)).toMatchObject({ status: 'stopped', ended_by: 'api' });
  });

  it('may be placed on a node that carries none, before any that does was there', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node({ carriesCalls: false });
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    expect(call.status).toBe('queued');
  });

  it('end when another node has settled them', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    const cut = new Promise((resolve) =>
      callee.legs[0]?.events.on('ended', ({ by }) => resolve(by)),
    );
    await lab.db.pool.query(
      `update calls set status = 'error', end_reason = 'node-lost' where id = $1`,
      [call.id],
    );
    expect(await cut).toBe('remote');
  });

  it('are priced by a clock that does not jump', async () => {
    let nowMs = systemClock.now();
    let monotonicMs = 1_000;
    const clock = { ...systemClock, now: () => nowMs, monotonicMs: () => monotonicMs };
    await lab.trunk([callee.ua.port]);
    const node = await lab.node({ clock });
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    nowMs -= 3_600_000;
    monotonicMs += 42_000;
    node.voice.calls[0]?.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    await lab.reached(call.id);
    expect((await lab.call(call.id)).durationMs).toBe(42_000);
  });

  it('of a worker that crashed have the length that the recording’s file has', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    node.voice.onAnswered = (voice) => {
      const { recordingPath } = voice.opened;
      if (recordingPath === null) return;
      const dataBytes = 8_000 * 2 * 2 * 3;
      const header = wavHeader({ sampleRateHz: 8_000, channelCount: 2, dataBytes });
      writeFileSync(recordingPath, Buffer.concat([header, Buffer.alloc(dataBytes)]));
      voice.report.recordingPath = recordingPath;
      voice.emit({ type: 'end-requested', reason: 'voice-worker-crashed' });
    };
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    expect(await lab.reached(call.id)).toMatchObject({ end_reason: 'voice-worker-crashed' });
    expect((await lab.call(call.id)).recordingDurationMs).toBe(3_000);
  });

  it('are stopped from another node than the one that carries them', async () => {
    await lab.trunk([callee.ua.port]);
    const carrying = await lab.node();
    const other = await lab.node({ carriesCalls: false });
    const { call } = await other.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    expect(carrying.service.liveCount).toBe(1);
    await other.service.hangup(lab.workspaceId, call.id);
    expect(await lab.reached(call.id)).toMatchObject({ status: 'stopped' });
  });

  it('that ring are canceled when stopped', async () => {
    callee.script = onlyRing;
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['ringing']));
    await node.service.hangup(lab.workspaceId, call.id);
    expect(await lab.reached(call.id)).toMatchObject({
      status: 'canceled',
      end_reason: 'canceled',
      ended_by: 'api',
      sip: { code: 487 },
    });
  });

  it('of one workspace are not there for another', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node({ carriesCalls: false });
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    expect(await node.service.get('ws_other', call.id)).toBeNull();
    expect(await node.service.hangup('ws_other', call.id)).toEqual({ outcome: 'not-found' });
    expect(await node.service.hangup(lab.workspaceId, call.id)).toMatchObject({
      outcome: 'canceled',
      call: { status: 'canceled', endReason: 'canceled', sipCode: null },
    });
  });

  it('wait in the queue while every slot is taken', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node({ maxCalls: 1 });
    const [first, second] = await Promise.all(
      [1, 2].map(() => node.service.place({ workspaceId: lab.workspaceId, to: TO })),
    );
    const ids = [first?.call.id ?? '', second?.call.id ?? ''];
    const live = await Promise.race(
      ids.map((id) => lab.reached(id, new Set(['in-progress'])).then(() => id)),
    );
    const waiting = ids.find((id) => id !== live) ?? '';
    expect((await lab.call(waiting)).status).toBe('queued');
    expect(callee.legs).toHaveLength(1);
    await node.service.hangup(lab.workspaceId, live);
    await lab.reached(waiting, new Set(['in-progress']));
    await node.service.hangup(lab.workspaceId, waiting);
    await lab.reached(waiting);
    expect(callee.legs).toHaveLength(2);
  });

  it('T50 finish while the node drains, and no new ones are taken', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    const drained = node.service.drain(60_000);
    await expect(
      node.service.place({ workspaceId: lab.workspaceId, to: TO }),
    ).rejects.toMatchObject({ code: 'draining', httpStatus: 503 });
    node.voice.calls[0]?.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    await drained;
    expect(await lab.reached(call.id)).toMatchObject({ status: 'completed' });
  });

  it('T50 are hung up when the draining takes too long', async () => {
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id, new Set(['in-progress']));
    await node.service.drain(10);
    expect(await lab.reached(call.id)).toMatchObject({
      status: 'stopped',
      end_reason: 'shutdown',
      ended_by: 'system',
    });
    expect(node.service.liveCount).toBe(0);
  });

  it('that were answered are priced from the rates and completed once', async () => {
    await lab.db.pool.query(
      `insert into rates values ('synthesizer', 'local', 'character', 3), ('platform', '*', 'minute', 6000000)`,
    );
    await lab.trunk([callee.ua.port]);
    const node = await lab.node();
    node.voice.onAnswered = (voice) => {
      voice.report.usage.ttsCharacters = 10;
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    };
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id);
    await lab.jobs.send('call.post', { callId: call.id });
    const row = await lab.call(call.id);
    expect(row.durationMs).toBeGreaterThanOrEqual(0);
    expect(row.cost).toMatchObject({ total_micros: 30 + Number(row.durationMs) * 100 });
  });
});
