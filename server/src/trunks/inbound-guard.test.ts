import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { SipAddress, SipRequest } from '../sip/message.ts';
import { createSecrets } from '../workspaces/secrets.ts';
import { InboundGuard } from './inbound-guard.ts';
import { INBOUND_SECRETS } from './trunk-store.ts';

const NUMBER = '+14155550100';
const CARRIER: SipAddress = { host: '192.0.2.1', port: 5_060, transport: 'udp' };
const STRANGER: SipAddress = { host: '203.0.113.9', port: 40_000, transport: 'udp' };
const secrets = createSecrets([randomBytes(32)]);

function trunk(fields: Partial<TrunkWithGateways>): TrunkWithGateways {
  return {
    id: 'trunk_1',
    workspaceId: 'ws',
    active: true,
    gateways: [],
    allowedSources: [],
    forceRport: true,
    inboundAuthUsername: null,
    inboundAuthPasswordSealed: null,
    inboundAuthRealm: null,
    ...fields,
  } as TrunkWithGateways;
}

async function guardOf(
  trunks: TrunkWithGateways[],
  numbers: { e164: string; trunkId: string }[] = [],
): Promise<InboundGuard> {
  const guard = new InboundGuard({ secrets, clock: new FakeClock(), logger });
  await guard.refresh(trunks, numbers);
  return guard;
}

function withDigest(id: string): Partial<TrunkWithGateways> {
  const place = { workspaceId: 'ws', table: INBOUND_SECRETS, id };
  return { inboundAuthUsername: 'pbx', inboundAuthPasswordSealed: secrets.seal(place, 's3cret') };
}

function invite(authorization?: string): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: `sip:${NUMBER}@trunkline`,
    headers: authorization === undefined ? [] : [{ name: 'Authorization', value: authorization }],
    body: '',
  };
}

const GUESS =
  'Digest username="pbx", realm="trunkline", nonce="n", uri="sip:x", response="0123456789abcdef0123456789abcdef", algorithm=MD5';

describe('who may call in', () => {
  it('T33 a stranger gets no answer, whatever he asks', async () => {
    const guard = await guardOf([trunk({ allowedSources: ['192.0.2.0/24'] })]);
    expect(guard.screen(invite(), STRANGER, NUMBER)).toBe('drop');
    expect(guard.screen(invite(), CARRIER, null)).toBe('accept');
  });

  it('T18 a stranger who calls a number with a password is asked, and not heard after five guesses', async () => {
    const guard = await guardOf(
      [trunk(withDigest('trunk_1'))],
      [{ e164: NUMBER, trunkId: 'trunk_1' }],
    );
    for (let guess = 0; guess < 5; guess++) {
      expect(guard.screen(invite(GUESS), STRANGER, NUMBER)).toBe('accept');
      expect(guard.judge(invite(GUESS), STRANGER, NUMBER).type).toBe('challenge');
    }
    expect(guard.screen(invite(GUESS), STRANGER, NUMBER)).toBe('drop');
    expect(guard.screen(invite(), { ...STRANGER, host: '203.0.113.10' }, NUMBER)).toBe('accept');
  });

  it('a trunk that is off is known by its source, and asks no proof of others’ callers', async () => {
    const off = trunk({
      id: 'trunk_off',
      active: false,
      allowedSources: ['192.0.2.1'],
      ...withDigest('trunk_off'),
    });
    const alone = await guardOf([off]);
    expect(alone.screen(invite(), CARRIER, NUMBER)).toBe('accept');
    expect(alone.judge(invite(), CARRIER, NUMBER).type).toBe('challenge');
    const open = trunk({ id: 'trunk_on', allowedSources: ['192.0.2.1'] });
    expect((await guardOf([off, open])).judge(invite(), CARRIER, NUMBER)).toEqual({
      type: 'known',
      trunkIds: ['trunk_on'],
    });
  });

  it('replies go where requests come from, unless every trunk of the source says otherwise', async () => {
    const via = trunk({ id: 'trunk_via', allowedSources: ['192.0.2.1'], forceRport: false });
    const forced = trunk({ id: 'trunk_forced', allowedSources: ['192.0.2.1'] });
    expect((await guardOf([via])).forcesRport(CARRIER, NUMBER)).toBe(false);
    expect((await guardOf([via, forced])).forcesRport(CARRIER, NUMBER)).toBe(true);
    expect((await guardOf([via])).forcesRport(STRANGER, NUMBER)).toBe(true);
    const roaming = trunk({ id: 'trunk_r', forceRport: false, ...withDigest('trunk_r') });
    const guard = await guardOf([roaming], [{ e164: NUMBER, trunkId: 'trunk_r' }]);
    expect(guard.forcesRport(STRANGER, NUMBER)).toBe(false);
    expect(guard.forcesRport(STRANGER, '+14155550199')).toBe(true);
  });
});
