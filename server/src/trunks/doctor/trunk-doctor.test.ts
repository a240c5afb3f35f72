import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FROM, openCallLab, TO, type CallLab, type LabNode } from '../../calls/testing/call-lab.ts';
import {
  pickUp,
  refuseWith,
  startCallee,
  type CalleeScript,
  type ScriptedCallee,
} from '../../calls/testing/scripted-callee.ts';
import { NO_RTP_STATS } from '../../rtp/no-rtp-stats.ts';
import { systemClock as clock } from '../../shared/clock.ts';
import { createTrunkStore, type TrunkInput, type TrunkStore } from '../trunk-store.ts';
import { createTrunkDoctor, type Diagnosis } from './trunk-doctor.ts';

let lab: CallLab;
let carrier: ScriptedCallee;
let node: LabNode;
let store: TrunkStore;
let trunkId: string;

beforeEach(async () => {
  lab = await openCallLab();
  carrier = await startCallee();
  store = createTrunkStore({ db: lab.db, secrets: lab.secrets, clock });
});
afterEach(async () => {
  await lab.close();
  await carrier.close();
});

async function open(input: TrunkInput = {}): Promise<void> {
  trunkId = await lab.trunk([carrier.ua.port], input);
  node = await lab.node();
}

/** Places a call over the carrier, waits for its end and asks the doctor. */
async function callAndDiagnose(script: CalleeScript, input: TrunkInput = {}): Promise<Diagnosis> {
  await open(input);
  carrier.script = script;
  const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
  await lab.reached(call.id);
  await node.service.close();
  return diagnose({ callId: call.id });
}

async function diagnose(request: { callId?: string; from?: string } = {}): Promise<Diagnosis> {
  const trunk = await store.get(lab.workspaceId, trunkId);
  if (!trunk) throw new Error('expected the trunk, got none');
  const doctor = createTrunkDoctor({ ua: carrier.ua, clock, advertisedHost: '10.0.0.5' });
  const asked = { workspaceId: lab.workspaceId, trunk, ...request };
  const diagnosis = await doctor.diagnose(lab.db.pool, asked);
  if (!diagnosis) throw new Error('expected a diagnosis, got none');
  return diagnosis;
}

const CHALLENGE = { name: 'Proxy-Authenticate', value: 'Digest realm="carrier", nonce="n"' };
const askAgain: CalleeScript = (leg) =>
  leg.reject(407, 'Proxy Authentication Required', [CHALLENGE]);
const forbidAfterSignIn: CalleeScript = (leg) => {
  const signedIn = leg.request.headers.some(({ name }) => name === 'Proxy-Authorization');
  if (signedIn) leg.reject(403, 'Forbidden');
  else askAgain(leg);
};
const CREDENTIALS = { authUsername: 'user', authPassword: 'not-it' };

function answerWith(media: string): CalleeScript {
  const lines = ['v=0', 'o=- 1 1 IN IP4 203.0.113.7', 's=-', 'c=IN IP4 203.0.113.7', 't=0 0'];
  return (leg) => leg.answer([...lines, media, ''].join('\r\n'));
}

const KEY = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';

describe('the doctor of a trunk, with a carrier that', () => {
  it.each<[string, CalleeScript, TrunkInput, string, string]>([
    ['asks again after the credentials', askAgain, CREDENTIALS, 'wrong-credentials', 'certain'],
    [
      'forbids after the credentials',
      forbidAfterSignIn,
      CREDENTIALS,
      'wrong-credentials',
      'certain',
    ],
    ['asks for credentials that the trunk has not', askAgain, {}, 'credentials-missing', 'certain'],
    ['forbids without a question', refuseWith(403, 'Forbidden'), {}, 'ip-not-allowed', 'likely'],
    [
      'says that the address is not on its list',
      refuseWith(403, 'IP not whitelisted'),
      CREDENTIALS,
      'ip-not-allowed',
      'certain',
    ],
    [
      'does not take the caller ID',
      refuseWith(403, 'Caller Origination Number is Invalid D35'),
      {},
      'caller-id-rejected',
      'certain',
    ],
    ['rejects the plus sign', refuseWith(484, 'Invalid number format'), {}, 'plus-sign', 'likely'],
    [
      'wants the plus sign',
      refuseWith(404, 'Invalid destination number'),
      { leadingPlus: false },
      'plus-sign',
      'likely',
    ],
    ['takes no codec', refuseWith(488, 'Not Acceptable Here'), {}, 'codec-mismatch', 'likely'],
    [
      'wants encrypted audio only',
      refuseWith(488, 'Secure media required'),
      {},
      'srtp-mismatch',
      'likely',
    ],
    [
      'answers with encrypted audio',
      answerWith(`m=audio 4000 RTP/SAVP 0\r\n${KEY}`),
      {},
      'srtp-mismatch',
      'certain',
    ],
    [
      'answers with another codec',
      answerWith('m=audio 4000 RTP/AVP 18'),
      {},
      'codec-mismatch',
      'certain',
    ],
    [
      'has no channel free',
      refuseWith(503, 'Trunk CPS limit exceeded'),
      {},
      'carrier-limit',
      'likely',
    ],
    ['has a fault', refuseWith(500, 'Server Internal Error'), {}, 'carrier-error', 'likely'],
    ['sends the call in a circle', refuseWith(483, 'Too Many Hops'), {}, 'routing-loop', 'certain'],
    ['wants a signature', refuseWith(428, 'Use Identity'), {}, 'carrier-refused', 'likely'],
    ['says what nobody knows', refuseWith(499, 'Odd'), {}, 'carrier-refused', 'possible'],
    ['refuses everywhere', refuseWith(699, 'Odd'), {}, 'carrier-refused', 'possible'],
    ['is busy', refuseWith(486, 'Busy Here'), {}, 'callee-not-available', 'possible'],
    ['has no money from us', refuseWith(402, 'Payment Required'), {}, 'carrier-credit', 'likely'],
  ])('%s', async (_what, script, input, code, confidence) => {
    const { findings, call } = await callAndDiagnose(script, input);
    expect(findings[0]).toMatchObject({ code, confidence });
    expect(findings[0]?.evidence.join(' ')).not.toBe('');
    expect(findings[0]?.fix).not.toBe('');
    expect(call?.messages.length).toBeGreaterThan(1);
    expect(JSON.stringify(findings)).not.toContain('not-it');
  });

  it('says nothing at all', async () => {
    carrier.ua.screen = () => 'drop';
    const { findings } = await callAndDiagnose(() => undefined);
    expect(findings[0]).toMatchObject({ code: 'no-answer-from-carrier' });
    expect(findings[0]?.evidence[0]).toBe('no SIP message came back to the INVITE');
  });

  it.each([
    [{ packetsSent: 500 }, 'one-way-audio', 'certain'],
    [{ packetsSent: 500, packetsInvalid: 400 }, 'media-not-understood', 'likely'],
  ])('answers, and its audio never comes: %j', async (counts, code, confidence) => {
    await open();
    node.voice.onAnswered = (voice) => {
      voice.report = { ...voice.report, media: { ...NO_RTP_STATS, ...counts } };
      voice.emit({ type: 'media-timeout', phase: 'first-packet' });
    };
    carrier.script = answerWith('m=audio 4000 RTP/AVP 0');
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id);
    await node.service.close();
    const { findings } = await diagnose();
    expect(findings[0]).toMatchObject({ code, confidence });
    expect(JSON.stringify(findings)).toMatch(/PUBLIC_IP|SRTP/);
  });

  it('does everything right: there is nothing to find, and its gateway answers', async () => {
    await open();
    node.voice.onAnswered = (voice) => {
      voice.report = {
        ...voice.report,
        media: { ...NO_RTP_STATS, packetsSent: 500, packetsReceived: 500 },
      };
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    };
    carrier.script = pickUp;
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id);
    const { findings, probes } = await diagnose({ callId: call.id });
    expect(findings).toEqual([]);
    expect(probes).toMatchObject([
      { gateway: `127.0.0.1:${carrier.ua.port};udp`, status: 200, error: null },
    ]);
  });
});

describe('the doctor of a trunk that', () => {
  it('is switched off, or calls from a number of another, says so without a call', async () => {
    await open({ active: false });
    const { findings, call } = await diagnose({ from: '+14155550000' });
    expect(call).toBeNull();
    expect(findings.map(({ code }) => code)).toEqual(['trunk-inactive', 'number-not-on-trunk']);
    await store.update(lab.workspaceId, trunkId, { active: true });
    expect((await diagnose({ from: FROM })).findings).toEqual([]);
  });

  it('has a gateway whose name has no address says so, and blames no carrier', async () => {
    await open({ gateways: [{ host: 'nowhere.invalid', port: 5060, transport: 'udp' }] });
    const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
    await lab.reached(call.id);
    await node.service.close();
    const { findings, probes } = await diagnose({ callId: call.id });
    expect(findings).toMatchObject([{ code: 'host-not-resolved', confidence: 'certain' }]);
    expect(findings[0]?.evidence[0]).toMatch(/nowhere\.invalid: .*ENOTFOUND|EAI_AGAIN/);
    expect(findings[0]?.evidence[1]).toContain('nothing left this machine');
    expect(probes).toMatchObject([{ gateway: 'nowhere.invalid:5060;udp', status: null }]);
  });
});
