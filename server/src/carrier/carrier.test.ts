import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeStt } from '../providers/fake/fake-stt.ts';
import { createFakeTts } from '../providers/fake/fake-tts.ts';
import { createFakeVad } from '../providers/fake/fake-vad.ts';
import { buildOffer } from '../sdp/offer-answer.ts';
import { sleepOn, systemClock, type Clock } from '../shared/clock.ts';
import { randomText } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import type { Leg, LegFailure } from '../sip/leg.ts';
import { newBranch } from '../sip/make-request.ts';
import { startUserAgent, type UserAgent } from '../sip/user-agent.ts';
import { startCarrier, type Carrier } from './carrier.ts';
import { noTrunks } from './testing/no-trunks.ts';

/** Rings and waits take a twentieth of their time, and so do the timers of SIP: no less. */
const hurriedClock: Clock = {
  now: () => systemClock.now(),
  monotonicMs: () => systemClock.monotonicMs(),
  setTimer: (delayMs, fn) => systemClock.setTimer(delayMs / 20, fn),
  sleep: (delayMs, signal) => sleepOn(hurriedClock, delayMs, signal),
};

let carrier: Carrier;
let userAgent: UserAgent;
const messages: { name: string; sampleCount: number }[] = [];

beforeEach(async () => {
  messages.length = 0;
  carrier = await startCarrier({
    host: '127.0.0.1',
    sipPort: 0,
    rtpPortMin: 47_000,
    rtpPortMax: 47_400,
    phones: {
      credentials: { username: 'sandbox', password: 'right' },
      persona: 'confirm',
      vad: createFakeVad(),
      stt: createFakeStt({ clock: systemClock, latencyMs: 0 }),
      tts: createFakeTts({ clock: systemClock, latencyMs: 0 }),
      keepMessage: (name, samples) => {
        messages.push({ name, sampleCount: samples.length });
        return Promise.resolve();
      },
    },
    domain: 'carrier.test',
    service: noTrunks(),
    platformSipPort: null,
    clock: hurriedClock,
    logger: silentLogger,
  });
  userAgent = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'test',
    clock: systemClock,
    logger: silentLogger,
  });
});

afterEach(async () => {
  await userAgent.close();
  await carrier.close();
});

function dial(number: string, options: { password?: string; transport?: 'udp' | 'tcp' } = {}): Leg {
  const { password = 'right', transport = 'udp' } = options;
  return userAgent.invite({
    requestUri: `sip:${number}@127.0.0.1:${carrier.sipPort}`,
    nextHop: { host: '127.0.0.1', port: carrier.sipPort, transport },
    sipCallId: randomText(20),
    localTag: randomText(10),
    branch: newBranch(),
    from: { uri: 'sip:+15005550199@127.0.0.1' },
    to: { uri: `sip:${number}@127.0.0.1` },
    sdp: buildOffer({
      host: '127.0.0.1',
      port: 46_998,
      codecs: ['PCMU', 'PCMA'],
      direction: 'sendrecv',
      sessionId: 1,
      sessionVersion: 1,
    }),
    ...(password === '' ? {} : { credentials: { username: 'sandbox', password } }),
  });
}

function failureOf(leg: Leg): Promise<LegFailure> {
  return new Promise((resolve) => {
    leg.events.on('failed', resolve);
  });
}

function answerOf(leg: Leg): Promise<string | null> {
  return new Promise((resolve, reject) => {
    leg.events.on('answered', ({ sdp }) => resolve(sdp));
    leg.events.on('failed', ({ status }) => reject(new Error(`failed with ${status}`)));
  });
}

describe('the carrier’s door', () => {
  it('asks for credentials with 407', async () => {
    expect(await failureOf(dial('+15005550102', { password: '' }))).toMatchObject({ status: 407 });
  });

  it('refuses a wrong password with 403', async () => {
    expect(await failureOf(dial('+15005550102', { password: 'wrong' }))).toMatchObject({
      status: 403,
    });
  });
});

describe('numbers that refuse', () => {
  it.each([
    ['+15005550100', 480],
    ['+15005550102', 486],
    ['+15005550105', 603],
    ['+15005550106', 404],
    ['+15005550107', 503],
  ])('%s answers %d', async (number, status) => {
    expect(await failureOf(dial(number))).toMatchObject({ cause: 'response', status });
  });
});

describe('numbers that answer', () => {
  it('+15005550107 rings and answers over the second gateway, which is TCP', async () => {
    const leg = dial('+15005550107', { transport: 'tcp' });
    const rung = new Promise<number>((resolve) => {
      leg.events.on('provisional', ({ status }) => resolve(status));
    });
    expect(await rung).toBe(180);
    expect(await answerOf(leg)).toMatch(/m=audio \d+ RTP\/AVP 0 101/);
    await leg.hangup();
  });

  it('+15005550115 puts the call on hold and takes it back by re-INVITE', async () => {
    const leg = dial('+15005550115');
    const directions: string[] = [];
    const heldAndBack = new Promise<void>((resolve) => {
      leg.onOffer = (sdp) => {
        directions.push(/a=(sendrecv|sendonly|recvonly|inactive)/.exec(sdp ?? '')?.[1] ?? 'none');
        if (directions.length === 2) resolve();
        return { accept: false, status: 488, reason: 'Not Acceptable Here' };
      };
    });
    await answerOf(leg);
    await heldAndBack;
    expect(directions).toEqual(['sendonly', 'sendrecv']);
    await leg.hangup();
  });

  it('+15005550104 keeps what was left after the beep and hangs up', async () => {
    const leg = dial('+15005550104');
    const over = new Promise<string>((resolve) => {
      leg.events.on('ended', ({ by }) => resolve(by));
    });
    await answerOf(leg);
    expect(await over).toBe('remote');
    expect(messages).toEqual([{ name: leg.sipCallId, sampleCount: 0 }]);
  });

  it('frees its phone when the caller hangs up', async () => {
    const leg = dial('+15005550111');
    await answerOf(leg);
    expect(carrier.callCount).toBe(1);
    await leg.hangup();
    await expect.poll(() => carrier.callCount).toBe(0);
  });

  it('frees its phone when the caller gives up while it rings', async () => {
    const leg = dial('+15005550103');
    await new Promise<void>((resolve) => {
      leg.events.on('provisional', () => resolve());
    });
    const failure = failureOf(leg);
    await leg.hangup();
    expect(await failure).toMatchObject({ cause: 'cancelled', status: 487 });
    await expect.poll(() => carrier.callCount).toBe(0);
  });
});
