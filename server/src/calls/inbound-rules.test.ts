import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as agents from '../db/queries/agents.ts';
import * as bolnaAgents from '../db/queries/bolna-agents.ts';
import * as rules from '../db/queries/dispatch-rules.ts';
import { createSafeFetch } from '../egress/safe-fetch.ts';
import { answerOffer, buildOffer } from '../sdp/offer-answer.ts';
import { systemClock } from '../shared/clock.ts';
import { newId, uuidOfId } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import type { Leg, LegFailure } from '../sip/leg.ts';
import { createTrunkStore } from '../trunks/trunk-store.ts';
import { startUserAgent, type UserAgent } from '../sip/user-agent.ts';
import { AGENT_CONFIG, FROM, openCallLab, type CallLab, type LabNode } from './testing/call-lab.ts';

const CALLER = '+14155552671';

let lab: CallLab;
let caller: UserAgent;
let node: LabNode;
let trunkId: string;
let dialled = 0;

beforeEach(async () => {
  lab = await openCallLab();
  trunkId = await lab.trunk([5060]);
  caller = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'caller',
    clock: systemClock,
    logger: silentLogger,
    t1Ms: 50,
  });
});
afterEach(async () => {
  await caller.close();
  await lab.close();
});

function dial(number = FROM): Leg {
  dialled++;
  return caller.invite({
    requestUri: `sip:${number}@127.0.0.1:${node.ua.port}`,
    nextHop: { host: '127.0.0.1', port: node.ua.port, transport: 'udp' },
    sipCallId: `rules-${dialled}-${caller.port}`,
    localTag: `tag${dialled}`,
    branch: `z9hG4bKrules${dialled}`,
    from: { uri: `sip:${CALLER}@caller.example` },
    to: { uri: `sip:${number}@127.0.0.1` },
    sdp: buildOffer({
      host: '127.0.0.1',
      port: 41_000,
      codecs: ['PCMA'],
      direction: 'sendrecv',
      sessionId: 1,
      sessionVersion: 1,
    }),
  });
}

/** How the call ends for the caller: with an answer, or with a final refusal. */
function outcome(leg: Leg): Promise<number> {
  return new Promise((resolve) => {
    leg.events.on('answered', () => resolve(200));
    leg.events.on('failed', ({ status }: LegFailure) => resolve(status));
  });
}

async function configure(config: object, secrets: Record<string, string> = {}): Promise<void> {
  const place = { workspaceId: lab.workspaceId, table: 'agents', id: lab.agentId };
  await agents.update(lab.db.pool, lab.workspaceId, lab.agentId, {
    config: { ...AGENT_CONFIG, ...config },
    secrets: Object.fromEntries(
      Object.entries(secrets).map(([name, value]) => [name, lab.secrets.seal(place, value)]),
    ),
  });
}

/** A trunk that takes calls to the lab's number beside the one that the number belongs to. */
async function twin(allowedCallers: string[]): Promise<string> {
  const store = createTrunkStore({ db: lab.db, secrets: lab.secrets, clock: systemClock });
  const { id } = await store.create(lab.workspaceId, {
    name: 'twin',
    outboundEnabled: false,
    allowedSources: ['127.0.0.1'],
    allowedCallers,
    doorData: { shared_numbers: [FROM] },
    gateways: [],
  });
  return id;
}

/** The reason for which the latest call ended, once that is stored. */
async function lastEnd(): Promise<string | null> {
  for (;;) {
    const { data } = await node.service.list(lab.workspaceId, { direction: 'inbound' });
    if (data[0]?.endReason) return data[0].endReason;
    await new Promise(setImmediate);
  }
}

describe('trunks that share a number', () => {
  beforeEach(async () => {
    await lab.db.pool.query(
      `update trunks set door_data = '{"shared_numbers": []}', allowed_callers = '{+442071234567}'`,
    );
  });

  /** The trunk of the newest call. */
  const lastTrunk = async (): Promise<string | null> =>
    (await node.service.list(lab.workspaceId, { direction: 'inbound' })).data[0]?.trunkId ?? null;

  it('each take the callers that they name', async () => {
    const other = await twin([CALLER]);
    node = await lab.node();
    expect(await outcome(dial())).toBe(200);
    expect(await lastTrunk()).toBe(other);
  });

  it('leave whom none names to the one that takes anybody, else to the number’s own', async () => {
    const stranger = await twin(['+14155550000']);
    node = await lab.node();
    expect(await outcome(dial())).toBe(403);
    // A refusal is stored after its answer.
    await expect.poll(lastTrunk, { timeout: 20_000 }).toBe(trunkId);
    const open = await twin([]);
    await node.close();
    node = await lab.node();
    expect(await outcome(dial())).toBe(200);
    expect(await lastTrunk()).toBe(open);
    expect(open).not.toBe(stranger);
  });
});

describe('an agent that chooses its callers', () => {
  it('takes those on its list only', async () => {
    await configure({ inbound: { allowed_callers: ['+442071234567'] } });
    node = await lab.node();
    expect(await outcome(dial())).toBe(403);
    expect(await lastEnd()).toBe('caller-not-allowed');
    await configure({ inbound: { allowed_callers: [CALLER] } });
    expect(await outcome(dial())).toBe(200);
  });

  it('takes so many calls of one caller and no more', async () => {
    await configure({ inbound: { max_calls_per_caller: { calls: 2, per_s: 3_600 } } });
    node = await lab.node();
    expect(await outcome(dial())).toBe(200);
    expect(await outcome(dial())).toBe(200);
    expect(await outcome(dial())).toBe(403);
    expect(await lastEnd()).toBe('caller-limit');
  });

  it('answers 486 over its capacity, or 503 for a carrier that has a fallback', async () => {
    await configure({ max_concurrent_calls: 1 });
    node = await lab.node();
    expect(await outcome(dial())).toBe(200);
    expect(await outcome(dial())).toBe(486);
    expect(await lastEnd()).toBe('limit-reached');
    await configure({ max_concurrent_calls: 1, inbound: { over_capacity: 'unavailable' } });
    expect(await outcome(dial())).toBe(503);
  });

  it('takes no call that nobody can pay for', async () => {
    await lab.wallet.configure(lab.workspaceId, { mode: 'prepaid' });
    await lab.db.pool.query(
      `insert into rates (kind, provider, unit, micros_per_unit)
       values ('platform', 'trunkline', 'minute', 50000)
       on conflict (kind, provider, prefix, unit) do update set micros_per_unit = 50000`,
    );
    node = await lab.node();
    expect(await outcome(dial())).toBe(403);
    expect(await lastEnd()).toBe('insufficient-credit');
  });
});

describe('a lookup of the caller', () => {
  const contacts = `contact_number,name\n${CALLER},Ada\n`;
  const listed = (csv: string, unknown = 'accept'): object => ({
    inbound: { lookup: { type: 'csv', csv }, unknown_callers: unknown },
  });

  it('gives the agent variables before its greeting, and keeps them with the call', async () => {
    await configure({ ...listed(contacts), variables: { name: 'there' } });
    node = await lab.node();
    expect(await outcome(dial())).toBe(200);
    const { opened } = node.voice.calls[0] ?? {};
    expect(opened?.variables).toMatchObject({ name: 'Ada', from_number: CALLER });
    const callId = opened?.callId ?? '';
    await lab.reached(callId, new Set(['in-progress']));
    expect((await lab.call(callId)).variables).toMatchObject({ name: 'Ada' });
  });

  it('refuses whom it does not know where the agent wants that', async () => {
    await configure(listed('contact_number,name\n+442071234567,Bo\n', 'reject'));
    node = await lab.node();
    expect(await outcome(dial())).toBe(403);
    expect(await lastEnd()).toBe('caller-not-allowed');
    await configure(listed('contact_number,name\n+442071234567,Bo\n'));
    expect(await outcome(dial())).toBe(200);
  });

  it('asks the agent’s API with its token, and goes on with a warning when that is too slow', async () => {
    const asked: (string | undefined)[] = [];
    const ids: (string | null)[][] = [];
    let slow = false;
    const server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://crm.example');
      asked.push(request.headers.authorization);
      ids.push([searchParams.get('agent_id'), searchParams.get('execution_id')]);
      if (!slow) response.end('{"name":"Ada"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const patience = (timeoutMs: number): Promise<void> =>
      configure(
        { inbound: { lookup: { type: 'api', url, timeout_ms: timeoutMs } } },
        { INBOUND_LOOKUP_TOKEN: 'secret' },
      );
    await patience(5_000);
    const safeFetch = createSafeFetch({ allowPrivateTargets: ['127.0.0.0/8'] });
    node = await lab.node({ safeFetch });
    expect(await outcome(dial())).toBe(200);
    expect(asked).toEqual(['Bearer secret']);
    expect(node.voice.calls[0]?.opened.variables).toMatchObject({ name: 'Ada' });
    expect(ids).toEqual([[lab.agentId, node.voice.calls[0]?.callId]]);

    // Those who made an agent at Bolna's API know it, and its calls, by UUIDs.
    await bolnaAgents.upsert(lab.db.pool, {
      agentId: lab.agentId,
      workspaceId: lab.workspaceId,
      document: {},
      warnings: [],
      agentVersion: 1,
    });
    expect(await outcome(dial())).toBe(200);
    const bolnas = node.voice.calls[1];
    const [agentId, executionId] = [uuidOfId(lab.agentId), uuidOfId(bolnas?.callId ?? '')];
    expect(ids[1]).toEqual([agentId, executionId]);
    expect(bolnas?.opened.variables).toMatchObject({
      agent_id: agentId,
      execution_id: executionId,
      call_id: bolnas?.callId,
    });
    slow = true;
    await patience(200);
    expect(await outcome(dial())).toBe(200);
    const callId = node.voice.calls[2]?.callId ?? '';
    await lab.reached(callId, new Set(['in-progress']));
    const warnings = (await lab.events(callId)).filter(({ type }) => type === 'call.warning');
    expect(warnings).toMatchObject([{ data: { code: 'caller-lookup' } }]);
    await safeFetch.close();
    server.closeAllConnections();
    server.close();
  });
});

describe('a dispatch rule', () => {
  const OTHER = '+14155550123';

  async function rule(patch: Omit<rules.DispatchRulePatch, 'kind'>): Promise<string> {
    const id = newId('event', Date.now()).replace('event', 'rule');
    const { workspaceId } = lab;
    await rules.insert(lab.db.pool, { id, workspaceId, kind: 'individual', ...patch });
    return id;
  }

  it('gives calls to a number without an agent to its agent', async () => {
    await lab.db.pool.query('update numbers set agent_id = null');
    node = await lab.node();
    expect(await outcome(dial())).toBe(480);
    await rule({ agentId: lab.agentId });
    expect(await outcome(dial())).toBe(200);
    expect(node.voice.calls[0]?.opened.variables['to_number']).toBe(FROM);
  });

  it('takes numbers that nobody has where it names their trunk', async () => {
    node = await lab.node();
    await rule({ agentId: lab.agentId });
    expect(await outcome(dial(OTHER))).toBe(404);
    await rule({ agentId: lab.agentId, trunkIds: [trunkId] });
    expect(await outcome(dial(OTHER))).toBe(200);
  });

  it('without an agent takes no call', async () => {
    await lab.db.pool.query('update numbers set agent_id = null');
    await rule({ agentId: null });
    node = await lab.node();
    expect(await outcome(dial())).toBe(480);
  });

  it('with a PIN connects its agent to those who know it', async () => {
    await lab.db.pool.query('update numbers set agent_id = null');
    const id = await rule({ agentId: lab.agentId });
    const place = { workspaceId: lab.workspaceId, table: 'dispatch_rules', id };
    await rules.update(lab.db.pool, lab.workspaceId, id, {
      pinSealed: lab.secrets.seal(place, '4711'),
    });
    node = await lab.node();
    const leg = dial();
    const { promise: offered, resolve } = Promise.withResolvers<string>();
    leg.onOffer = (sdp) => {
      resolve(sdp ?? '');
      const local = { host: '127.0.0.1', port: 41_000, codecs: ['PCMA' as const] };
      const answer = answerOffer(sdp ?? '', {
        ...local,
        direction: 'sendrecv',
        sessionId: 1,
        sessionVersion: 2,
      });
      return answer.ok
        ? { accept: true, sdp: answer.value.sdp }
        : { accept: false, status: 488, reason: 'Not Acceptable Here' };
    };
    expect(await outcome(leg)).toBe(200);
    const [gate] = node.voice.calls;
    expect(gate?.opened.agent.name).toBe('PIN');
    for (const digit of '0000') gate?.emit({ type: 'dtmf', digit, from: 'caller' });
    expect(node.voice.calls).toHaveLength(1);
    for (const digit of '4711') gate?.emit({ type: 'dtmf', digit, from: 'caller' });
    const offer = await offered;
    const agent = node.voice.calls[1];
    expect(gate?.closedCount).toBe(1);
    expect(agent?.opened.agent.name).toBe(AGENT_CONFIG.name);
    expect(offer).toContain(`m=audio ${agent?.rtpPort} `);
    await leg.hangup();
  });

  it('with a PIN cuts off those who do not know it', async () => {
    await lab.db.pool.query('update numbers set agent_id = null');
    const id = await rule({ agentId: lab.agentId });
    const place = { workspaceId: lab.workspaceId, table: 'dispatch_rules', id };
    await rules.update(lab.db.pool, lab.workspaceId, id, {
      pinSealed: lab.secrets.seal(place, '4711'),
    });
    node = await lab.node();
    expect(await outcome(dial())).toBe(200);
    const [gate] = node.voice.calls;
    const callId = gate?.callId ?? '';
    await lab.reached(callId, new Set(['in-progress']));
    for (const digit of '000000000000') gate?.emit({ type: 'dtmf', digit, from: 'caller' });
    expect(await lab.reached(callId)).toMatchObject({ end_reason: 'wrong-pin' });
    expect(node.voice.calls).toHaveLength(1);
  });
});
