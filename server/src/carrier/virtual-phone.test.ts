import { expect, it } from 'vitest';
import { createFakeStt } from '../providers/fake/fake-stt.ts';
import { createFakeTts } from '../providers/fake/fake-tts.ts';
import { createFakeVad } from '../providers/fake/fake-vad.ts';
import { startMediaEngine } from '../rtp/media-engine.ts';
import { newEncryption } from '../sdp/crypto-line.ts';
import { buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { LocalAudio } from '../sdp/sdp.ts';
import { sleepOn, systemClock, type Clock } from '../shared/clock.ts';
import { randomText } from '../shared/ids.ts';
import { silentLogger } from '../shared/logger.ts';
import { newBranch } from '../sip/make-request.ts';
import { startUserAgent } from '../sip/user-agent.ts';
import { startCarrier } from './carrier.ts';
import { noTrunks } from './testing/no-trunks.ts';

const HURRY = 6;
/** More than the patience of a person in a hurry, 2 s. */
const SLOW_RECOGNISER_MS = 3_000;

const hurriedClock: Clock = {
  now: () => systemClock.now(),
  monotonicMs: () => systemClock.monotonicMs(),
  setTimer: (delayMs, fn) => systemClock.setTimer(delayMs / HURRY, fn),
  sleep: (delayMs, signal) => sleepOn(hurriedClock, delayMs, signal),
};

it.each([
  ['plain', undefined],
  ['encrypted', newEncryption('required')],
])('does not lose its patience while it is understanding %s speech', async (_kind, encryption) => {
  const said: string[] = [];
  const firstWords = Promise.withResolvers<void>();
  const voice = createFakeTts({ clock: systemClock });
  const host = '127.0.0.1';
  const logger = silentLogger;
  const carrier = await startCarrier({
    host,
    sipPort: 0,
    rtpPortMin: 46_000,
    rtpPortMax: 46_040,
    phones: {
      credentials: { username: 'sandbox', password: 'right' },
      persona: 'confirm',
      vad: createFakeVad(),
      stt: createFakeStt({
        clock: systemClock,
        latencyMs: SLOW_RECOGNISER_MS,
        transcripts: ['Can you confirm your appointment?'],
      }),
      tts: {
        name: 'listened-to',
        synthesize: (request) => {
          said.push(request.text);
          firstWords.resolve();
          return voice.synthesize(request);
        },
      },
      keepMessage: () => Promise.resolve(),
    },
    domain: 'carrier.test',
    service: noTrunks(),
    platformSipPort: null,
    clock: hurriedClock,
    logger,
  });
  const clock = systemClock;
  const media = startMediaEngine({ host, portMin: 46_050, portMax: 46_060, clock, logger });
  const userAgent = await startUserAgent({ host, port: 0, userAgent: 'test', clock, logger });
  try {
    const stream = await media.open();
    const local: LocalAudio = {
      host,
      port: stream.localPort,
      codecs: ['PCMU'],
      direction: 'sendrecv',
      sessionId: 1,
      sessionVersion: 1,
      encryption,
    };
    const leg = userAgent.invite({
      requestUri: `sip:+15005550101@${host}:${carrier.sipPort}`,
      nextHop: { host, port: carrier.sipPort, transport: 'udp' },
      sipCallId: randomText(20),
      localTag: randomText(10),
      branch: newBranch(),
      from: { uri: `sip:+15005550199@${host}` },
      to: { uri: `sip:+15005550101@${host}` },
      sdp: buildOffer(local),
      credentials: { username: 'sandbox', password: 'right' },
    });
    const sdp = await new Promise<string>((resolve) => {
      leg.events.on('answered', (answer) => resolve(answer.sdp ?? ''));
    });
    const answer = readAnswer(sdp, local);
    if (!answer.ok) throw new Error(answer.error.message);
    expect(answer.value.srtp !== undefined).toBe(encryption !== undefined);
    let tick = 0;
    const loud = new Int16Array(160).fill(9_000);
    stream.onTick = () => (tick++ < 25 ? loud : null);
    const { remoteHost, remotePort, ...rest } = answer.value;
    stream.connect({ ...rest, host: remoteHost, port: remotePort });
    await firstWords.promise;
    expect(said).toEqual(['Yes, that works for me.']);
  } finally {
    await userAgent.close();
    media.close();
    await carrier.close();
  }
});
