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
    await pass(clock, deliverer, 6 * HOUR_MS, 5 * 60_000);
    const expected = new Map(callIds.map((callId) => [callId, [1, 2, 3, 4]]));
    const seen = sequencesByCall(sink.received);
    expect(new Map([...seen].toSorted())).toEqual(new Map([...expected].toSorted()));
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
  });
});
