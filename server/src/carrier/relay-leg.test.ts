import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PortPool } from '../rtp/port-pool.ts';
import { newEncryption } from '../sdp/crypto-line.ts';
import { answerOffer, buildOffer } from '../sdp/offer-answer.ts';
import type { LocalAudio } from '../sdp/sdp.ts';
import { systemClock } from '../shared/clock.ts';
import { RelayLeg } from './relay-leg.ts';
import { readRelayedAudio } from './relayed-audio.ts';
import { RtpRelay } from './rtp-relay.ts';

const HOST = '127.0.0.1';
let relay: RtpRelay;
let leg: RelayLeg;

beforeEach(async () => {
  const ports = new PortPool({ host: HOST, portMin: 48_720, portMax: 48_780, clock: systemClock });
  relay = await RtpRelay.open(ports, systemClock);
  leg = new RelayLeg({ relay, side: 'to', host: HOST, sessionId: 1, encryption: 'optional' });
});
afterEach(() => relay.close());

const far: LocalAudio = {
  host: HOST,
  port: 47_000,
  codecs: ['PCMU'],
  direction: 'sendrecv',
  sessionId: 1,
  sessionVersion: 1,
  encryption: newEncryption('optional'),
};

/** The offer that the leg gets, and the far end's answer to it. */
function offered(): { offer: string; answer: string } {
  const heard = readRelayedAudio(buildOffer({ ...far, encryption: undefined }));
  if (!heard.ok) throw new Error(heard.error.message);
  const offer = leg.offer(heard.value);
  const answer = answerOffer(offer, far);
  if (!answer.ok) throw new Error(answer.error.message);
  return { offer, answer: answer.value.sdp };
}

describe('a leg whose encryption is optional', () => {
  it.each(['udp', 'tcp'] as const)('tells and takes no keys over %s', (transport) => {
    leg.dialOver(transport);
    expect(offered().offer).not.toContain('a=crypto');
    expect(leg.hear(buildOffer(far)).ok).toBe(true);
    expect(leg.encrypted).toBe(false);
    const secure = { ...far, encryption: newEncryption('required') };
    expect(leg.hear(buildOffer(secure))).toMatchObject({
      error: { code: 'unsupported-transport' },
    });
  });

  it('exchanges keys over TLS, also after a gateway without it', () => {
    leg.dialOver('udp');
    offered();
    leg.dialOver('tls');
    const { offer, answer } = offered();
    expect(offer).toContain('a=crypto:1 ');
    expect(leg.hear(answer).ok).toBe(true);
    expect(leg.encrypted).toBe(true);
  });
});
