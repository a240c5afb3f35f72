import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab, type Answer } from '../testing/api-lab.ts';

let lab: ApiLab;

beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

function send(method: string, url: string, body?: object, key = lab.key): Promise<Answer> {
  return lab.send(method, `/v1${url}`, body, { authorization: `Bearer ${key}` });
}

describe('/v1/rooms', () => {
  it('makes a room, calls somebody into it, describes and mutes him, and closes it', async () => {
    const room = await send('POST', '/rooms', { name: 'meeting', metadata: 'm' });
    expect(room).toMatchObject({ status: 201, body: { name: 'meeting', participants: 0 } });
    expect(room.body).toMatchObject({ id: expect.stringMatching(/^room_/) as string });
    const dialled = await send('POST', '/rooms/meeting/participants', {
      to: '+15005550101',
      identity: 'ann',
      attributes: { seat: '1' },
    });
    expect(dialled).toMatchObject({
      status: 201,
      body: { identity: 'ann', kind: 'sip', call_status: 'dialing', attributes: { seat: '1' } },
    });
    const { call_id: callId } = dialled.body as { call_id: string };
    expect(await lab.calls.call(callId)).toMatchObject({ status: 'queued', agentId: null });
    const patched = await send('PATCH', '/rooms/meeting/participants/ann', {
      muted: true,
      attributes: { seat: '', row: '2' },
    });
    expect(patched.body).toMatchObject({ muted: true, attributes: { row: '2' } });
    const listed = await send('GET', '/rooms/meeting/participants');
    expect(listed.body).toMatchObject({ data: [{ identity: 'ann', muted: true }] });
    expect((await send('GET', '/rooms')).body).toMatchObject({
      data: [{ name: 'meeting', participants: 1, publishers: 0, recording: false }],
    });
    expect((await send('DELETE', '/rooms/meeting')).status).toBe(204);
    expect(await lab.calls.call(callId)).toMatchObject({
      status: 'canceled',
      endReason: 'canceled',
    });
    expect((await send('GET', '/rooms')).body).toEqual({ data: [] });
    expect((await send('DELETE', '/rooms/meeting')).status).toBe(404);
  });

  it('lets an agent wait for the next call, and nobody be called while it is missing', async () => {
    const sent = await send('POST', '/rooms/with-agent/agents', { agent: 'test', metadata: 'x' });
    expect(sent).toMatchObject({ status: 201, body: { agent: 'test', agent_id: lab.agentId } });
    const dialled = await send('POST', '/rooms/with-agent/participants', { to: '+15005550110' });
    const { call_id: callId } = dialled.body as { call_id: string };
    expect(await lab.calls.call(callId)).toMatchObject({
      agentId: lab.agentId,
      variables: { metadata: 'x' },
    });
    const { id } = sent.body as { id: string };
    expect((await send('DELETE', `/room-agents/${id}`)).status).toBe(204);
    expect((await send('DELETE', `/room-agents/${id}`)).status).toBe(404);

    const missing = await send('POST', '/rooms/without/agents', { agent: 'nobody' });
    expect(missing.body).toMatchObject({
      agent_id: null,
      error: 'there is no agent named "nobody"',
    });
    expect(await send('POST', '/rooms/without/participants', { to: '+15005550111' })).toMatchObject(
      {
        status: 422,
        body: { error: { code: 'agent_not_ready' } },
      },
    );
  });

  it('brings an agent into rooms whose names fit its patterns', async () => {
    const made = await send('POST', '/agents', {
      name: 'reception',
      type: 'llm',
      llm: { provider: 'fake' },
      room_patterns: ['desk-*-in'],
    });
    const { id } = made.body as { id: string };
    await send('POST', '/rooms', { name: 'desk-7-out' });
    await send('POST', '/rooms', { name: 'desk-7-in' });
    const inside = async (name: string): Promise<unknown> =>
      (await send('GET', `/rooms/${name}/participants`)).body;
    expect(await inside('desk-7-out')).toEqual({ data: [] });
    expect(await inside('desk-7-in')).toMatchObject({
      data: [{ kind: 'agent', name: 'reception' }],
    });
    const dialled = await send('POST', '/rooms/desk-7-in/participants', { to: '+15005550112' });
    const { call_id: callId } = dialled.body as { call_id: string };
    expect((await lab.calls.call(callId)).agentId).toBe(id);
  });

  it('moves somebody whose call is answered into another room', async () => {
    const dialled = await send('POST', '/rooms/from/participants', {
      to: '+15005550115',
      identity: 'ann',
      attributes: { seat: '1' },
    });
    const { call_id: callId } = dialled.body as { call_id: string };
    const moveTo = (body: object, key = lab.key): Promise<Answer> =>
      send('POST', '/rooms/from/participants/ann/move', body, key);
    expect(await moveTo({ destination_room: 'to' })).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict', message: 'the participant’s call is not answered' } },
    });
    for (const status of ['initiated', 'ringing', 'in-progress'] as const) {
      await lab.move(callId, status);
    }
    expect(await moveTo({ destination_room: 'from' })).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request' } },
    });
    expect(await moveTo({})).toMatchObject({
      status: 400,
      body: { error: { details: [{ field: 'destination_room' }] } },
    });
    expect((await moveTo({ destination_room: 'to' }, lab.otherKey)).status).toBe(404);
    await send('POST', '/rooms', { name: 'small', max_participants: 1 });
    await send('POST', '/rooms/small/participants', { to: '+15005550116', identity: 'bob' });
    expect(await moveTo({ destination_room: 'small' })).toMatchObject({
      status: 429,
      body: { error: { code: 'limit_reached' } },
    });
    expect(await moveTo({ destination_room: 'to' })).toMatchObject({
      status: 200,
      body: { identity: 'ann', call_id: callId, call_status: 'active', attributes: { seat: '1' } },
    });
    expect(await moveTo({ destination_room: 'to' })).toMatchObject({ status: 404 });
    expect((await send('GET', '/rooms/from/participants')).body).toEqual({ data: [] });
    expect((await send('GET', '/rooms/to/participants')).body).toMatchObject({
      data: [{ identity: 'ann', call_id: callId }],
    });
  });

  it('refuses what cannot be, and shows nothing to others', async () => {
    await send('POST', '/rooms', { name: 'mine' });
    await send('POST', '/rooms/mine/participants', { to: '+15005550113', identity: 'a' });
    expect(
      await send('POST', '/rooms/mine/participants', { to: '+15005550114', identity: 'a' }),
    ).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(
      await send('POST', '/rooms/mine/participants', { to: '+15005550114', dtmf: 'hello' }),
    ).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(
      await send('POST', '/rooms/mine/participants/a/transfer', { to: '+15005550114' }),
    ).toMatchObject({ status: 409 });
    expect(await send('POST', '/rooms', { name: 'x', bogus: 1 })).toMatchObject({
      status: 400,
      body: { error: { details: [{ field: 'bogus' }] } },
    });
    const others = [
      await send('DELETE', '/rooms/mine', undefined, lab.otherKey),
      await send('DELETE', '/rooms/mine/participants/a', undefined, lab.otherKey),
      await send('PATCH', '/rooms/mine/participants/a', { muted: true }, lab.otherKey),
    ];
    expect(others.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('records, and says of a recording in which nothing was heard that it failed', async () => {
    await send('POST', '/rooms', { name: 'recorded' });
    const started = await send('POST', '/rooms/recorded/recordings', {});
    expect(started).toMatchObject({ status: 201, body: { status: 'starting', kind: 'room' } });
    const { id } = started.body as { id: string };
    expect((await send('GET', `/room-recordings/${id}`, undefined, lab.otherKey)).status).toBe(404);
    expect(await send('POST', `/room-recordings/${id}/stop`, {})).toMatchObject({
      status: 200,
      body: { status: 'failed', error: 'nothing was heard to record', url: null },
    });
    expect((await send('POST', `/room-recordings/${id}/stop`, {})).status).toBe(409);
    expect((await send('GET', `/room-recordings/${id}/audio`)).status).toBe(404);
  });
});
