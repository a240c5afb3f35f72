import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { deepStrictEqual } from 'node:assert';
import { appendEvent } from '../events/outbox.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { Clock } from '../shared/clock.ts';
import type { Deliverer } from './deliverer.ts';
import {
  openWebhookLab,
  statusDraft,
  type Received,
  type WebhookLab,
} from './testing/webhook-lab.ts';

const HOUR_MS = 3_600_000;
let lab: WebhookLab;

afterEach(async () => {
  await lab.close();
});

async function open(clock?: Clock): Promise<WebhookLab> {
  lab = await openWebhookLab(clock);
  return lab;
}

/** What a call goes through, as it is stored. */
async function live(callId: string): Promise<void> {
  await lab.happen(callId, statusDraft('call.initiated', 'initiated'));
  await lab.happen(callId, statusDraft('call.ringing', 'ringing'));
  await lab.happen(callId, statusDraft('call.answered', 'in-progress'));
  await lab.happen(callId, statusDraft('call.status', 'completed'));
}

function sequencesByCall(received: readonly Received[]): Map<string, number[]> {
  const byCall = new Map<string, number[]>();
  for (const { json } of received) {
    const callId = String(json['call_id']);
    byCall.set(callId, [...(byCall.get(callId) ?? []), Number(json['sequence'])]);
  }
  return byCall;
}

/** Lets the time of the lab pass, with everything that happens in it. */
async function pass(clock: FakeClock, deliverer: Deliverer, ms: number, stepMs: number) {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs);
    await deliverer.idle();
  }
}

describe('delivery', () => {
  it('brings every event of a call in order, signed so that standardwebhooks takes it', async () => {
    await open();
    const sink = await lab.sink();
    const { secret } = await lab.endpoint(sink.url);
    const callId = await lab.call();
    await live(callId);
    await lab.deliverer().idle();
    expect(sequencesByCall(sink.received)).toEqual(new Map([[callId, [1, 2, 3, 4]]]));
    for (const { body, headers } of sink.received) {
      deepStrictEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
      expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
    }
    expect(sink.received[0]?.json).toMatchObject({
      type: 'call.initiated',
      call_id: callId,
      sequence: 1,
      data: { status: 'initiated' },
    });
    expect(sink.received[3]?.json).toMatchObject({
      type: 'call.status',
      data: { status: 'completed', call: { id: callId } },
    });
  });

  it('writes nothing on the outbox when the change is rolled back', async () => {
    await open();
    const sink = await lab.sink();
    const { endpoint } = await lab.endpoint(sink.url);
    const callId = await lab.call();
    const failed = lab.db.transaction(async (client) => {
      await appendEvent(client, {
        workspaceId: lab.workspaceId,
        orderKey: 'x',
        type: 'wallet.low-balance',
        data: {},
      });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await live(callId);
    expect(await lab.deliveriesOf(endpoint.id)).toHaveLength(4);
  });

  it('brings an endpoint only what it asked for, and nothing of other workspaces', async () => {
    await open();
    const sink = await lab.sink();
    await lab.endpoint(sink.url, { events: ['call.ringing', 'wallet.low-balance'] });
    await lab.db.pool.query(`insert into workspaces (id, name) values ('ws_other', 'Other')`);
    const orderKey = 'wallet';
    await appendEvent(lab.db.pool, {
      workspaceId: 'ws_other',
      orderKey,
      type: 'wallet.low-balance',
      data: { balance: 1 },
    });
    await appendEvent(lab.db.pool, {
      workspaceId: lab.workspaceId,
      orderKey,
      type: 'wallet.low-balance',
      data: { balance: 2 },
    });
    await live(await lab.call());
    await lab.deliverer().idle();
    const seen = sink.received.map(({ json }) => [json['type'], json['data']]);
    expect(seen).toEqual([
      ['wallet.low-balance', { balance: 2 }],
      ['call.ringing', expect.objectContaining({ status: 'ringing' })],
    ]);
  });

  it('gives each endpoint its own form of the same event', async () => {
    await open();
    const [native, bolna] = [await lab.sink(), await lab.sink()];
    await lab.endpoint(native.url, { events: ['call.ringing'] });
    await lab.endpoint(bolna.url, { format: 'bolna' });
    await live(await lab.call());
    await lab.deliverer().idle();
    expect(native.received.map(({ json }) => json['data'])).toEqual([
      { status: 'ringing', end_reason: null, ended_by: null, sip: { code: null, reason: null } },
    ]);
    const statuses = bolna.received.map(({ json }) => json['status']);
    expect(statuses).toEqual(['initiated', 'ringing', 'in-progress', 'completed']);
  });

  it('tells how each try went', async () => {
    await open();
    const sink = await lab.sink();
    sink.status = 503;
    const { endpoint } = await lab.endpoint(sink.url, { events: ['call.ringing'] });
    await live(await lab.call());
    await lab.deliverer().idle();
    const [delivery] = await lab.deliveriesOf(endpoint.id);
    expect(delivery).toMatchObject({
      state: 'pending',
      attemptCount: 1,
      attempts: [{ status: 503, error: null, response: 'answer 503' }],
    });
    expect(delivery?.attempts[0]?.latency_ms).toBeGreaterThanOrEqual(0);
  });
});

describe('an endpoint that is down', () => {
  it('for an hour gets every event afterwards, in order per call', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const sink = await lab.sink();
    sink.status = 500;
    const { endpoint } = await lab.endpoint(sink.url);
    const deliverer = lab.deliverer();
    const callIds: string[] = [];
    for (let i = 0; i < 12; i++) {
      const callId = await lab.call();
      callIds.push(callId);
      await live(callId);
      await pass(clock, deliverer, HOUR_MS / 12, 60_000);
    }
    sink.received = [];
    sink.status = 200;
    // Not when their next tries would be, hours later: the first success brings them all.
    await pass(clock, deliverer, 5 * 60_000, 15_000);
    const expected = new Map(callIds.map((callId) => [callId, [1, 2, 3, 4]]));
    const seen = sequencesByCall(sink.received);
    expect(seen).toEqual(expected);
    const rows = await lab.deliveriesOf(endpoint.id);
    expect(rows.every(({ state }) => state === 'delivered')).toBe(true);
  });

  it('is left alone meanwhile: few tries, however much waits', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const sink = await lab.sink();
    sink.status = 500;
    await lab.endpoint(sink.url, { events: ['call.ringing'] });
    for (let i = 0; i < 60; i++) await live(await lab.call());
    const deliverer = lab.deliverer();
    await pass(clock, deliverer, 60_000, 1_000);
    // Five to find out, then one after 1, 2, 4, 8, 16 and 32 s.
    expect(sink.received.length).toBeLessThan(16);
    expect(sink.received.length).toBeGreaterThan(7);
    // Then one a minute.
    await pass(clock, deliverer, 600_000, 5_000);
    expect(sink.received.length).toBeLessThan(28);
  });

  it('and gets little is disabled after five days, too', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const sink = await lab.sink();
    sink.status = 500;
    const { endpoint } = await lab.endpoint(sink.url, { events: ['call.ringing'] });
    const deliverer = lab.deliverer();
    for (let day = 0; day < 6; day++) {
      await live(await lab.call());
      await pass(clock, deliverer, 24 * HOUR_MS, HOUR_MS);
    }
    const stored = await lab.store.get(lab.db.pool, lab.workspaceId, endpoint.id);
    expect(stored).toMatchObject({ enabled: false, disabledReason: 'failing' });
  });

  it('is asked again when it says so, and not before', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const sink = await lab.sink();
    sink.status = 429;
    sink.headers = { 'retry-after': '600' };
    await lab.endpoint(sink.url, { events: ['call.ringing'] });
    await live(await lab.call());
    const deliverer = lab.deliverer();
    await pass(clock, deliverer, 590_000, 10_000);
    expect(sink.received).toHaveLength(1);
    await live(await lab.call());
    await pass(clock, deliverer, 5_000, 1_000);
    expect(sink.received).toHaveLength(1);
    sink.status = 200;
    await pass(clock, deliverer, 60_000, 5_000);
    expect(sink.received).toHaveLength(3);
    expect(deliverer.counters).toMatchObject({ delivered: 2, failed: 1 });
  });

  it('costs the others nothing', async () => {
    // Stands still, so that the dead one is never given up.
    await open(new FakeClock(Date.now() + 1_000));
    const [dead, sink] = [await lab.sink(), await lab.sink()];
    dead.status = 'never';
    await lab.endpoint(dead.url);
    const { endpoint } = await lab.endpoint(sink.url);
    const callIds = await Promise.all(Array.from({ length: 40 }, () => lab.call()));
    await Promise.all(callIds.map(live));
    const deliverer = lab.deliverer();
    // The dead one holds its requests open for all of this time.
    const isDone = async (): Promise<boolean> =>
      (await lab.deliveriesOf(endpoint.id)).every(({ state }) => state === 'delivered');
    while (!(await isDone())) deliverer.wake();
    expect(sink.received).toHaveLength(160);
    expect(dead.received.length).toBeLessThanOrEqual(4);
  });

  it('for five days is disabled; the others hear of it, and what failed can be sent again', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const [down, sink] = [await lab.sink(), await lab.sink()];
    down.status = 500;
    const { endpoint } = await lab.endpoint(down.url, { events: ['call.ringing'] });
    await lab.endpoint(sink.url, { events: ['webhook.disabled'] });
    for (let i = 0; i < 12; i++) await live(await lab.call());
    const deliverer = lab.deliverer();
    await pass(clock, deliverer, 4 * 24 * HOUR_MS, 2 * HOUR_MS);
    expect((await lab.store.get(lab.db.pool, lab.workspaceId, endpoint.id))?.enabled).toBe(true);
    for (let i = 0; i < 12; i++) await live(await lab.call());
    await pass(clock, deliverer, 2 * 24 * HOUR_MS, 2 * HOUR_MS);
    const stored = await lab.store.get(lab.db.pool, lab.workspaceId, endpoint.id);
    expect(stored).toMatchObject({ enabled: false, disabledReason: 'failing' });
    expect(sink.received.map(({ json }) => json['type'])).toEqual(['webhook.disabled']);
    const failed = await lab.deliveriesOf(endpoint.id);
    expect(failed.map(({ state }) => state)).toEqual(failed.map(() => 'failed'));

    down.status = 200;
    down.received = [];
    const { pool } = lab.db;
    const replay = (): Promise<number | null> =>
      lab.store.replayFailed(pool, lab.workspaceId, endpoint.id, new Date(0));
    await expect(replay()).rejects.toThrow(/disabled/);
    await lab.store.update(pool, lab.workspaceId, endpoint.id, { enabled: true });
    expect(await replay()).toBe(failed.length);
    await pass(clock, deliverer, 5_000, 1_000);
    const ids = down.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids)).toEqual(new Set(failed.map(({ id }) => id)));
    expect(ids).toHaveLength(failed.length);
  });

  it('and says that it is gone is disabled at once', async () => {
    await open();
    const sink = await lab.sink();
    sink.status = 410;
    const { endpoint } = await lab.endpoint(sink.url, { events: ['call.ringing'] });
    await live(await lab.call());
    const deliverer = lab.deliverer();
    let stored = await lab.store.get(lab.db.pool, lab.workspaceId, endpoint.id);
    while (stored?.enabled) {
      await deliverer.idle();
      stored = await lab.store.get(lab.db.pool, lab.workspaceId, endpoint.id);
    }
    expect(stored?.disabledReason).toBe('gone');
  });
});

describe('one call', () => {
  it('that an endpoint refuses waits with its later events, and no other call waits for it', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const sink = await lab.sink();
    const [bad, good] = [await lab.call(), await lab.call()];
    sink.status = ({ json }) => (json['call_id'] === bad ? 500 : 200);
    await lab.endpoint(sink.url);
    const deliverer = lab.deliverer();
    await lab.happen(bad, statusDraft('call.initiated', 'initiated'));
    await deliverer.idle();
    await live(good);
    await lab.happen(bad, statusDraft('call.ringing', 'ringing'));
    await pass(clock, deliverer, 1_000, 250);
    expect(sequencesByCall(sink.received)).toEqual(
      new Map([
        [bad, [1]],
        [good, [1, 2, 3, 4]],
      ]),
    );
    sink.status = 200;
    await pass(clock, deliverer, 6_000, 500);
    expect(sequencesByCall(sink.received).get(bad)).toEqual([1, 1, 2]);
  });

  it('whose event failed for good goes on with the next one', async () => {
    const clock = new FakeClock(Date.now() + 1_000);
    await open(clock);
    const sink = await lab.sink();
    sink.status = ({ json }) => (json['sequence'] === 1 ? 400 : 200);
    const { endpoint } = await lab.endpoint(sink.url);
    await live(await lab.call());
    const deliverer = lab.deliverer();
    await pass(clock, deliverer, 4 * 24 * HOUR_MS, 2 * HOUR_MS);
    const rows = await lab.deliveriesOf(endpoint.id);
    expect(rows.map(({ state }) => state)).toEqual(['failed', ...Array(3).fill('delivered')]);
    expect(rows[0]?.attemptCount).toBe(10);
  });
});

describe('a node that dies', () => {
  it('between sending and storing has its messages sent again, with the same webhook-id', async () => {
    await open();
    const sink = await lab.sink();
    await lab.endpoint(sink.url, { events: ['call.ringing'] });
    const answered = Promise.withResolvers<void>();
    sink.status = () => {
      answered.resolve();
      return 200;
    };
    await live(await lab.call());
    // Nothing that this node learns reaches the database, as if it had been killed.
    const dying = lab.deliverer({
      nodeId: 'node_dying',
      db: {
        ...lab.db,
        pool: new Proxy(lab.db.pool, {
          get: (pool, name) =>
            name === 'query'
              ? (text: string, values: unknown[]) =>
                  text.includes('as given')
                    ? Promise.reject(new Error('killed'))
                    : pool.query(text, values)
              : (Reflect.get(pool, name) as unknown),
        }),
      },
    });
    await answered.promise;
    await dying.close();
    await lab.deliverer().idle();
    const ids = sink.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('leaves its endpoints to another one when its lease is over, not before', async () => {
    await open();
    const sink = await lab.sink();
    const { endpoint } = await lab.endpoint(sink.url, { events: ['call.ringing'] });
    const lease = (seconds: number): Promise<unknown> =>
      lab.db.pool.query(
        `insert into webhook_leases values ($1, 'node_dead', now() + $2 * interval '1 second')
         on conflict (endpoint_id) do update set until = excluded.until`,
        [endpoint.id, seconds],
      );
    await lease(60);
    await live(await lab.call());
    const deliverer = lab.deliverer();
    await deliverer.idle();
    expect(sink.received).toHaveLength(0);
    await lease(-1);
    while (sink.received.length === 0) await deliverer.idle();
    expect(sink.received).toHaveLength(1);
  });

  it('is not needed twice: two nodes send each message once, in order per call', async () => {
    await open();
    const sinks = await Promise.all([lab.sink(), lab.sink(), lab.sink()]);
    for (const sink of sinks) await lab.endpoint(sink.url);
    const nodes = [lab.deliverer(), lab.deliverer()];
    const callIds = await Promise.all(Array.from({ length: 20 }, () => lab.call()));
    await Promise.all(callIds.map(live));
    while (sinks.some(({ received }) => received.length < 80)) {
      await Promise.all(nodes.map((node) => node.idle()));
    }
    for (const { received } of sinks) {
      const seen = sequencesByCall(received);
      for (const callId of callIds) expect(seen.get(callId)).toEqual([1, 2, 3, 4]);
    }
  });
});

describe('an endpoint that is changed', () => {
  it('gets the very next message as it is then, at its new URL and with its new secret', async () => {
    const clock = new FakeClock(Date.now());
    await open(clock);
    const [before, after] = [await lab.sink(), await lab.sink()];
    const made = await lab.endpoint(before.url, { events: ['call.ringing'] });
    const deliverer = lab.deliverer();
    await live(await lab.call());
    await pass(clock, deliverer, 200, 50);
    expect(before.received).toHaveLength(1);

    const { id } = made.endpoint;
    const rotated = await lab.store.rotate(lab.db.pool, lab.workspaceId, id, HOUR_MS);
    await lab.store.update(lab.db.pool, lab.workspaceId, id, { url: after.url });
    await live(await lab.call());
    await deliverer.idle();
    expect(before.received).toHaveLength(1);
    const [message] = after.received;
    if (!message || !rotated) throw new Error('expected a message and a new secret');
    for (const secret of [made.secret, rotated.secret]) {
      expect(new Webhook(secret).verify(message.body, message.headers)).toBeTruthy();
    }

    await lab.store.update(lab.db.pool, lab.workspaceId, id, { enabled: false });
    await live(await lab.call());
    await deliverer.idle();
    await lab.store.update(lab.db.pool, lab.workspaceId, id, { enabled: true });
    await live(await lab.call());
    await pass(clock, deliverer, 200, 50);
    expect(after.received).toHaveLength(2);
  });
});

describe('secrets', () => {
  it('both sign while one is replaced, and the old one no longer', async () => {
    const clock = new FakeClock(Date.now());
    await open(clock);
    const sink = await lab.sink();
    const made = await lab.endpoint(sink.url, { events: ['call.ringing'] });
    const rotated = await lab.store.rotate(
      lab.db.pool,
      lab.workspaceId,
      made.endpoint.id,
      HOUR_MS / 60,
    );
    const deliverer = lab.deliverer();
    await live(await lab.call());
    await deliverer.idle();
    await pass(clock, deliverer, HOUR_MS / 60, 5_000);
    await live(await lab.call());
    await pass(clock, deliverer, 1_000, 250);
    const [during, after] = sink.received;
    if (!during || !after || !rotated) throw new Error('expected two messages and a new secret');
    // The receiver's own check of the time is not what this is about.
    const verify = (secret: string, { body, headers }: Received): unknown =>
      new Webhook(secret).verify(body, headers);
    expect(verify(made.secret, during)).toEqual(verify(rotated.secret, during));
    expect(verify(rotated.secret, after)).toBeTruthy();
    expect(() => verify(made.secret, after)).toThrow();
  });
});
