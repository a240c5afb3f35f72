import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../../server/src/audio/g711.ts';
import { freePort } from './harness/free-port.ts';
import { isInstalled, startPeer } from './harness/peer-process.ts';
import { finalCall, startProgram, type Program } from './harness/program.ts';
import {
  plainSdp,
  rawPeer,
  rtpPacket,
  sipAnswer,
  sipRequest,
  type RawPeer,
} from './harness/raw-peer.ts';

const PEERS = path.resolve(import.meta.dirname, '../peers');
const GUESS =
  'Digest username="pbx", realm="trunkline", nonce="n", uri="sip:x", response="0123456789abcdef0123456789abcdef", algorithm=MD5';

let program: Program;
let folder: string;
let agentId: string;
let nextNumber = 2_600;
const peers: RawPeer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-settings-'));
  program = await startProgram();
  const agents = await program.client.request<{ data: { id: string; name: string }[] }>(
    'GET',
    '/v1/agents',
  );
  agentId = agents.data.find(({ name }) => /demo/i.test(name))?.id ?? '';
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

/** At an address of its own: 127.0.0.1 is the sandbox's. */
async function peerAt(host: string, port = 0): Promise<RawPeer> {
  const peer = await rawPeer(host, port);
  peers.push(peer);
  return peer;
}

async function trunk(fields: Record<string, unknown>): Promise<{ id: string; number: string }> {
  const number = `+1415555${nextNumber++}`;
  const { id } = await program.client.request<{ id: string }>('POST', '/v1/trunks', {
    name: number,
    ...fields,
  });
  const body = { number, trunk_id: id, agent_id: agentId };
  await program.client.request('POST', '/v1/numbers', body);
  return { id, number };
}

/** Sends a request until it is answered: a new trunk is known within two seconds. */
async function answered(peer: RawPeer, text: () => string): Promise<string> {
  for (;;) {
    peer.send(text(), program.sipPort);
    if (await peer.hearsWithinASecond(/^SIP\/2\.0 [2-6]/)) break;
  }
  return (await peer.next(/^SIP\/2\.0 [2-6]/)).text;
}

function viaOf(peer: RawPeer, more = ''): string {
  const branch = `z9hG4bK${Math.random().toString(36).slice(2)}`;
  return `SIP/2.0/UDP ${peer.host}:${peer.port};branch=${branch}${more}`;
}

function options(peer: RawPeer, via = viaOf(peer, ';rport')): string {
  return sipRequest('OPTIONS', `sip:127.0.0.1:${program.sipPort}`, { Via: via });
}

function invite(peer: RawPeer, number: string, fields: Record<string, string> = {}): string {
  return sipRequest(
    'INVITE',
    `sip:${number}@127.0.0.1:${program.sipPort}`,
    {
      Via: viaOf(peer, ';rport'),
      Contact: `<sip:peer@${peer.host}:${peer.port}>`,
      ...fields,
    },
    plainSdp(peer.host, 40_000),
  );
}

/** Acknowledges a refusal, so that it is not repeated. */
function ack(peer: RawPeer, request: string, answer: string): void {
  const line = (text: string, name: string): string =>
    new RegExp(`^${name}: (.*)$`, 'mi').exec(text)?.[1]?.trim() ?? '';
  const uri = request.split(' ')[1] ?? '';
  const fields = {
    Via: line(request, 'Via'),
    From: line(request, 'From'),
    To: line(answer, 'To'),
    'Call-ID': line(request, 'Call-ID'),
    CSeq: '1 ACK',
  };
  peer.send(sipRequest('ACK', uri, fields), program.sipPort);
}

describe('digest of callers', () => {
  /** sipp as a stranger's PBX; its exit code and what it said. */
  async function sippCall(number: string, password: string, host: string, patience: string) {
    const audio = path.join(folder, 'silence.ulaw');
    await writeFile(audio, encodeMulaw(new Int16Array(32_000)));
    const scenario = path.join(folder, `uac-${host}.xml`);
    const text = await readFile(path.join(PEERS, 'uac-trunk.xml'), 'utf8');
    await writeFile(
      scenario,
      text.replaceAll('__AUDIO__', audio).replaceAll('response="407"', 'response="401"'),
    );
    const args = `127.0.0.1:${program.sipPort} -i ${host} -p ${await freePort()} -mi ${host} -mp ${await freePort()} -s ${number} -au pbx -ap ${password} -key domain 127.0.0.1 -key caller +14155550177 -m 1 -d 2000 -timeout ${patience} -timeout_error -nostdin`;
    const sipp = startPeer('sipp', ['-sf', scenario, ...args.split(' ')], { cwd: folder });
    return { code: await sipp.exited, output: sipp.output() };
  }

  it.skipIf(!isInstalled('sipp'))(
    'the right password is answered from anywhere; the wrong one is asked again, and five times is silence',
    async () => {
      const { number } = await trunk({
        inbound_auth_username: 'pbx',
        inbound_auth_password: 's3cret-of-callers',
      });
      const guesser = await peerAt('127.0.0.4');
      const asked = await answered(guesser, () => invite(guesser, number));
      expect(asked).toMatch(/^SIP\/2\.0 401 /);
      expect(asked).toMatch(/WWW-Authenticate: Digest realm="trunkline"/);

      const right = await sippCall(number, 's3cret-of-callers', '127.0.0.2', '90s');
      expect(right.code, right.output).toBe(0);
      const { data } = await program.client.listCalls({ direction: 'inbound' });
      const call = await finalCall(program, data.find(({ to }) => to === number)?.id ?? '');
      expect(call).toMatchObject({ status: 'completed', end_reason: 'caller-hangup' });

      const wrong = await sippCall(number, 'guess', '127.0.0.3', '15s');
      expect(wrong.code).not.toBe(0);
      const { data: all } = await program.client.listCalls({ direction: 'inbound' });
      expect(all.filter(({ to }) => to === number)).toHaveLength(1);

      for (let guess = 0; guess < 5; guess++) {
        const text = invite(guesser, number, { Authorization: GUESS });
        guesser.send(text, program.sipPort);
        const callId = /^Call-ID: (.*)$/m.exec(text)?.[1]?.trim() ?? '';
        const { text: answer } = await guesser.next(
          new RegExp(`^SIP/2\\.0 401 [^]*Call-ID: ${callId}`),
        );
        ack(guesser, text, answer);
      }
      guesser.send(invite(guesser, number, { 'Call-ID': 'sixth' }), program.sipPort);
      expect(await guesser.hearsWithinASecond(/sixth/)).toBe(false);
      const elsewhere = await peerAt('127.0.0.5');
      expect(await answered(elsewhere, () => invite(elsewhere, number))).toMatch(/ 401 /);
    },
  );
});

describe('what a far end gets', () => {
  it('force_rport: replies go where the request came from; off, to the port of Via', async () => {
    const { id } = await trunk({ allowed_sources: ['127.0.0.6'] });
    const peer = await peerAt('127.0.0.6');
    const other = await peerAt('127.0.0.6');
    await answered(peer, () => options(peer));
    const unasked = (): string => options(peer, viaOf(other));
    expect(await answered(peer, unasked)).toMatch(/^SIP\/2\.0 200 [^]*;rport=\d+/);
    expect(other.heard).toEqual([]);

    await program.client.request('PATCH', `/v1/trunks/${id}`, { force_rport: false });
    do peer.send(unasked(), program.sipPort);
    while (!(await other.hearsWithinASecond(/^SIP\/2\.0 200 /)));
    // Whoever asks is answered where he asks from (RFC 3581 §4).
    expect(await answered(peer, () => options(peer, viaOf(other, ';rport')))).toMatch(/ 200 /);
  });

  it.each([
    [true, 'source'],
    [false, 'named'],
  ])('rtp_symmetric %s: audio goes to the %s address', async (symmetric, expected) => {
    const sip = await peerAt('127.0.0.7');
    const named = await peerAt('127.0.0.7');
    const source = await peerAt('127.0.0.7');
    const { number } = await trunk({
      gateways: [{ host: '127.0.0.7', port: sip.port }],
      rtp_symmetric: symmetric,
      qualify_frequency_s: 0,
    });
    const placed = await program.client.placeCall({ to: '+14155550140', from: number });
    const { text } = await sip.next(/^INVITE /);
    const media = Number(/m=audio (\d+)/.exec(text)?.[1]);
    sip.send(
      sipAnswer(text, '200 OK', sip.port, plainSdp('127.0.0.7', named.port)).replace(
        'peer@127.0.0.1',
        'peer@127.0.0.7',
      ),
      program.sipPort,
    );
    await sip.next(/^ACK /);
    const heard = { named: named.heard, source: source.heard };
    const right = heard[expected as 'named' | 'source'];
    const wrong = heard[symmetric ? 'named' : 'source'];
    let sequence = 0;
    const talkUntilHeard = async (count: number): Promise<void> => {
      while (right.length < count) {
        source.send(rtpPacket(++sequence), media);
        await wait(20);
      }
    };
    await talkUntilHeard(10);
    // Until the first packet came, only the named address was known.
    const before = wrong.length;
    if (!symmetric) expect(before).toBe(0);
    await talkUntilHeard(40);
    expect(wrong).toHaveLength(before);
    const hangUp = program.client.hangUp(placed.id);
    const bye = await sip.next(/^BYE /);
    sip.send(sipAnswer(bye.text, '200 OK', sip.port), program.sipPort);
    await hangUp;
  });

  it('numbers, identity and headers as the trunk says', async () => {
    const sip = await peerAt('127.0.0.8');
    const { id, number } = await trunk({
      gateways: [{ host: '127.0.0.8', port: sip.port }],
      qualify_frequency_s: 0,
      calls_per_second: 10,
      leading_plus: false,
      caller_id_header: 'pai',
      from_domain: 'pbx.example',
      headers: { 'X-Account': '42' },
    });
    const bare = number.slice(1);
    async function inviteTo(to: string): Promise<string> {
      const placed = await program.client.placeCall({ to, from: number });
      // Not one of the call before, which was sent again before it was answered.
      const { text } = await sip.next(new RegExp(`^INVITE sip:\\+?${to.slice(1)}@`));
      sip.send(sipAnswer(text, '486 Busy Here', sip.port), program.sipPort);
      expect(await finalCall(program, placed.id)).toMatchObject({ status: 'busy' });
      return text;
    }
    const hidden = await inviteTo('+14155550141');
    expect(hidden).toMatch(/^INVITE sip:14155550141@127\.0\.0\.8:/);
    expect(hidden).toMatch(/^From: <sip:anonymous@anonymous\.invalid>/m);
    expect(hidden).toMatch(new RegExp(`^P-Asserted-Identity: <sip:${bare}@pbx\\.example>`, 'm'));
    expect(hidden).toMatch(/^X-Account: 42\r$/m);
    await program.client.request('PATCH', `/v1/trunks/${id}`, {
      leading_plus: true,
      caller_id_header: 'from',
    });
    const plain = await inviteTo('+14155550142');
    expect(plain).toMatch(/^INVITE sip:\+14155550142@/);
    expect(plain).toMatch(/^From: <sip:\+1415555\d+@pbx\.example>/m);
    expect(plain).not.toMatch(/^P-Asserted-Identity/m);
    const unused = { body: JSON.stringify({ attributes_to_headers: { tier: 'X-Tier' } }) };
    const refused = await program.fetch('PATCH', `/v1/trunks/${id}`, unused);
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toMatch(/attributes_to_headers[^]*use headers/);
  });

  it('allowed_callers: others hear 403', async () => {
    const { number } = await trunk({
      allowed_sources: ['127.0.0.9'],
      allowed_callers: ['+14155550111'],
    });
    const peer = await peerAt('127.0.0.9');
    await answered(peer, () => options(peer));
    const text = invite(peer, number);
    peer.send(text, program.sipPort);
    // An OPTIONS that was sent twice is answered twice.
    const { text: answer } = await peer.next(/^SIP\/2\.0 [2-6][^]*^CSeq: 1 INVITE/m);
    expect(answer).toMatch(/^SIP\/2\.0 403 /);
    ack(peer, text, answer);
  });
});
