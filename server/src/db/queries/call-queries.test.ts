import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import { systemClock } from '../../shared/clock.ts';
import { openDatabase, type Database } from '../database.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import * as attempts from './attempts.ts';
import * as callEvents from './call-events.ts';
import * as calls from './calls.ts';
import * as nodes from './nodes.ts';
import * as turns from './turns.ts';

let testDatabase: TestDatabase;
let database: Database;
let clockMs = 1_800_000_000_000;
const workspaceId = 'ws_a';
const id = (kind: Parameters<typeof newId>[0]): string => newId(kind, clockMs++);

function insertCall(over: Partial<calls.NewCall> = {}): Promise<calls.CallRow> {
  return calls.insert(database.pool, {
    id: id('call'),
    workspaceId,
    direction: 'outbound',
    fromNumber: '+15005550199',
    toNumber: '+15005550101',
    status: 'queued',
    ...over,
  });
}

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    url: testDatabase.url,
    logger: silentLogger,
    clock: systemClock,
  });
  await database.pool.query(
    `insert into workspaces (id, name) values ('ws_a', 'A'), ('ws_b', 'B')`,
  );
});

afterAll(async () => {
  await database.close();
  await testDatabase.close();
});

describe('calls', () => {
  it('moves along an edge once, however many try', async () => {
    const call = await insertCall();
    const node = await nodes.register(database.pool, id('node'));
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        calls.transition(database.pool, call.id, ['queued'], 'initiated', {
          nodeId: node.id,
          initiatedAt: new Date(clockMs),
        }),
      ),
    );
    const winners = results.filter((row) => row !== null);
    expect(winners).toHaveLength(1);
    expect(winners[0]).toMatchObject({ status: 'initiated', nodeId: node.id });
    expect(winners[0]?.initiatedAt).toEqual(new Date(clockMs));
  });

  it('leaves everything as it was when the edge is not legal', async () => {
    const call = await insertCall({ status: 'completed' });
    const moved = await calls.transition(database.pool, call.id, ['queued', 'ringing'], 'failed', {
      endReason: 'declined',
    });
    expect(moved).toBeNull();
    expect(await calls.get(database.pool, call.id)).toMatchObject({
      status: 'completed',
      endReason: null,
    });
  });

  it('stores documents as given, arrays and quotes included', async () => {
    const variables = { name: `O'Hara "x" \\ {a}`, list: [1, 'two', null], nested: { a_b: 1 } };
    const call = await insertCall({ variables });
    expect(call.variables).toEqual(variables);
    const changed = await calls.update(database.pool, call.id, {
      cost: [{ kind: 'network', micros: 3 }],
      outcome: { answer: 'yes' },
      media: null,
      endedBy: undefined,
    });
    expect(changed).toMatchObject({
      cost: [{ kind: 'network', micros: 3 }],
      outcome: { answer: 'yes' },
      media: null,
      endedBy: null,
    });
  });

  it('finds a call by its idempotency key within its workspace, and refuses a second', async () => {
    const call = await insertCall({ idempotencyKey: 'order-7' });
    expect((await calls.findByIdempotencyKey(database.pool, workspaceId, 'order-7'))?.id).toBe(
      call.id,
    );
    expect(await calls.findByIdempotencyKey(database.pool, 'ws_b', 'order-7')).toBeNull();
    await expect(insertCall({ idempotencyKey: 'order-7' })).rejects.toMatchObject({
      code: '23505',
    });
    await insertCall({ workspaceId: 'ws_b', idempotencyKey: 'order-7' });
  });

  it('lists by every filter, newest first, and never those of another workspace', async () => {
    const to = '+442071234567';
    const at = (day: number): Date => new Date(Date.UTC(2027, 0, day));
    const createdOn = (day: number): Pick<calls.NewCall, 'id' | 'createdAt'> => ({
      id: newId('call', at(day).getTime()),
      createdAt: at(day),
    });
    const first = await insertCall({
      ...createdOn(1),
      toNumber: to,
      status: 'busy',
      door: 'bolna',
      batchId: 'batch_1',
      metadata: { order: '7', desk: 'a' },
    });
    const second = await insertCall({ ...createdOn(2), toNumber: to, direction: 'inbound' });
    await insertCall({ toNumber: to, workspaceId: 'ws_b' });
    const ids = async (filter: calls.CallFilter): Promise<string[]> =>
      (await calls.list(database.pool, workspaceId, { to, ...filter })).data.map((row) => row.id);
    expect(await ids({})).toEqual([second.id, first.id]);
    expect(await ids({ status: 'busy' })).toEqual([first.id]);
    expect(await ids({ status: ['busy', 'queued'] })).toEqual([second.id, first.id]);
    expect(await ids({ direction: 'inbound' })).toEqual([second.id]);
    expect(await ids({ createdAfter: at(2) })).toEqual([second.id]);
    expect(await ids({ createdBefore: at(2) })).toEqual([first.id]);
    expect(await ids({ from: '+1' })).toEqual([]);
    expect(await ids({ door: 'bolna' })).toEqual([first.id]);
    expect(await ids({ door: 'v1' })).toEqual([second.id]);
    expect(await ids({ batchId: 'batch_1' })).toEqual([first.id]);
    expect(await ids({ metadata: { order: '7' } })).toEqual([first.id]);
    expect(await ids({ metadata: { order: '8' } })).toEqual([]);
    expect(await ids({ metadataKey: 'desk' })).toEqual([first.id]);
    expect(await ids({ metadataKey: 'room' })).toEqual([]);
    expect(await calls.countUpTo(database.pool, workspaceId, { to }, 10)).toBe(2);
    expect(await calls.countUpTo(database.pool, workspaceId, { to }, 1)).toBe(1);
    expect(await calls.estimateCount(database.pool, workspaceId, { to })).toBeGreaterThan(0);
    expect(await ids({ agentId: 'agent_none' })).toEqual([]);
    const page = await calls.list(database.pool, workspaceId, { to }, { limit: 1 });
    expect(page.nextCursor).toBe(second.id);
    const rest = await calls.list(
      database.pool,
      workspaceId,
      { to },
      { limit: 1, cursor: second.id },
    );
    expect([rest.data[0]?.id, rest.nextCursor]).toEqual([first.id, null]);
  });

  it('hands each due call to one transaction only', async () => {
    const due = await insertCall({ status: 'scheduled', scheduledAt: new Date(1_000) });
    await insertCall({ status: 'scheduled', scheduledAt: new Date(9_000) });
    await database.transaction(async (mine) => {
      expect((await calls.listDue(mine, new Date(1_000))).map((row) => row.id)).toEqual([due.id]);
      await database.transaction(async (other) => {
        expect(await calls.listDue(other, new Date(1_000))).toEqual([]);
      });
    });
  });
});

describe('nodes, and what dead ones leave', () => {
  it('finds calls and attempts of nodes that stopped beating, and of those forgotten', async () => {
    const alive = await nodes.register(database.pool, id('node'));
    const dead = await nodes.register(database.pool, id('node'));
    const make = async (nodeId: string): Promise<[calls.CallRow, attempts.AttemptRow]> => {
      const call = await insertCall({ status: 'ringing', nodeId, workspaceId: 'ws_b' });
      const attempt = await attempts.insertDialing(database.pool, {
        id: id('attempt'),
        workspaceId: 'ws_b',
        callId: call.id,
        sequence: 1,
        gatewayId: null,
        gateway: '127.0.0.1:5080;udp',
        sipCallId: `${call.id}@test`,
        nodeId,
      });
      return [call, attempt];
    };
    await make(alive.id);
    const [call, attempt] = await make(dead.id);
    await database.pool.query(
      `update nodes set seen_at = now() - interval '1 minute' where id = $1`,
      [dead.id],
    );
    const live = { nodeId: dead.id, workspaceId: 'ws_b' };
    expect(await calls.countLive(database.pool, live)).toBe(1);
    expect((await nodes.listDead(database.pool, 15_000)).map((row) => row.id)).toEqual([dead.id]);
    const expectFound = async (): Promise<void> => {
      const found = await calls.listUnfinishedOfDeadNodes(database.pool, 15_000, alive.id);
      expect(found.map((row) => row.id)).toEqual([call.id]);
      const open = await attempts.listOfDeadNodes(database.pool, 15_000, alive.id);
      expect(open.map((row) => row.id)).toEqual([attempt.id]);
    };
    await expectFound();
    // A node that asks is alive, however old its heartbeat is.
    expect(await calls.listUnfinishedOfDeadNodes(database.pool, 15_000, dead.id)).toEqual([]);
    expect(await attempts.listOfDeadNodes(database.pool, 15_000, dead.id)).toEqual([]);
    await nodes.remove(database.pool, dead.id);
    await expectFound();
    expect(await nodes.heartbeat(database.pool, dead.id)).toBe(false);
    expect(await nodes.heartbeat(database.pool, alive.id)).toBe(true);
    await attempts.finish(database.pool, attempt.id, 'interrupted');
    expect(await attempts.listOfDeadNodes(database.pool, 15_000, alive.id)).toEqual([]);
  });
});

describe('text of a far end', () => {
  it('is stored without what PostgreSQL has no place for', async () => {
    const call = await insertCall({ variables: { 'a\0': 'b\0' }, fromNumber: 'x\0y' });
    expect(call).toMatchObject({ variables: { a: 'b' }, fromNumber: 'xy' });
    const attempt = await attempts.insertDialing(database.pool, {
      id: id('attempt'),
      workspaceId,
      callId: call.id,
      sequence: 1,
      gatewayId: null,
      gateway: 'gw.example:5060;udp',
      sipCallId: 'nul\0nul',
      nodeId: null,
    });
    expect(attempt.sipCallId).toBe('nulnul');
    expect(
      await attempts.setDialog(database.pool, attempt.id, {
        remoteTag: 'a\0b',
        routes: ['\ud800'],
      }),
    ).toMatchObject({ dialog: { remoteTag: 'ab', routes: ['\ufffd'] } });
    expect(
      await attempts.finish(database.pool, attempt.id, 'failed', {
        sipReason: 'Busy\0Here',
        reasonHeader: 'SIP\0',
      }),
    ).toMatchObject({ sipReason: 'BusyHere', reasonHeader: 'SIP' });
    expect(
      await callEvents.append(database.pool, {
        callId: call.id,
        type: 'call.warning',
        data: { message: 'no\0' },
      }),
    ).toMatchObject({ data: { message: 'no' } });
  });
});

describe('attempts', () => {
  it('takes one INVITE that came in once, and its successor with the same Call-ID', async () => {
    const attempt = async (mergeKey: string): Promise<attempts.AttemptRow> => {
      const call = await insertCall({ direction: 'inbound' });
      return attempts.insertDialing(database.pool, {
        id: id('attempt'),
        workspaceId,
        callId: call.id,
        sequence: 1,
        gatewayId: null,
        gateway: 'gw.example:5060;udp',
        sipCallId: 'same',
        mergeKey,
        nodeId: null,
      });
    };
    await attempt('first');
    await expect(attempt('first')).rejects.toMatchObject({ code: '23505' });
    expect((await attempt('second')).sipCallId).toBe('same');
  });

  it('refuses a second INVITE under the same sequence and ends once', async () => {
    const call = await insertCall();
    const attempt: attempts.NewAttempt = {
      id: id('attempt'),
      workspaceId,
      callId: call.id,
      sequence: 1,
      gatewayId: null,
      gateway: 'gw.example:5060;udp',
      sipCallId: 'abc',
      nodeId: null,
    };
    expect((await attempts.insertDialing(database.pool, attempt)).state).toBe('dialing');
    await expect(
      attempts.insertDialing(database.pool, { ...attempt, id: id('attempt'), sipCallId: 'def' }),
    ).rejects.toMatchObject({ code: '23505' });
    const dialog = { localTag: 'x', routes: ['<sip:a>'] };
    expect(await attempts.setDialog(database.pool, attempt.id, dialog, true)).toMatchObject({
      state: 'answered',
      dialog,
    });
    const end = { sipCode: 200, sipReason: 'OK' };
    expect(await attempts.finish(database.pool, attempt.id, 'done', end)).toMatchObject(end);
    expect(await attempts.finish(database.pool, attempt.id, 'failed')).toBeNull();
    expect(await attempts.setDialog(database.pool, attempt.id, {})).toBeNull();
    expect((await attempts.listByCall(database.pool, call.id)).map((row) => row.state)).toEqual([
      'done',
    ]);
  });
});

describe('turns', () => {
  it('stores many in one statement, and a repetition changes nothing', async () => {
    const call = await insertCall();
    const turn = (sequence: number, text: string): turns.TurnRow => ({
      id: id('turn'),
      workspaceId,
      callId: call.id,
      sequence,
      speaker: sequence % 2 ? 'agent' : 'caller',
      text,
      startedMs: sequence * 1_000,
      endedMs: sequence * 1_000 + 900.4,
      interrupted: sequence === 1,
      confidence: 0.5,
      latency: { total_ms: 560 },
    });
    await turns.insertMany(database.pool, [turn(2, 'Yes.\0'), turn(1, 'Is this "Ada"?')]);
    await turns.insertMany(database.pool, [turn(1, 'again')]);
    await turns.insertMany(database.pool, []);
    const stored = await turns.listByCall(database.pool, call.id);
    expect(stored.map((row) => row.text)).toEqual(['Is this "Ada"?', 'Yes.']);
    expect(stored[0]).toMatchObject({
      speaker: 'agent',
      startedMs: 1_000,
      endedMs: 1_900,
      interrupted: true,
      confidence: 0.5,
      latency: { total_ms: 560 },
    });
  });
});

describe('call events', () => {
  it('numbers events without gaps under concurrent writers and rollbacks', async () => {
    const call = await insertCall();
    const append = (data: unknown): Promise<unknown> =>
      database.transaction(async (client) => {
        await callEvents.append(client, { callId: call.id, type: 'call.ringing', data });
        if (data === 3) throw new Error('rolled back');
      });
    const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6, 7].map(append));
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(1);
    const events = await callEvents.listAfter(database.pool, call.id);
    expect(events.map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(events.map((event) => event.data))).toEqual(new Set([0, 1, 2, 4, 5, 6, 7]));
    expect(typeof events[0]?.id).toBe('number');
    const rest = await callEvents.listAfter(database.pool, call.id, 5);
    expect(rest.map((event) => event.sequence)).toEqual([6, 7]);
  });

  it('refuses an event of a call that does not exist', async () => {
    await expect(
      callEvents.append(database.pool, { callId: 'call_none', type: 'x', data: {} }),
    ).rejects.toThrow('expected one row');
  });
});
