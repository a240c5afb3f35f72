import {
  CreateSIPOutboundTrunkRequest,
  CreateSIPParticipantRequest,
  DeleteSIPTrunkRequest,
  SIPOutboundTrunkInfo,
  SIPParticipantInfo,
} from '@livekit/protocol';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLiveKitKey } from '../../workspaces/livekit-keys.ts';
import { systemClock } from '../../shared/clock.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

interface Pair {
  apiKey: string;
  secret: string;
}

const EVERYTHING = {
  sip: { admin: true, call: true },
  video: { roomCreate: true, roomList: true, roomRecord: true, roomAdmin: true, room: 'r1' },
};

let lab: ApiLab;
let pair: Pair;
let other: Pair;
let reader: Pair;

beforeAll(async () => {
  lab = await openApiLab();
  const { db, secrets } = lab.calls;
  const make = async (workspaceId: string, scopes?: ['read']): Promise<Pair> =>
    createLiveKitKey(
      db.pool,
      { clock: systemClock, secrets },
      { workspaceId, name: 'lab', ...(scopes && { scopes }) },
    );
  const { rows } = await db.pool.query(`select id from workspaces where name = 'Other'`);
  pair = await make(lab.workspaceId);
  reader = await make(lab.workspaceId, ['read']);
  other = await make((rows[0] as { id: string }).id);
});
afterAll(() => lab.close());

async function token(
  { apiKey, secret }: Pair,
  options: { grants?: object; expiresInS?: number } = {},
): Promise<string> {
  const nowS = Math.floor(systemClock.now() / 1_000);
  return new SignJWT({ ...(options.grants ?? EVERYTHING) })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(apiKey)
    .setExpirationTime(nowS + (options.expiresInS ?? 600))
    .sign(new TextEncoder().encode(secret));
}

async function twirp(
  method: string,
  body: object,
  options: { as?: Pair; grants?: object; expiresInS?: number; requestId?: string } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const bearer = await token(options.as ?? pair, options);
  const answer = await lab.send('POST', `/twirp/livekit.${method}`, body, {
    authorization: `Bearer ${bearer}`,
    ...(options.requestId !== undefined && { 'x-livekit-request-id': options.requestId }),
  });
  return { status: answer.status, body: answer.body as Record<string, unknown> };
}

describe('tokens', () => {
  it('are refused without an end, after their end, and with a wrong signature', async () => {
    const method = 'RoomService/ListRooms';
    expect(await twirp(method, {})).toMatchObject({ status: 200 });
    expect(await twirp(method, {}, { expiresInS: -30 })).toMatchObject({ status: 200 });
    expect(await twirp(method, {}, { expiresInS: -120 })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated', msg: 'token expired' },
    });
    const wrong = { apiKey: pair.apiKey, secret: 'x'.repeat(40) };
    expect(await twirp(method, {}, { as: wrong })).toMatchObject({
      status: 401,
      body: { msg: 'invalid authorization token' },
    });
    const unknown = { apiKey: 'APInobody', secret: pair.secret };
    expect(await twirp(method, {}, { as: unknown })).toMatchObject({
      status: 401,
      body: { msg: 'invalid API key' },
    });
    const endless = await new SignJWT(EVERYTHING)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(pair.apiKey)
      .sign(new TextEncoder().encode(pair.secret));
    const answer = await lab.send(
      'POST',
      `/twirp/livekit.${method}`,
      {},
      {
        authorization: `Bearer ${endless}`,
      },
    );
    expect(answer.status).toBe(401);
  });

  it.each([
    ['SIP/ListSIPOutboundTrunk', {}, { sip: { call: true } }],
    ['SIP/CreateSIPParticipant', {}, { sip: { admin: true } }],
    ['RoomService/CreateRoom', { name: 'x' }, { video: { roomList: true } }],
    ['RoomService/ListParticipants', { room: 'r1' }, { video: { roomAdmin: true, room: 'r2' } }],
    ['AgentDispatchService/ListDispatch', { room: 'r1' }, { video: { room: 'r1' } }],
    ['SIP/TransferSIPParticipant', { roomName: 'r1' }, { video: { roomAdmin: true, room: 'r1' } }],
    ['Egress/ListEgress', {}, { video: { roomAdmin: true, room: 'r1' } }],
    [
      'RoomService/MoveParticipant',
      { room: 'r1', identity: 'a', destinationRoom: 'r2' },
      { video: { roomAdmin: true, room: 'r1' } },
    ],
    [
      'RoomService/MoveParticipant',
      { room: 'r1', identity: 'a', destinationRoom: 'r2' },
      { video: { roomAdmin: true, room: 'r1', destinationRoom: 'r3' } },
    ],
    [
      'RoomService/MoveParticipant',
      { room: 'r1', identity: 'a', destinationRoom: 'r2' },
      { video: { room: 'r1', destinationRoom: 'r2' } },
    ],
  ] as const)('open %s with its own grant only', async (method, body, grants) => {
    expect(await twirp(method, body, { grants })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated', msg: 'permissions denied' },
    });
  });

  it('grant no more than the scopes of their pair', async () => {
    expect(await twirp('RoomService/ListRooms', {}, { as: reader })).toMatchObject({ status: 200 });
    expect(await twirp('RoomService/CreateRoom', { name: 'x' }, { as: reader })).toMatchObject({
      status: 401,
    });
  });
});

describe('a workspace', () => {
  it('sees nothing of another one’s trunks, rules, rooms and dispatches', async () => {
    const trunk = await twirp('SIP/CreateSIPOutboundTrunk', {
      trunk: { name: 'mine', address: 'sip:trunk.provider.com', numbers: ['+14155550190'] },
    });
    const trunkId = trunk.body['sip_trunk_id'];
    expect(trunkId).toMatch(/^ST_/);
    await twirp('RoomService/CreateRoom', { name: 'r1', metadata: 'mine' });
    const rule = await twirp('SIP/CreateSIPDispatchRule', {
      rule: { dispatchRuleDirect: { roomName: 'r1' } },
    });
    const dispatch = await twirp('AgentDispatchService/CreateDispatch', {
      room: 'r1',
      agentName: 'lab',
    });
    const as = other;
    expect(await twirp('SIP/GetSIPOutboundTrunk', { sipTrunkId: trunkId }, { as })).toMatchObject({
      status: 404,
    });
    expect(await twirp('SIP/DeleteSIPTrunk', { sipTrunkId: trunkId }, { as })).toMatchObject({
      status: 404,
    });
    const participant = { sipTrunkId: trunkId, sipCallTo: '+14155550191', roomName: 'r1' };
    expect(await twirp('SIP/CreateSIPParticipant', participant, { as })).toMatchObject({
      status: 404,
    });
    const lists = [
      ['SIP/ListSIPOutboundTrunk', {}, 'items'],
      ['SIP/ListSIPDispatchRule', {}, 'items'],
      ['RoomService/ListRooms', {}, 'rooms'],
      ['RoomService/ListParticipants', { room: 'r1' }, 'participants'],
      ['AgentDispatchService/ListDispatch', { room: 'r1' }, 'agent_dispatches'],
      ['Egress/ListEgress', {}, 'items'],
    ] as const;
    for (const [method, body, field] of lists) {
      expect((await twirp(method, body, { as })).body[field], method).toEqual([]);
    }
    expect(
      await twirp(
        'SIP/DeleteSIPDispatchRule',
        { sipDispatchRuleId: rule.body['sip_dispatch_rule_id'] },
        { as },
      ),
    ).toMatchObject({ status: 404 });
    expect(
      await twirp(
        'AgentDispatchService/DeleteDispatch',
        { room: 'r1', dispatchId: dispatch.body['id'] },
        { as },
      ),
    ).toMatchObject({ status: 404 });
    expect(await twirp('RoomService/DeleteRoom', { room: 'r1' }, { as })).toMatchObject({
      status: 404,
    });
    const mine = await lab.send('GET', '/v1/rooms', undefined, {
      authorization: `Bearer ${lab.otherKey}`,
    });
    expect(mine.body).toEqual({ data: [] });
  });

  it('has rooms of the same names as others', async () => {
    expect(await twirp('RoomService/CreateRoom', { name: 'r1' }, { as: other })).toMatchObject({
      status: 200,
      body: { name: 'r1', metadata: '' },
    });
    expect((await twirp('RoomService/ListRooms', {})).body['rooms']).toMatchObject([
      { name: 'r1', metadata: 'mine' },
    ]);
  });
});

describe('calls into rooms', () => {
  it('are placed once, however often their request is repeated', async () => {
    const body = {
      sip_trunk_id: `ST_${lab.trunkId.slice('trunk_'.length)}`,
      sip_call_to: '+15005550101',
      room_name: 'once',
      participant_identity: 'p',
    };
    const first = await twirp('SIP/CreateSIPParticipant', body, { requestId: 'req-1' });
    expect(first).toMatchObject({
      status: 200,
      body: { participant_identity: 'p', room_name: 'once' },
    });
    const again = await twirp('SIP/CreateSIPParticipant', body, { requestId: 'req-1' });
    expect(again.body).toEqual(first.body);
    expect(await twirp('SIP/CreateSIPParticipant', body, { requestId: 'req-2' })).toMatchObject({
      status: 409,
      body: { code: 'already_exists' },
    });
    const callId = String(first.body['sip_call_id']).replace('SCL_', 'call_');
    const call = await lab.calls.call(callId);
    expect(call).toMatchObject({ status: 'queued', agentId: null, door: 'livekit' });
  });

  it.each([
    [{ room_name: 'x', sip_call_to: '+15005550101' }, 'missing sip trunk id and sip number'],
    [{ room_name: 'x', sip_trunk_id: 'ST_lab' }, 'missing sip callee number'],
    [{ sip_call_to: '+15005550101', sip_trunk_id: 'ST_lab' }, 'missing room name'],
    [{ room_name: 'x', sip_call_to: 'a@b', sip_trunk_id: 'ST_lab' }, /not a SIP URI/],
    [
      {
        room_name: 'x',
        sip_call_to: '+15005550101',
        sip_trunk_id: 'ST_lab',
        headers: { Via: 'x' },
      },
      /cannot be sent/,
    ],
    [
      { room_name: 'x', sip_call_to: '+15005550101', sip_number: '+15005550199', dtmf: '12x' },
      /dtmf has other characters/,
    ],
  ])('are refused where %j', async (body, message) => {
    expect(await twirp('SIP/CreateSIPParticipant', body)).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', msg: expect.stringMatching(message) as string },
    });
  });

  it('are no more than a room holds', async () => {
    await twirp('RoomService/CreateRoom', { name: 'small', max_participants: 1 });
    const body = { sip_number: '+15005550199', room_name: 'small', participant_identity: 'a' };
    expect(
      await twirp('SIP/CreateSIPParticipant', { ...body, sip_call_to: '+15005550110' }),
    ).toMatchObject({ status: 200 });
    expect(
      await twirp('SIP/CreateSIPParticipant', {
        ...body,
        sip_call_to: '+15005550111',
        participant_identity: 'b',
      }),
    ).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
  });

  it('are moved into another room when they have answered', async () => {
    const video = { roomAdmin: true, room: 'here', destinationRoom: 'there' };
    const move = (body: object, as = pair): ReturnType<typeof twirp> =>
      twirp('RoomService/MoveParticipant', body, { grants: { video }, as });
    const made = await twirp('SIP/CreateSIPParticipant', {
      sip_number: '+15005550199',
      sip_call_to: '+15005550113',
      room_name: 'here',
      participant_identity: 'a',
    });
    const body = { room: 'here', identity: 'a', destination_room: 'there' };
    expect(await move(body)).toMatchObject({
      status: 412,
      body: { code: 'failed_precondition', msg: 'the participant’s call is not answered' },
    });
    const callId = String(made.body['sip_call_id']).replace('SCL_', 'call_');
    for (const status of ['initiated', 'ringing', 'in-progress'] as const) {
      await lab.move(callId, status);
    }
    expect(await move(body, other)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await move({ ...body, identity: 'b' })).toMatchObject({
      status: 404,
      body: { code: 'not_found', msg: 'participant does not exist' },
    });
    expect(await move(body)).toEqual({ status: 200, body: {} });
    const listed = await twirp(
      'RoomService/ListParticipants',
      { room: 'there' },
      { grants: { video: { roomAdmin: true, room: 'there' } } },
    );
    expect(listed.body).toMatchObject({
      participants: [{ identity: 'a', attributes: { 'sip.callID': made.body['sip_call_id'] } }],
    });
  });

  it('end with their room', async () => {
    const made = await twirp('SIP/CreateSIPParticipant', {
      sip_number: '+15005550199',
      sip_call_to: '+15005550112',
      room_name: 'short',
      participant_identity: 'a',
    });
    expect(made.status).toBe(200);
    expect(await twirp('RoomService/DeleteRoom', { room: 'short' })).toMatchObject({
      status: 200,
      body: {},
    });
    const callId = String(made.body['sip_call_id']).replace('SCL_', 'call_');
    expect(await lab.calls.call(callId)).toMatchObject({ status: 'canceled' });
  });
});

describe('allowed_addresses of an inbound trunk', () => {
  const create = (fields: object) =>
    twirp('SIP/CreateSIPInboundTrunk', { trunk: { name: 'In', numbers: [], ...fields } });

  it('let nobody in from a large part of the internet', async () => {
    for (const wide of ['0.0.0.0/0', '64.0.0.0/7', '::/0']) {
      expect(await create({ allowedAddresses: ['203.0.113.0/24', wide] })).toMatchObject({
        status: 400,
        body: {
          code: 'invalid_argument',
          msg: expect.stringContaining(`${wide} lets`) as string,
          meta: { argument: 'allowed_addresses' },
        },
      });
    }
    expect((await create({ allowedAddresses: ['203.0.113.0/24'] })).status).toBe(200);
  });

  it('left out mean everybody who knows a number, as in LiveKit', async () => {
    const made = await create({ numbers: ['+14155550987'] });
    expect(made.status).toBe(200);
    const update = { update: { name: 'Renamed' }, sipTrunkId: made.body['sip_trunk_id'] };
    expect(await twirp('SIP/UpdateSIPInboundTrunk', update)).toMatchObject({
      status: 200,
      body: { name: 'Renamed' },
    });
  });
});

describe('protobuf', () => {
  it('is answered with protobuf, its errors with JSON', async () => {
    const send = async (method: string, message: { toBinary(): Uint8Array }) =>
      lab.app.inject({
        method: 'POST',
        url: `/twirp/livekit.SIP/${method}`,
        headers: {
          authorization: `Bearer ${await token(pair)}`,
          'content-type': 'application/protobuf',
        },
        payload: Buffer.from(message.toBinary()),
      });
    const made = await send(
      'CreateSIPOutboundTrunk',
      new CreateSIPOutboundTrunkRequest({
        trunk: {
          name: 'Dental Office Outbound',
          address: 'sip:trunk.provider.com',
          numbers: ['+15551234567'],
          authUsername: 'your-username',
          authPassword: 'your-password',
        },
      }),
    );
    expect(made.statusCode).toBe(200);
    expect(made.headers['content-type']).toBe('application/protobuf');
    const trunk = SIPOutboundTrunkInfo.fromBinary(made.rawPayload);
    expect(trunk).toMatchObject({ address: 'trunk.provider.com', numbers: ['+15551234567'] });
    const called = await send(
      'CreateSIPParticipant',
      new CreateSIPParticipantRequest({
        sipTrunkId: trunk.sipTrunkId,
        sipCallTo: '+15559876543',
        roomName: 'confirmation-001',
        participantIdentity: 'patient-callback',
      }),
    );
    expect(called.statusCode, called.payload).toBe(200);
    expect(SIPParticipantInfo.fromBinary(called.rawPayload)).toMatchObject({
      participantIdentity: 'patient-callback',
      roomName: 'confirmation-001',
    });
    const refused = await send('DeleteSIPTrunk', new DeleteSIPTrunkRequest({ sipTrunkId: 'ST_x' }));
    expect(refused.statusCode).toBe(404);
    expect(refused.headers['content-type']).toBe('application/json');
  });
});

describe('what cannot be read', () => {
  it.each([
    ['{"trunk": ', 400, 'malformed'],
    ['{"trunk": 7}', 400, 'malformed'],
    ['[]', 400, 'malformed'],
  ])('as JSON is malformed: %s', async (text, status, code) => {
    const answer = await lab.app.inject({
      method: 'POST',
      url: '/twirp/livekit.SIP/CreateSIPOutboundTrunk',
      headers: {
        authorization: `Bearer ${await token(pair)}`,
        'content-type': 'application/json',
      },
      payload: text,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json()).toMatchObject({ code });
  });

  it('as protobuf is malformed, and other types are a bad route', async () => {
    const send = async (type: string, payload: Buffer) =>
      lab.app.inject({
        method: 'POST',
        url: '/twirp/livekit.SIP/ListSIPOutboundTrunk',
        headers: { authorization: `Bearer ${await token(pair)}`, 'content-type': type },
        payload,
      });
    expect((await send('application/protobuf', Buffer.from([0x0a, 0xff]))).json()).toMatchObject({
      code: 'malformed',
    });
    expect((await send('text/plain', Buffer.from('x'))).json()).toMatchObject({
      code: 'bad_route',
    });
    const get = await lab.app.inject({
      method: 'GET',
      url: '/twirp/livekit.SIP/ListSIPOutboundTrunk',
    });
    expect(get.statusCode).toBe(404);
    expect(get.json()).toMatchObject({ code: 'bad_route' });
  });

  it('as text that cannot be stored is refused by its field', async () => {
    expect(await twirp('RoomService/CreateRoom', { name: 'a\u0000b' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', msg: expect.stringContaining('NUL') as string },
    });
  });
});
