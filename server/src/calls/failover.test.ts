import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { getHeader } from '../sip/message.ts';
import { createSipResolver } from '../sip/sip-resolver.ts';
import { FakeDnsServer } from '../sip/testing/fake-dns-server.ts';
import { FakePeer } from '../sip/testing/fake-peer.ts';
import { startUserAgent } from '../sip/user-agent.ts';
import { createNumberStore } from '../trunks/number-store.ts';
import { createTrunkStore } from '../trunks/trunk-store.ts';
import { openCallLab, type CallLab, type LabNode } from './testing/call-lab.ts';
import { pickUp, refuseWith, startCallee, type ScriptedCallee } from './testing/scripted-callee.ts';

/** A number of examples: rings nowhere, and is dialled over any trunk. */
const SAMPLE = '+15551234567';
const FROM = '+14155552671';

let lab: CallLab;
let first: ScriptedCallee;
let second: ScriptedCallee;
let node: LabNode;

beforeEach(async () => {
  lab = await openCallLab();
  first = await startCallee();
  second = await startCallee(pickUp);
  node = await lab.node();
  node.voice.onAnswered = (voice) => voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
});
afterEach(async () => {
  await lab.close();
  await first.close();
  await second.close();
});

/** A trunk that is none of the sandbox's. */
async function realTrunk(
  ports: readonly number[],
  ringTimeoutMs = 30_000,
  named?: { host: string; lookup: 'srv' },
  provider = 'generic',
): Promise<void> {
  const clock = systemClock;
  const { db, secrets, workspaceId, agentId } = lab;
  const trunk = await createTrunkStore({ db, secrets, clock }).create(workspaceId, {
    name: 'carrier',
    provider,
    gateways: ports.map((port) => ({ host: '127.0.0.1', port, transport: 'udp', ...named })),
    callsPerSecond: null,
    qualifyFrequencyS: 0,
    ringTimeoutMs,
  });
  const number = { e164: FROM, trunkId: trunk.id, agentId };
  await createNumberStore({ db, clock }).add(workspaceId, number);
}

async function call(from = node): Promise<{ reason: string | null; gateways: string[] }> {
  const { call: placed } = await from.service.place({
    workspaceId: lab.workspaceId,
    to: SAMPLE,
    from: FROM,
  });
  const data = await lab.reached(placed.id);
  const attempts = await lab.attempts(placed.id);
  return { reason: data.end_reason, gateways: attempts.map(({ gateway }) => gateway) };
}

const at = (port: number): string => `127.0.0.1:${port};udp`;

describe('gateways of a trunk', () => {
  it('T29 RFC 3261 §21.5.4: a 503 with Retry-After is believed: the next call begins with another gateway', async () => {
    first.script = (leg) =>
      leg.reject(503, 'Service Unavailable', [{ name: 'Retry-After', value: '120' }]);
    await realTrunk([first.ua.port, second.ua.port]);
    expect(await call()).toEqual({
      reason: 'agent-goodbye',
      gateways: [at(first.ua.port), at(second.ua.port)],
    });
    expect(await call()).toEqual({ reason: 'agent-goodbye', gateways: [at(second.ua.port)] });
    expect(first.legs).toHaveLength(1);
  });

  it('T29 RFC 3261 §21.5.4: a 503 without Retry-After says nothing of the next call', async () => {
    first.script = refuseWith(503, 'Service Unavailable');
    await realTrunk([first.ua.port, second.ua.port]);
    await call();
    await call();
    expect(first.legs).toHaveLength(2);
  });

  it('T29: a gateway that was left alone is still tried where no other is', async () => {
    first.script = (leg) =>
      leg.reject(503, 'Service Unavailable', [{ name: 'Retry-After', value: '120' }]);
    await realTrunk([first.ua.port]);
    expect((await call()).reason).toBe('congestion');
    first.script = pickUp;
    expect((await call()).reason).toBe('agent-goodbye');
  });

  it.each([486, 600, 603, 404, 607, 608])(
    'T29: %i is never answered by another call',
    async (status) => {
      first.script = refuseWith(status, 'No');
      await realTrunk([first.ua.port, second.ua.port]);
      expect((await call()).gateways).toEqual([at(first.ua.port)]);
      expect(second.legs).toEqual([]);
    },
  );

  it('T07 RFC 3263 §4.3: of two servers of an SRV name the silent one is left within 6 s, and asked last by the next call', async () => {
    const silent = await FakePeer.bind();
    const dns = await FakeDnsServer.bind();
    const srv = { type: 'SRV', weight: 1, name: 'one.carrier.example' } as const;
    dns.records.set('_sip._udp.carrier.example', [
      { ...srv, priority: 1, port: silent.address.port },
      { ...srv, priority: 2, port: second.ua.port },
    ]);
    dns.records.set('one.carrier.example', [{ type: 'A', address: '127.0.0.1' }]);
    const ua = await startUserAgent({
      host: '127.0.0.1',
      port: 0,
      userAgent: 'resolving',
      clock: systemClock,
      logger: silentLogger,
      resolver: createSipResolver([dns.address]),
    });
    try {
      await realTrunk([5060], 30_000, { host: 'carrier.example', lookup: 'srv' });
      const resolving = await lab.node({ ua });
      resolving.voice.onAnswered = (voice) =>
        voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
      const first6s = call(resolving);
      const invite = await silent.request('INVITE');
      const beganMs = performance.now();
      let reachedMs = Infinity;
      second.script = (leg) => {
        reachedMs = Math.min(reachedMs, performance.now());
        pickUp(leg);
      };
      expect(invite.uri).toBe(`sip:${SAMPLE}@carrier.example`);
      expect(await first6s).toMatchObject({ reason: 'agent-goodbye' });
      expect(reachedMs - beganMs).toBeLessThan(6_000);
      const [leg] = second.legs;
      expect(leg?.request.uri).toBe(`sip:${SAMPLE}@carrier.example`);
      expect((await call(resolving)).gateways).toHaveLength(1);
      expect(second.legs).toHaveLength(2);
    } finally {
      await ua.close();
      dns.close();
      silent.close();
    }
  }, 30_000);

  it.each([
    ['generic', '100rel, timer'],
    ['plivo', 'timer'],
  ])('T26 RFC 3262: INVITEs to %s support %s', async (provider, supported) => {
    await realTrunk([second.ua.port], 30_000, undefined, provider);
    await call();
    const [leg] = second.legs;
    expect(leg && getHeader(leg.request, 'Supported')).toBe(supported);
  });

  it('T14 RFC 3261 §9.1: a gateway that swallows our CANCEL is the last one: no INVITE to the second', async () => {
    const peer = await FakePeer.bind();
    try {
      await realTrunk([peer.address.port, second.ua.port], 1000);
      const ended = call();
      peer.reply(await peer.request('INVITE'), 180);
      const cancel = await peer.request('CANCEL');
      expect(cancel.method).toBe('CANCEL');
      expect(await ended).toEqual({ reason: 'ring-timeout', gateways: [at(peer.address.port)] });
      expect(second.legs).toEqual([]);
    } finally {
      peer.close();
    }
  });
});
