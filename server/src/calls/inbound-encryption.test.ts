import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newEncryption } from '../sdp/crypto-line.ts';
import { buildOffer } from '../sdp/offer-answer.ts';
import type { LocalEncryption } from '../sdp/sdp.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { selfSignedCertificate } from '../sip/self-signed-certificate.ts';
import { startUserAgent, type UserAgent } from '../sip/user-agent.ts';
import { FROM, openCallLab, type CallLab, type LabNode } from './testing/call-lab.ts';

let lab: CallLab;
let caller: UserAgent;
/** What the node is called at. */
let called: UserAgent;
let node: LabNode;
let dialled = 0;

beforeEach(async () => {
  const identity = await selfSignedCertificate(['127.0.0.1'], systemClock.now());
  const start = (userAgent: string): Promise<UserAgent> =>
    startUserAgent({
      host: '127.0.0.1',
      port: 0,
      tls: { port: 0, ...identity, ca: [identity.cert] },
      userAgent,
      clock: systemClock,
      logger: silentLogger,
      t1Ms: 50,
    });
  lab = await openCallLab();
  caller = await start('caller');
  called = await start('called');
});
afterEach(async () => {
  await caller.close();
  await lab.close();
  await called.close();
});

interface Outcome {
  /** The answer’s session description; null: it was refused. */
  sdp: string | null;
  status: number;
  warning: string | null;
}

async function open(mediaEncryption: 'none' | 'optional' | 'required'): Promise<void> {
  await lab.trunk([], {
    mediaEncryption,
    gateways: [{ host: '127.0.0.1', port: 5061, transport: 'tls' }],
  });
  node = await lab.node({ ua: called });
}

/** Calls, and hangs up where it is answered. */
async function dial(
  transport: 'udp' | 'tcp' | 'tls',
  offer: { encryption?: LocalEncryption; sdp?: string },
): Promise<Outcome> {
  dialled++;
  let warning: string | null = null;
  caller.onTraffic = ({ direction, message }) => {
    if (direction !== 'received') return;
    warning = message.headers.find(({ name }) => name === 'Warning')?.value ?? warning;
  };
  const port = transport === 'tls' ? (called.tlsPort ?? 0) : called.port;
  const leg = caller.invite({
    requestUri: `sip:${FROM}@127.0.0.1:${port}`,
    nextHop: { host: '127.0.0.1', port, transport },
    sipCallId: `secure-${dialled}-${caller.port}`,
    localTag: `tag${dialled}`,
    branch: `z9hG4bKsecure${dialled}`,
    from: { uri: 'sip:+14155552671@caller.example' },
    to: { uri: `sip:${FROM}@127.0.0.1` },
    sdp:
      offer.sdp ??
      buildOffer({
        host: '127.0.0.1',
        port: 41_000,
        codecs: ['PCMA'],
        direction: 'sendrecv',
        sessionId: 1,
        sessionVersion: 1,
        encryption: offer.encryption,
      }),
  });
  const outcome = await new Promise<Omit<Outcome, 'warning'>>((resolve) => {
    leg.events.on('answered', ({ sdp }) => resolve({ sdp, status: 200 }));
    leg.events.on('failed', ({ status }) => resolve({ sdp: null, status }));
  });
  await leg.hangup();
  return { ...outcome, warning };
}

const REQUIRED = newEncryption('required');
const OPTIONAL = newEncryption('optional');

describe('G17: the keys of a call that comes in', () => {
  it.each(['udp', 'tcp'] as const)(
    'are not taken over %s where encryption is required',
    async (transport) => {
      await open('required');
      for (const encryption of [REQUIRED, OPTIONAL]) {
        const { status, warning } = await dial(transport, { encryption });
        expect(status).toBe(488);
        expect(warning).toBe(
          `302 trunkline "media_encryption of the trunk is required, which needs SIP over TLS: its keys would cross ${transport.toUpperCase()} in clear"`,
        );
      }
      expect(node.voice.calls).toHaveLength(0);
      const records = async () => (await node.service.list(lab.workspaceId)).data;
      const refused = { status: 'failed', endReason: 'media-incompatible', sipCode: 488 };
      // A refusal is stored after it was sent.
      await expect.poll(records).toMatchObject([refused, refused]);
      const [call] = await records();
      expect(await lab.events(call?.id ?? '')).toContainEqual(
        expect.objectContaining({
          type: 'call.warning',
          data: {
            code: 'media-encryption',
            message: expect.stringContaining('needs SIP over TLS') as string,
          },
        }),
      );
    },
  );

  it('are exchanged over TLS, and plain audio is refused there with its reason', async () => {
    await open('required');
    const taken = await dial('tls', { encryption: REQUIRED });
    expect(taken.sdp).toMatch(/m=audio \d+ RTP\/SAVP 8/);
    expect(taken.sdp).toContain('a=crypto:1 ');
    expect(await dial('tls', {})).toEqual({
      sdp: null,
      status: 488,
      warning: '302 trunkline "need encrypted audio, RTP/SAVP with a=crypto, got RTP/AVP"',
    });
  });

  it('are passed over in clear signalling where encryption is optional', async () => {
    await open('optional');
    const plain = await dial('udp', { encryption: OPTIONAL });
    expect(plain.sdp).toMatch(/m=audio \d+ RTP\/AVP 8/);
    expect(plain.sdp).not.toContain('a=crypto');
    expect(node.voice.calls[0]?.audio[0]).not.toHaveProperty('srtp');
    expect(await dial('udp', { encryption: REQUIRED })).toMatchObject({
      status: 488,
      warning: '302 trunkline "need RTP/AVP, got RTP/SAVP: no encryption here"',
    });
    const secure = await dial('tls', { encryption: OPTIONAL });
    expect(secure.sdp).toContain('a=crypto:1 ');
  });
});

describe('a session description that cannot be taken', () => {
  it('is refused with what is wrong, and what it says stays within its quotes', async () => {
    await open('none');
    const sdp = buildOffer({
      host: '127.0.0.1',
      port: 41_000,
      codecs: ['PCMA'],
      direction: 'sendrecv',
      sessionId: 1,
      sessionVersion: 1,
    }).replace('PCMA/8000', 'X"\\é/8000');
    expect(await dial('udp', { sdp })).toEqual({
      sdp: null,
      status: 488,
      warning: `305 trunkline "need one of PCMU, PCMA, got X''', TELEPHONE-EVENT"`,
    });
  });
});
