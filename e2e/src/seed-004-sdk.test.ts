import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AccessToken,
  AgentDispatchClient,
  DataPacket_Kind,
  EgressClient,
  EncodedFileOutput,
  RoomServiceClient,
  SipClient,
  WebhookReceiver,
  type WebhookEvent,
} from 'livekit-server-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goertzelShare } from '../../server/src/audio/goertzel.ts';
import { readWav } from '../../server/src/audio/wav.ts';
import { startProgram, type Program } from './harness/program.ts';
import { startTonePhone, type ToneCall, type TonePhone } from './harness/tone-phone.ts';

const KEY = 'APIe2ekey';
const SECRET = 'e2e-livekit-secret-that-is-long-enough';
const TONE_HZ = 700;

let program: Program;
let sip: SipClient;
let rooms: RoomServiceClient;
let agents: AgentDispatchClient;
let egress: EgressClient;
let phone: TonePhone;
let trunkId: string;
let hook: Server;
const events: WebhookEvent[] = [];

beforeAll(async () => {
  program = await startProgram({
    env: {
      LIVEKIT_API_KEY: KEY,
      LIVEKIT_API_SECRET: SECRET,
      ALLOW_PRIVATE_TARGETS: '127.0.0.0/8',
      // So rooms are on different threads, which must not be heard.
      VOICE_WORKERS: '2',
    },
  });
  await program.client.request('PATCH', '/v1/guardrails', {
    calling_windows: { enabled: false },
    destinations: { allowed_countries: ['US'] },
  });
  sip = new SipClient(program.url, KEY, SECRET);
  rooms = new RoomServiceClient(program.url, KEY, SECRET);
  agents = new AgentDispatchClient(program.url, KEY, SECRET);
  egress = new EgressClient(program.url, KEY, SECRET);
  phone = await startTonePhone({ toneHz: () => TONE_HZ });
  const trunk = await sip.createSipOutboundTrunk('phones', `127.0.0.1:${phone.port}`, [
    '+14155550100',
  ]);
  trunkId = trunk.sipTrunkId;
  const receiver = new WebhookReceiver(KEY, SECRET);
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      receiver.receive(body, request.headers.authorization).then(
        (event) => {
          events.push(event);
          response.writeHead(200).end();
        },
        () => response.writeHead(401).end(),
      );
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const { port } = hook.address() as AddressInfo;
  await program.client.request('POST', '/v1/webhooks', {
    url: `http://127.0.0.1:${port}/livekit`,
    format: 'livekit',
  });
});
afterAll(async () => {
  await phone.close();
  hook.close();
  await program.stop();
});

/** A raw call, for what the client cannot send. */
async function twirp(
  method: string,
  body: unknown,
  options: { grant?: object; secret?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; type: string | null; body: Record<string, unknown> }> {
  const token = new AccessToken(KEY, options.secret ?? SECRET, { ttl: 60 });
  Object.assign(token, { grants: { sip: { admin: true, call: true }, ...options.grant } });
  const response = await fetch(`${program.url}/twirp/livekit.${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await token.toJwt()}`,
      ...options.headers,
    },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe('SipClient', () => {
  it('makes, lists, changes and deletes outbound trunks', async () => {
    const made = await sip.createSipOutboundTrunk(
      'full',
      'trunk.provider.com:5061',
      ['+14155550110', '+14155550111'],
      {
        transport: 3,
        metadata: 'm',
        destinationCountry: 'US',
        authUsername: 'your-username',
        authPassword: 'your-password',
        headers: { 'X-Acct': '1' },
        headersToAttributes: { 'X-Call': 'carrier.call' },
        includeHeaders: 1,
        media: { onlyListedCodecs: true, codecs: [{ name: 'PCMU', rate: 8000 }], encryption: 2 },
      } as never,
    );
    expect(made).toMatchObject({
      name: 'full',
      address: 'trunk.provider.com:5061',
      transport: 3,
      numbers: ['+14155550110', '+14155550111'],
      authUsername: 'your-username',
      authPassword: '',
      headers: { 'X-Acct': '1' },
      headersToAttributes: { 'X-Call': 'carrier.call' },
      includeHeaders: 1,
      destinationCountry: 'US',
      mediaEncryption: 2,
    });
    const changed = await sip.updateSipOutboundTrunkFields(made.sipTrunkId, {
      name: 'renamed',
      numbers: { add: ['+14155550112'], remove: ['+14155550110'] } as never,
    });
    expect(changed).toMatchObject({
      name: 'renamed',
      address: 'trunk.provider.com:5061',
      numbers: ['+14155550111', '+14155550112'],
    });
    const replaced = await sip.updateSipOutboundTrunk(made.sipTrunkId, {
      name: 'new',
      address: 'other.example',
      numbers: ['+14155550112'],
    } as never);
    expect(replaced).toMatchObject({
      sipTrunkId: made.sipTrunkId,
      name: 'new',
      address: 'other.example',
      authUsername: '',
    });
    const listed = await sip.listSipOutboundTrunk({ trunkIds: [made.sipTrunkId, 'ST_none'] });
    expect(listed).toHaveLength(1);
    const byNumber = await sip.listSipOutboundTrunk({ numbers: ['+14155550112'] });
    expect(byNumber.map(({ sipTrunkId }) => sipTrunkId)).toEqual([made.sipTrunkId]);
    expect(await sip.deleteSipTrunk(made.sipTrunkId)).toMatchObject({
      sipTrunkId: made.sipTrunkId,
      name: '',
    });
    await expect(sip.deleteSipTrunk(made.sipTrunkId)).rejects.toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });

  it('makes, lists and changes inbound trunks', async () => {
    const made = await sip.createSipInboundTrunk('In', ['+14155550120'], {
      allowedAddresses: ['203.0.113.0/24'],
      allowedNumbers: ['+14155559000'],
      authUsername: 'u',
      authPassword: 'p',
      headersToAttributes: { 'X-Cust': 'cust.id' },
      metadata: 'm',
      krispEnabled: true,
    });
    expect(made).toMatchObject({
      numbers: ['+14155550120'],
      allowedAddresses: ['203.0.113.0/24'],
      allowedNumbers: ['+14155559000'],
      authUsername: 'u',
      authPassword: '',
      headersToAttributes: { 'X-Cust': 'cust.id' },
      krispEnabled: true,
    });
    const changed = await sip.updateSipInboundTrunkFields(made.sipTrunkId, {
      authPassword: '',
      authUsername: '',
      name: 'In 2',
    });
    expect(changed).toMatchObject({ name: 'In 2', authUsername: '', numbers: ['+14155550120'] });
    const replaced = await sip.updateSipInboundTrunk(made.sipTrunkId, {
      name: 'In 3',
      numbers: ['+14155550121'],
    } as never);
    expect(replaced).toMatchObject({ name: 'In 3', numbers: ['+14155550121'] });
    const ids = (await sip.listSipInboundTrunk()).map(({ sipTrunkId }) => sipTrunkId);
    expect(ids).toContain(made.sipTrunkId);
    const all = await sip.listSipTrunk();
    expect(all.map(({ sipTrunkId }) => sipTrunkId)).toEqual(
      expect.arrayContaining([made.sipTrunkId, trunkId]),
    );
    await sip.deleteSipTrunk(made.sipTrunkId);
    await expect(sip.createSipInboundTrunk('nobody', [])).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('makes, lists, changes and deletes dispatch rules', async () => {
    const made = await sip.createSipDispatchRule(
      { type: 'direct', roomName: 'lobby', pin: '1234' },
      {
        name: 'r',
        metadata: 'md',
        trunkIds: [trunkId],
        attributes: { a: 'b', c: 'd' },
        hidePhoneNumber: true,
        roomConfig: { agents: [{ agentName: 'demo', metadata: '{"x":1}' }] } as never,
      },
    );
    expect(made.sipDispatchRuleId).toMatch(/^SDR_/);
    expect(made).toMatchObject({
      name: 'r',
      trunkIds: [trunkId],
      attributes: { a: 'b', c: 'd' },
      hidePhoneNumber: true,
    });
    expect(made.rule?.rule).toMatchObject({
      case: 'dispatchRuleDirect',
      value: { roomName: 'lobby', pin: '' },
    });
    expect(made.roomConfig?.agents[0]).toMatchObject({ agentName: 'demo', metadata: '{"x":1}' });
    const changed = await sip.updateSipDispatchRuleFields(made.sipDispatchRuleId, {
      name: 'y',
      attributes: { a: '' },
      rule: {
        rule: { case: 'dispatchRuleCallee', value: { roomPrefix: 'num-', randomize: true } },
      } as never,
    });
    expect(changed).toMatchObject({ name: 'y', attributes: { c: 'd' } });
    expect(changed.rule?.rule).toMatchObject({
      case: 'dispatchRuleCallee',
      value: { roomPrefix: 'num-', randomize: true },
    });
    const individual = await sip.createSipDispatchRule({ type: 'individual', roomPrefix: 'call-' });
    const listed = await sip.listSipDispatchRule({
      dispatchRuleIds: [individual.sipDispatchRuleId, 'SDR_none', made.sipDispatchRuleId],
    });
    expect(listed.map(({ sipDispatchRuleId }) => sipDispatchRuleId)).toEqual([
      individual.sipDispatchRuleId,
      made.sipDispatchRuleId,
    ]);
    await sip.deleteSipDispatchRule(made.sipDispatchRuleId);
    await sip.deleteSipDispatchRule(individual.sipDispatchRuleId);
    await expect(sip.deleteSipDispatchRule(made.sipDispatchRuleId)).rejects.toMatchObject({
      status: 404,
    });
  });

  it('calls over a trunk that comes with the call', async () => {
    const participant = await sip.createSipParticipant(
      '',
      '+14155550131',
      'inline',
      { participantIdentity: 'inline', fromNumber: '+14155550199', waitUntilAnswered: true },
      { hostname: `127.0.0.1:${phone.port}`, transport: 0 } as never,
    );
    expect(participant.roomName).toBe('inline');
    const call = await phone.nextCall();
    expect(call.from).toContain('+14155550199');
    const listed = await sip.listSipOutboundTrunk();
    expect(listed.some(({ numbers }) => numbers.includes('+14155550199'))).toBe(false);
    await rooms.deleteRoom('inline');
    await call.ended;
  });
});

describe('RoomServiceClient and AgentDispatchClient', () => {
  it('makes, lists, describes and closes rooms', async () => {
    const room = await rooms.createRoom({
      name: 'r1',
      emptyTimeout: 120,
      departureTimeout: 5,
      maxParticipants: 3,
      metadata: 'md',
      minPlayoutDelay: 1,
      maxPlayoutDelay: 2,
      syncStreams: true,
    });
    expect(room.sid).toMatch(/^RM_/);
    expect(room).toMatchObject({
      name: 'r1',
      emptyTimeout: 120,
      departureTimeout: 5,
      metadata: 'md',
    });
    expect((await rooms.createRoom({ name: 'r1' })).sid).toBe(room.sid);
    expect((await rooms.updateRoomMetadata('r1', 'md2')).metadata).toBe('md2');
    expect((await rooms.listRooms(['r1', 'none'])).map(({ name }) => name)).toEqual(['r1']);
    await rooms.sendData('r1', new TextEncoder().encode('hi'), DataPacket_Kind.RELIABLE, {
      topic: 'chat',
    });
    await rooms.deleteRoom('r1');
    await expect(rooms.deleteRoom('r1')).rejects.toMatchObject({ status: 404 });
  });

  it('shows and changes a participant, and sends an agent to one who waits', async () => {
    await sip.createSipParticipant('ST_sandbox', '+15005550111', 'waiting', {
      participantIdentity: 'patient',
      participantName: 'Patient',
      participantMetadata: '{"m":1}',
      participantAttributes: { 'appt.id': '42', gone: 'soon' },
      hidePhoneNumber: true,
      waitUntilAnswered: true,
    });
    const seen = await rooms.getParticipant('waiting', 'patient');
    expect(seen).toMatchObject({ identity: 'patient', name: 'Patient', metadata: '{"m":1}' });
    expect(seen.attributes).toMatchObject({ 'appt.id': '42', 'sip.callStatus': 'active' });
    expect(seen.attributes).not.toHaveProperty('sip.phoneNumber');
    const changed = await rooms.updateParticipant('waiting', 'patient', {
      name: 'Ann',
      attributes: { gone: '', more: 'x' },
    });
    expect(changed.name).toBe('Ann');
    expect(changed.attributes).toMatchObject({ 'appt.id': '42', more: 'x' });
    expect(changed.attributes).not.toHaveProperty('gone');

    const dispatch = await agents.createDispatch('waiting', 'demo', {
      metadata: '{"patient_name":"Ann"}',
    });
    expect(dispatch.id).toMatch(/^AD_/);
    const callId = seen.attributes['sip.callID']?.replace('SCL_', 'call_') ?? '';
    for await (const event of program.client.callEvents(callId)) {
      // The agent that came late speaks with the one who waits.
      if (event.type === 'call.turn' && event.data['speaker'] === 'agent') break;
    }
    expect((await agents.getDispatch(dispatch.id, 'waiting'))?.state?.jobs[0]?.agentName).toBe(
      'demo',
    );
    expect(await agents.listDispatch('waiting')).toHaveLength(1);
    expect(await rooms.listParticipants('waiting')).toHaveLength(2);
    await agents.deleteDispatch(dispatch.id, 'waiting');
    expect(await agents.listDispatch('waiting')).toEqual([]);
    const left = await rooms.listParticipants('waiting');
    expect(left.map(({ identity }) => identity)).toEqual(['patient']);
    await rooms.removeParticipant('waiting', 'patient');
    await expect(rooms.getParticipant('waiting', 'patient')).rejects.toMatchObject({ status: 404 });
  });

  it('says of what it does not do that it does not', async () => {
    await expect(rooms.forwardParticipant('a', 'b', 'c')).rejects.toMatchObject({ status: 501 });
    await expect(
      egress.startWebEgress('https://x', new EncodedFileOutput({ filepath: 'x' })),
    ).rejects.toMatchObject({
      status: 501,
    });
  });
});

describe('moveParticipant', () => {
  const tones: Record<string, number> = {
    '+14155550161': 500,
    '+14155550162': 800,
    '+14155550163': 1_100,
    '+14155550164': 1_400,
  };
  let tonePhone: TonePhone;
  let tonesTrunkId: string;

  beforeAll(async () => {
    tonePhone = await startTonePhone({
      toneHz: (called) => tones[`+${called.replace('+', '')}`] ?? 0,
    });
    const trunk = await sip.createSipOutboundTrunk('tones', `127.0.0.1:${tonePhone.port}`, [
      '+14155550160',
    ]);
    tonesTrunkId = trunk.sipTrunkId;
    await program.client.request('PATCH', `/v1/trunks/${tonesTrunkId.replace('ST_', 'trunk_')}`, {
      calls_per_second: 50,
    });
  });
  afterAll(() => tonePhone.close());

  async function join(room: string, number: string): Promise<ToneCall> {
    await sip.createSipParticipant(tonesTrunkId, number, room, {
      participantIdentity: number,
      participantName: `Phone ${number}`,
      participantMetadata: '{"seat":1}',
      participantAttributes: { 'appt.id': '42' },
      waitUntilAnswered: true,
    });
    return tonePhone.nextCall();
  }

  it('takes a call into another room: heard there, not heard where it was, and itself the same', async () => {
    const [one, two, three] = ['move-one', 'move-two', 'move-three'];
    const [anna, bob, carl] = ['+14155550161', '+14155550162', '+14155550163'];
    const a = await join(one, anna);
    const b = await join(one, bob);
    const c = await join(two, carl);
    await Promise.all([a.hears([800], [500, 1_100]), b.hears([500], [800, 1_100])]);
    const before = await rooms.getParticipant(one, bob);
    const oneEgress = await egress.startRoomCompositeEgress(
      one,
      { file: new EncodedFileOutput({ filepath: 'one' }) },
      { audioOnly: true },
    );

    await rooms.moveParticipant(one, bob, two);
    await Promise.all([
      a.hearsNothing(),
      b.hears([1_100], [500, 800]),
      c.hears([800], [500, 1_100]),
    ]);
    await expect(rooms.getParticipant(one, bob)).rejects.toMatchObject({ status: 404 });
    const moved = await rooms.getParticipant(two, bob);
    expect(moved).toMatchObject({
      identity: bob,
      name: before.name,
      metadata: before.metadata,
      attributes: before.attributes,
    });
    expect(moved.sid).not.toBe(before.sid);
    expect(moved.tracks).toHaveLength(1);
    expect((await rooms.listRooms([one]))[0]?.numParticipants).toBe(1);
    const { fileResults } = await egress.stopEgress(oneEgress.egressId);
    const file = await fetch(fileResults[0]?.location ?? '', {
      headers: { authorization: `Bearer ${program.apiKey}` },
    });
    const [recorded = new Int16Array()] = readWav(Buffer.from(await file.arrayBuffer())).channels;
    const lastSecond = recorded.slice(-8_000);
    expect(goertzelShare(lastSecond, 500, 8_000)).toBeGreaterThan(0.5);
    expect(goertzelShare(lastSecond, 800, 8_000)).toBeLessThan(0.02);

    // Muted where it was, it is muted where it goes; the room is made.
    await rooms.mutePublishedTrack(two, carl, '', true);
    await b.hearsNothing();
    await rooms.moveParticipant(two, carl, three);
    const d = await join(three, '+14155550164');
    await c.hears([1_400], [1_100]);
    await d.hearsNothing();
    await rooms.mutePublishedTrack(three, carl, '', false);
    await d.hears([1_100], [1_400]);
    await rooms.moveParticipant(two, bob, one);
    await Promise.all([a.hears([800], [500]), b.hears([500], [800])]);

    await expect(rooms.moveParticipant(one, bob, one)).rejects.toMatchObject({
      status: 400,
      code: 'invalid_argument',
    });
    await expect(rooms.moveParticipant(one, 'nobody', two)).rejects.toMatchObject({ status: 404 });
    await expect(rooms.moveParticipant('none', bob, two)).rejects.toMatchObject({ status: 404 });

    await Promise.all([rooms.deleteRoom(one), rooms.deleteRoom(three)]);
    await Promise.all([a.ended, b.ended, c.ended, d.ended]);
    const toldOf = (identity: string): string[] =>
      events.flatMap(({ event, room, participant }) =>
        participant?.identity === identity && event.startsWith('participant_')
          ? [`${event} ${room?.name}`]
          : [],
      );
    await expect.poll(() => toldOf(bob).length).toBe(6);
    expect(new Set(toldOf(bob))).toEqual(
      new Set([
        `participant_joined ${one}`,
        `participant_left ${one}`,
        `participant_joined ${two}`,
        `participant_left ${two}`,
      ]),
    );
    const left = events.find(
      ({ event, room, participant }) =>
        event === 'participant_left' && room?.name === one && participant?.identity === bob,
    );
    expect(left?.participant).toMatchObject({ sid: before.sid, disconnectReason: 8 });
    expect(left?.participant?.attributes['sip.callStatus']).toBe('active');
  });

  it('leaves the agent of a call behind, and brings it to the one of the new room', async () => {
    await program.client.request('POST', '/v1/agents', {
      name: 'second',
      type: 'llm',
      llm: { provider: 'fake' },
      greeting: 'Hello from the second desk.',
      room_patterns: ['second-desk-*'],
    });
    const { sipCallId } = await sip.createSipParticipant(
      'ST_sandbox',
      '+15005550111',
      'outbound-first-desk',
      { participantIdentity: 'patient', waitUntilAnswered: true },
    );
    const namesIn = async (room: string): Promise<string[]> =>
      (await rooms.listParticipants(room)).map(({ name }) => name);
    expect(await namesIn('outbound-first-desk')).toHaveLength(2);
    const [agent] = (await rooms.listParticipants('outbound-first-desk')).filter(
      ({ identity }) => identity !== 'patient',
    );
    await expect(
      rooms.moveParticipant('outbound-first-desk', agent?.identity ?? '', 'second-desk-1'),
    ).rejects.toMatchObject({ status: 412, code: 'failed_precondition' });
    await rooms.moveParticipant('outbound-first-desk', 'patient', 'second-desk-1');
    expect(await namesIn('outbound-first-desk')).toEqual([]);
    expect(await namesIn('second-desk-1')).toContain('second');
    const callId = sipCallId.replace('SCL_', 'call_');
    for await (const event of program.client.callEvents(callId)) {
      if (event.type === 'call.turn' && /second desk/.test(String(event.data['text']))) break;
    }
    await rooms.deleteRoom('second-desk-1');
  });
});

describe('EgressClient and WebhookReceiver', () => {
  it('records a room and one in it, and tells every step in order', async () => {
    await sip.createSipParticipant(trunkId, '+14155550141', 'recorded', {
      participantIdentity: 'caller',
      waitUntilAnswered: true,
    });
    const call = await phone.nextCall();
    const all = await egress.startRoomCompositeEgress(
      'recorded',
      { file: new EncodedFileOutput({ filepath: 'rec/{room_name}.ogg' }) },
      { audioOnly: true },
    );
    expect(all.egressId).toMatch(/^EG_/);
    const one = await egress.startParticipantEgress('recorded', 'caller', {
      file: new EncodedFileOutput({ filepath: 'caller' }),
    });
    const active = async (): Promise<number[]> =>
      (await egress.listEgress({ roomName: 'recorded', active: true })).map(({ status }) => status);
    await expect.poll(active).toEqual([1, 1]);
    expect((await rooms.listRooms(['recorded']))[0]?.activeRecording).toBe(true);
    await call.hears([], []);
    await call.hears([], []);
    const stopped = await egress.stopEgress(all.egressId);
    expect(stopped).toMatchObject({ status: 3, roomName: 'recorded' });
    const [file] = stopped.fileResults;
    expect(file?.filename).toBe('rec/recorded.wav');
    expect(Number(file?.duration)).toBeGreaterThan(1_000_000_000);
    const response = await fetch(file?.location ?? '', {
      headers: { authorization: `Bearer ${program.apiKey}` },
    });
    expect(response.status).toBe(200);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
    expect(bytes.length).toBe(Number(file?.size));

    call.hangup();
    await expect
      .poll(async () => (await egress.listEgress({ egressId: one.egressId }))[0]?.status)
      .toBe(3);
    // Whoever is still in it is put out when the room goes, and did not leave by himself.
    await expect.poll(() => rooms.listParticipants('recorded')).toEqual([]);
    await rooms.deleteRoom('recorded');
    const ofRoom = (): string[] =>
      events
        .filter((event) => (event.room ?? event.egressInfo)?.['name' as never] === 'recorded')
        .map(({ event }) => event);
    await expect.poll(ofRoom).toContain('room_finished');
    const order = ofRoom();
    expect(order.slice(0, 3)).toEqual(['room_started', 'participant_joined', 'track_published']);
    expect(order).toEqual(
      expect.arrayContaining([
        'egress_started',
        'egress_updated',
        'egress_ended',
        'participant_left',
      ]),
    );
    expect(order.at(-1)).toBe('room_finished');
    const left = events.find(
      ({ event, participant }) =>
        event === 'participant_left' && participant?.identity === 'caller',
    );
    expect(left?.participant?.attributes['sip.callStatus']).toBe('hangup');
    expect(Number(left?.participant?.disconnectReason)).toBe(1);
  });
});

describe('the wire', () => {
  it('is JSON in either case of keys, and an error is exactly application/json', async () => {
    const made = await twirp('SIP/CreateSIPOutboundTrunk', {
      trunk: {
        name: 'snake',
        address: 'sip:trunk.provider.com',
        numbers: ['+14155550150'],
        auth_username: 'u',
        auth_password: 'p',
      },
    });
    expect(made).toMatchObject({ status: 200, body: { auth_username: 'u', auth_password: '' } });
    const error = await twirp('SIP/DeleteSIPTrunk', { sip_trunk_id: 'ST_none' });
    expect(error).toMatchObject({
      status: 404,
      type: 'application/json',
      body: { code: 'not_found' },
    });
    expect(
      await twirp('SIP/DeleteSIPTrunk', { sipTrunkId: made.body['sip_trunk_id'] }),
    ).toMatchObject({
      status: 200,
    });
    expect(await twirp('SIP/NoSuchMethod', {})).toMatchObject({
      status: 404,
      body: { code: 'bad_route' },
    });
    expect(await twirp('SIP/ListSIPInboundTrunk', { trunkIds: 7 })).toMatchObject({
      status: 400,
      body: { code: 'malformed' },
    });
  });

  it('makes attributes of the headers of an answer', async () => {
    const participant = await twirp('SIP/CreateSIPParticipant', {
      sip_trunk_id: trunkId,
      sip_call_to: '+14155550151',
      room_name: 'headers',
      participant_identity: 'p',
      include_headers: 'SIP_ALL_HEADERS',
      krisp_enabled: true,
      wait_until_answered: true,
    });
    expect(participant.status).toBe(200);
    await expect
      .poll(async () => (await rooms.getParticipant('headers', 'p')).attributes['sip.h.server'])
      .toBe('tone-phone');
    await rooms.deleteRoom('headers');
  });

  it('lets in nobody without a good token and the grant', async () => {
    const wrong = await twirp('SIP/ListSIPOutboundTrunk', {}, { secret: 'x'.repeat(40) });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const without = await twirp('SIP/ListSIPOutboundTrunk', {}, { grant: { sip: { call: true } } });
    expect(without).toMatchObject({ status: 401, body: { msg: 'permissions denied' } });
    const bare = await twirp('SIP/ListSIPOutboundTrunk', {}, { headers: { authorization: 'x' } });
    expect(bare).toMatchObject({ status: 401 });
    const other = new RoomServiceClient(program.url, 'APIother', SECRET);
    await expect(other.listRooms()).rejects.toMatchObject({ status: 401 });
  });

  it('is protobuf where protobuf is sent', async () => {
    const token = new AccessToken(KEY, SECRET, { ttl: 60 });
    token.addSIPGrant({ admin: true });
    const response = await fetch(`${program.url}/twirp/livekit.SIP/ListSIPOutboundTrunk`, {
      method: 'POST',
      headers: {
        'content-type': 'application/protobuf',
        authorization: `Bearer ${await token.toJwt()}`,
      },
      body: new Uint8Array(),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/protobuf');
    const bytes = Buffer.from(await response.arrayBuffer());
    // Field 1, length-delimited: the first of `items`.
    expect(bytes[0]).toBe(0x0a);
    expect(bytes.includes(trunkId)).toBe(true);
  });
});
