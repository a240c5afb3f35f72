import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newEncryption } from '../sdp/crypto-line.ts';
import { startMediaEngine, type MediaEngine } from '../rtp/media-engine.ts';
import { answerOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { LocalAudio } from '../sdp/sdp.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import type { InboundLeg } from '../sip/leg.ts';
import { getHeader } from '../sip/message.ts';
import { startUserAgent, type UserAgent } from '../sip/user-agent.ts';
import { e164Of } from './trunk-switch.ts';
import {
  answerOf,
  failureOf,
  mediaPortOf,
  openTrunkLab,
  phone,
  remote,
  type TrunkLab,
} from './testing/trunk-lab.ts';

let lab: TrunkLab;
let media: MediaEngine;
const agents: UserAgent[] = [];

beforeEach(async () => {
  lab = await openTrunkLab();
  media = startMediaEngine({
    host: '127.0.0.1',
    portMin: 48_500,
    portMax: 48_560,
    clock: systemClock,
    logger: silentLogger,
  });
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.close()));
  await lab.close();
  media.close();
});

/** A far end that does something with each call. */
async function farEnd(onInvite: (leg: InboundLeg) => void): Promise<UserAgent> {
  const agent = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'far end',
    clock: systemClock,
    logger: silentLogger,
  });
  agents.push(agent);
  agent.events.on('invite', onInvite);
  return agent;
}

function local(port: number, encryption?: LocalAudio['encryption']): LocalAudio {
  return {
    host: '127.0.0.1',
    port,
    codecs: ['PCMU'],
    direction: 'sendrecv',
    sessionId: 1,
    sessionVersion: 1,
    encryption,
  };
}

function pickUp(leg: InboundLeg, port = 48_599): void {
  const answer = answerOffer(leg.sdp ?? '', local(port));
  if (!answer.ok) throw new Error(answer.error.message);
  leg.answer(answer.value.sdp);
}

/** A loud tone that is heard back through the echo of +15005550110; how loud it was. */
async function hearEcho(encryption?: LocalAudio['encryption']): Promise<number> {
  const stream = await media.open();
  const leg = lab.dial({
    port: stream.localPort,
    transport: encryption ? 'tls' : 'udp',
    ...(encryption && { encryption }),
  });
  const answer = readAnswer(await answerOf(leg), local(stream.localPort, encryption));
  if (!answer.ok) throw new Error(answer.error.message);
  const { remoteHost, remotePort, ...audio } = answer.value;
  expect(audio.srtp !== undefined).toBe(encryption !== undefined);
  const tone = Int16Array.from({ length: 160 }, (_, at) => 12_000 * Math.sin(at / 3));
  stream.onTick = () => tone;
  const loudest = await new Promise<number>((resolve) => {
    stream.onAudio = (samples) => {
      const peak = Math.max(...samples);
      if (peak > 8_000) resolve(peak);
    };
    stream.connect({ host: remoteHost, port: remotePort, ...audio });
  });
  await leg.hangup();
  stream.close();
  return loudest;
}

describe('a trunk’s door', () => {
  it('lets in who signs in with its credential, and keeps a record with what was heard', async () => {
    expect(await hearEcho()).toBeGreaterThan(8_000);
    const [record] = await lab.recorded(1);
    expect(record).toMatchObject({
      side: { trunkId: lab.trunk.trunkId, direction: 'outbound' },
      from: '+15005550199',
      to: '+15005550110',
      hangup: { code: 3010, name: 'normal_hangup', source: 'customer' },
      transport: 'udp',
      srtp: false,
    });
    expect(record?.answeredMs).not.toBeNull();
    expect(record?.media?.from?.packets).toBeGreaterThan(0);
    expect(record?.media?.to?.packets).toBeGreaterThan(0);
    expect(lab.signIns).toEqual([true]);
  });

  it('knows a trunk by its user name where the INVITE names only an address', async () => {
    const leg = lab.dial({ host: `127.0.0.1:${lab.carrier.sipPort}`, to: '+15005550102' });
    expect(await failureOf(leg)).toMatchObject({ status: 486 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 4410, source: 'carrier' } }]);
  });

  it('takes nobody’s side where two accounts have the same name and password', async () => {
    const host = `127.0.0.1:${lab.carrier.sipPort}`;
    lab.namesakes.push({ ...lab.trunk, trunkId: '121784177241579', workspaceId: 'ws_2' });
    expect(await failureOf(lab.dial({ host }))).toMatchObject({ status: 403 });
    lab.namesakes[0] = { ...lab.trunk, trunkId: '121784177241579' };
    const leg = lab.dial({ host, to: '+15005550102' });
    expect(await failureOf(leg)).toMatchObject({ status: 486 });
  });

  it('asks who names no credential, and keeps no record of it', async () => {
    expect(await failureOf(lab.dial({ password: null }))).toMatchObject({ status: 407 });
    expect(lab.records).toEqual([]);
  });

  it('refuses a wrong password with 403 and 4180', async () => {
    const failure = failureOf(lab.dial({ password: 'Wrong#2026' }));
    expect(await failure).toMatchObject({ status: 403 });
    expect(await lab.recorded(1)).toMatchObject([
      { hangup: { code: 4180, name: 'call_rejected_unauthorized', source: 'customer' } },
    ]);
    expect(lab.signIns).toEqual([false]);
  });

  it.each([
    ['an address that is not on its list', { addressAllowed: false }, 403, 4180],
    ['a credential that was deleted', { broken: true, credential: null }, 403, 4180],
    ['a trunk that is switched off', { enabled: false }, 480, 4330],
    ['plain SIP to a secure trunk', { secure: true }, 403, 4110],
  ])('refuses %s', async (_what, patch, status, code) => {
    Object.assign(lab.trunk, patch);
    expect(await failureOf(lab.dial())).toMatchObject({ status });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code } }]);
  });

  it('lets in an address of the list without a password', async () => {
    Object.assign(lab.trunk, { credential: null, addressAllowed: true });
    const leg = lab.dial({ password: null, host: '127.0.0.1', to: '+15005550105' });
    expect(await failureOf(leg)).toMatchObject({ status: 603 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 6040 } }]);
  });

  it('says 404 to a trunk that is not there, and to an inbound one', async () => {
    const host = '999999999999999.carrier.test';
    expect(await failureOf(lab.dial({ host }))).toMatchObject({ status: 404 });
    Object.assign(lab.trunk, { direction: 'inbound' });
    expect(await failureOf(lab.dial())).toMatchObject({ status: 404 });
    expect(lab.records).toEqual([]);
  });

  it.each([
    ['bob', 4130],
    ['12345', 4140],
  ])('refuses the caller ID %s', async (from, code) => {
    expect(await failureOf(lab.dial({ from }))).toMatchObject({ status: 403 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code } }]);
  });

  it('refuses TLS and encrypted audio on a trunk that is not secure', async () => {
    const leg = lab.dial({ transport: 'tls', encryption: newEncryption('required') });
    expect(await failureOf(leg)).toMatchObject({ status: 403 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 4110 } }]);
  });

  it('carries a secure trunk’s call to a plain phone: TLS and SRTP end here', async () => {
    lab.trunk.secure = true;
    expect(await hearEcho(newEncryption('required'))).toBeGreaterThan(8_000);
    const [record] = await lab.recorded(1);
    expect(record).toMatchObject({ transport: 'tls', srtp: true, side: { secure: true } });
  });
});

describe('a call through the switch', () => {
  it('goes to the next destination when the first is dead, or says that it is broken', async () => {
    const broken = await farEnd((leg) => leg.reject(503));
    const good = await farEnd(pickUp);
    const targets = [remote(broken.port), remote(9, 'tcp'), remote(good.port)];
    lab.routeTo({ ok: true, targets, inbound: null, encryption: 'none' });
    const leg = lab.dial({ to: '+14155550123' });
    const answer = await answerOf(leg);
    expect(mediaPortOf(answer)).toBeGreaterThanOrEqual(48_000);
    await leg.hangup();
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 3010 } }]);
  });

  it.each([
    [486, 4410],
    [603, 6040],
    [404, 4090],
  ])('goes nowhere else after %d', async (status, code) => {
    let rung = 0;
    const first = await farEnd((leg) => leg.reject(status));
    const second = await farEnd((leg) => {
      rung++;
      pickUp(leg);
    });
    const targets = [remote(first.port), remote(second.port)];
    lab.routeTo({ ok: true, targets, inbound: null, encryption: 'none' });
    expect(await failureOf(lab.dial({ to: '+14155550123' }))).toMatchObject({ status });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code } }]);
    expect(rung).toBe(0);
  });

  it('goes nowhere else once it rang', async () => {
    let rung = 0;
    const first = await farEnd((leg) => {
      leg.ring(180);
      leg.reject(503);
    });
    const second = await farEnd(() => rung++);
    const targets = [remote(first.port), remote(second.port)];
    lab.routeTo({ ok: true, targets, inbound: null, encryption: 'none' });
    expect(await failureOf(lab.dial({ to: '+14155550123' }))).toMatchObject({ status: 503 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 5350 } }]);
    expect(rung).toBe(0);
  });

  it('counts its way, and ends when it runs in a circle', async () => {
    const hops: (string | undefined)[] = [];
    const far = await farEnd((leg) => {
      hops.push(getHeader(leg.request, 'X-Trunkline-Hops'));
      leg.reject(486);
    });
    lab.routeTo({ ok: true, targets: [remote(far.port)], inbound: null, encryption: 'none' });
    await failureOf(lab.dial({ to: '+14155550123' }));
    const headers = [{ name: 'X-Trunkline-Hops', value: '5' }];
    const circling = lab.dial({ to: '+14155550123', headers });
    expect(await failureOf(circling)).toMatchObject({ status: 483 });
    expect(hops).toEqual(['1']);
    const [, record] = await lab.recorded(2);
    expect(record?.hangup.code).toBe(4380);
  });

  it('that a rule refused is told which, and when to come back', async () => {
    const hangup = {
      code: 5190,
      name: 'concurrent_call_limit_exceeded',
      source: 'zentrunk',
    } as const;
    lab.routeTo({
      ok: false,
      status: 480,
      hangup,
      inbound: null,
      guardrail: 'G05',
      retryAfterS: 60,
    });
    const refused = await failureOf(lab.dial({ to: '+14155550123' }));
    expect(refused).toMatchObject({ status: 480, retryAfterS: 60 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup, guardrail: 'G05' }]);
  });

  it('that counts as one of the account ends with its record, or is taken back', async () => {
    const far = await farEnd((leg) => leg.reject(486));
    const targets = [remote(far.port)];
    const route = { targets, inbound: null, encryption: 'none' as const };
    lab.routeTo({ ok: true, ...route, attemptId: 'attempt_1' });
    await failureOf(lab.dial({ to: '+14155550123' }));
    const headers = [{ name: 'X-Trunkline-Hops', value: '5' }];
    lab.routeTo({ ok: true, ...route, attemptId: 'attempt_2' });
    await failureOf(lab.dial({ to: '+14155550123', headers }));
    const records = await lab.recorded(2);
    expect(records.map(({ attemptId }) => attemptId)).toEqual(['attempt_1', 'attempt_2']);

    const abandoned = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    lab.service.routeOutbound = async () => {
      asked.resolve();
      await answer.promise;
      return { ok: true, ...route, attemptId: 'attempt_3' };
    };
    lab.service.abandon = ({ attemptId }) => Promise.resolve(abandoned.resolve(attemptId));
    const leg = lab.dial({ to: '+14155550123' });
    await asked.promise;
    const gone = failureOf(leg);
    await leg.hangup();
    await gone;
    answer.resolve();
    expect(await abandoned.promise).toBe('attempt_3');
  });

  it('is cancelled at the far end when the caller gives up', async () => {
    const cancelled = Promise.withResolvers<string>();
    const far = await farEnd((leg) => {
      leg.ring(180);
      leg.events.on('failed', ({ cause }) => cancelled.resolve(cause));
    });
    lab.routeTo({ ok: true, targets: [remote(far.port)], inbound: null, encryption: 'none' });
    const leg = lab.dial({ to: '+14155550123' });
    leg.events.on('provisional', ({ status }) => status === 180 && void leg.hangup());
    expect(await cancelled.promise).toBe('cancelled');
    expect(await lab.recorded(1)).toMatchObject([
      { hangup: { code: 4550, source: 'customer' }, answeredMs: null },
    ]);
  });

  it('ends for the caller when the called side hangs up', async () => {
    const far = await farEnd((leg) => {
      pickUp(leg);
      leg.events.on('answered', () => void leg.hangup());
    });
    lab.routeTo({ ok: true, targets: [remote(far.port)], inbound: null, encryption: 'none' });
    const leg = lab.dial({ to: '+14155550123' });
    const ended = new Promise<string>((resolve) => {
      leg.events.on('ended', ({ by }) => resolve(by));
    });
    expect(await ended).toBe('remote');
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 3000, source: 'carrier' } }]);
  });

  it('passes hold on by re-INVITE, and its answer back', async () => {
    const offers: string[] = [];
    const far = await farEnd((leg) => {
      pickUp(leg);
      leg.onOffer = (sdp) => {
        offers.push(/a=(send\w+|recv\w+|inactive)/.exec(sdp ?? '')?.[1] ?? '');
        const answer = answerOffer(sdp ?? '', local(48_599));
        if (!answer.ok) throw new Error(answer.error.message);
        return { accept: true, sdp: answer.value.sdp };
      };
    });
    lab.routeTo({ ok: true, targets: [remote(far.port)], inbound: null, encryption: 'none' });
    const leg = lab.dial({ to: '+14155550123' });
    const answer = await answerOf(leg);
    const held = await leg.reinvite(
      answer.replace(/m=audio \d+/, 'm=audio 47998').replace('a=sendrecv', 'a=sendonly'),
    );
    expect(offers).toEqual(['sendonly']);
    expect(held.status).toBe(200);
    expect(held.sdp).toContain('a=recvonly');
    expect(mediaPortOf(held.sdp ?? '')).toBe(mediaPortOf(answer));
    await leg.hangup();
  });

  it('gets a record for each trunk: the one that it came by and the one that it goes out by', async () => {
    const far = await farEnd((leg) => leg.reject(486));
    const side = {
      trunkId: '121784177241579',
      workspaceId: 'ws_2',
      direction: 'inbound',
      secure: false,
    } as const;
    const targets = [remote(far.port)];
    lab.routeTo({ ok: true, targets, inbound: side, encryption: 'none' });
    await failureOf(lab.dial({ to: '+14155550123' }));
    const records = await lab.recorded(2);
    expect(records.map(({ side: of, hangup }) => [of.workspaceId, hangup.source])).toEqual([
      ['ws_1', 'carrier'],
      ['ws_2', 'customer'],
    ]);
  });

  it('is refused without a codec that trunks carry', async () => {
    const sdp = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=audio 47998 RTP/AVP 111',
      'a=rtpmap:111 opus/48000/2',
      '',
    ].join('\r\n');
    expect(await failureOf(lab.dial({ sdp }))).toMatchObject({ status: 488 });
    expect(await lab.recorded(1)).toMatchObject([{ hangup: { code: 4620 } }]);
  });

  it('carries Zentrunk’s code in what the caller hears', async () => {
    const codes: (string | undefined)[] = [];
    lab.customer.onTraffic = ({ direction, message }) => {
      if (direction === 'received' && message.kind === 'response' && message.status === 486) {
        codes.push(getHeader(message, 'X-ZT-Hangup-Code'));
      }
    };
    lab.routeTo({ ok: true, targets: [phone()], inbound: null, encryption: 'none' });
    await failureOf(lab.dial({ to: '+15005550102' }));
    expect(codes).toEqual(['4410']);
  });
});

describe('a switch that is drained', () => {
  it('takes no new calls of trunks and waits for those that live', async () => {
    const far = await farEnd(pickUp);
    lab.routeTo({ ok: true, targets: [remote(far.port)], inbound: null, encryption: 'none' });
    const leg = lab.dial({ to: '+14155550123' });
    await answerOf(leg);
    const drained = lab.carrier.drain(3_600_000).then(() => lab.records.length);
    expect(await failureOf(lab.dial({ to: '+14155550124' }))).toMatchObject({ status: 503 });
    await leg.hangup();
    expect(await drained).toBe(2);
  });

  it('waits no longer than it may', async () => {
    const far = await farEnd(pickUp);
    lab.routeTo({ ok: true, targets: [remote(far.port)], inbound: null, encryption: 'none' });
    const leg = lab.dial({ to: '+14155550123' });
    await answerOf(leg);
    await lab.carrier.drain(0);
    expect(lab.carrier.callCount).toBe(1);
    await leg.hangup();
    await lab.recorded(1);
  });
});

describe('a dialled number', () => {
  it.each([
    ['+14155550123', '+14155550123'],
    ['14155550123', '+14155550123'],
    ['0014155550123', '+14155550123'],
    ['01144 20 7946 0958', '+442079460958'],
    ['12', null],
    ['bob', null],
    ['', null],
  ])('%j is %j', (dialled, e164) => {
    expect(e164Of(dialled)).toBe(e164);
  });
});
