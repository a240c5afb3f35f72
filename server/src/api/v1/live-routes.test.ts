import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { startApi, type ApiServer } from '../api-server.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

interface Message {
  sequence: number | null;
  call_id: string;
  type: string;
  at: string;
  data: { status?: string };
}

let lab: ApiLab;
let api: ApiServer;
beforeAll(async () => {
  lab = await openApiLab();
  api = await startApi(lab.context, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.close();
  await lab.close();
});

interface Follower {
  socket: WebSocket;
  messages: Message[];
  /** Resolves with the code of the close. */
  closed: Promise<number>;
  /** Resolves when so many messages have come. */
  has(count: number): Promise<void>;
}

async function follow(path: string, key = lab.key, port = api.port): Promise<Follower> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  return {
    socket,
    messages,
    closed,
    async has(count) {
      while (messages.length < count) await once(socket, 'message');
    },
  };
}

/** The answer to an upgrade that is refused. */
async function refused(path: string, headers: Record<string, string>): Promise<[number, unknown]> {
  const socket = new WebSocket(`ws://127.0.0.1:${api.port}${path}`, { headers });
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  let text = '';
  for await (const chunk of response) text += chunk.toString();
  socket.terminate();
  return [response.statusCode, JSON.parse(text)];
}

describe('/v1/calls/{id}/events', () => {
  it('sends the past, then what happens, and closes when the call is final', async () => {
    const id = await lab.placeCall();
    const follower = await follow(`/v1/calls/${id}/events`);
    await follower.has(1);
    expect(follower.messages[0]).toMatchObject({
      sequence: 1,
      call_id: id,
      type: 'call.queued',
      at: expect.stringMatching(/Z$/),
      data: { status: 'queued' },
    });
    await lab.playCall(id);
    expect(await follower.closed).toBe(1000);
    expect(follower.messages.map(({ type }) => type)).toEqual([
      'call.queued',
      'call.initiated',
      'call.ringing',
      'call.answered',
      'call.turn',
      'call.turn',
      'call.turn',
      'call.disconnected',
      'call.status',
    ]);
    expect(follower.messages.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(follower.messages.at(-1)?.data.status).toBe('completed');
  });

  it('replays a call that is over, from any place, and closes', async () => {
    const id = await lab.placeCall();
    await lab.playCall(id);
    for (const [after, count] of [
      [0, 9],
      [7, 2],
      [9, 0],
      [1_000, 0],
    ] as const) {
      const follower = await follow(`/v1/calls/${id}/events?after=${after}`);
      expect(await follower.closed).toBe(1000);
      expect([after, follower.messages.length]).toEqual([after, count]);
    }
  });

  it('passes interim words on without a sequence number', async () => {
    const id = await lab.placeCall();
    const follower = await follow(`/v1/calls/${id}/events`);
    await follower.has(1);
    lab.context.feed.publish({
      workspaceId: lab.workspaceId,
      callId: id,
      sequence: null,
      atMs: 0,
      type: 'call.transcript',
      data: { speaker: 'caller', turn_id: 't', text: 'I would', final: false },
    });
    await follower.has(2);
    expect(follower.messages[1]).toMatchObject({ sequence: null, data: { text: 'I would' } });
    follower.socket.close();
    await follower.closed;
  });

  it('forgets a follower that leaves', async () => {
    // Those of the tests before are gone when the server has seen it, too.
    await expect.poll(() => api.app.websocketServer.clients.size).toBe(0);
    const before = lab.context.feed.subscriberCount;
    const id = await lab.placeCall();
    const follower = await follow(`/v1/calls/${id}/events`);
    await follower.has(1);
    expect(lab.context.feed.subscriberCount).toBe(before + 1);
    const gone = [...api.app.websocketServer.clients].map((client) => once(client, 'close'));
    follower.socket.terminate();
    await Promise.all(gone);
    await expect.poll(() => lab.context.feed.subscriberCount).toBe(before);
  });

  it('cuts off a follower that sends more than it may', async () => {
    const id = await lab.placeCall();
    const follower = await follow(`/v1/calls/${id}/events`);
    follower.socket.send('x'.repeat(10_000));
    expect(await follower.closed).toBe(1009);
  });

  it('refuses before the upgrade: no key, another workspace, no such call, a bad query', async () => {
    const id = await lab.placeCall();
    const path = `/v1/calls/${id}/events`;
    const mine = { authorization: `Bearer ${lab.key}` };
    for (const [at, headers, status, code] of [
      [path, {}, 401, 'unauthorized'],
      [path, { authorization: `Bearer ${lab.otherKey}` }, 404, 'not_found'],
      ['/v1/calls/call_x/events', mine, 404, 'not_found'],
      [`${path}?after=-1`, mine, 400, 'invalid_request'],
      [`${path}?after=99999999999999999999`, mine, 400, 'invalid_request'],
    ] as [string, Record<string, string>, number, string][]) {
      expect([at, await refused(at, headers)]).toEqual([
        at,
        [status, { error: expect.objectContaining({ code }) }],
      ]);
    }
  });

  it('tells a client without WebSocket to upgrade', async () => {
    const id = await lab.placeCall();
    for (const path of [`/v1/calls/${id}/events`, '/v1/events']) {
      const answer = await lab.send('GET', path);
      expect(answer.status).toBe(426);
      expect(answer.headers['upgrade']).toBe('websocket');
      expect(answer.body).toMatchObject({ error: { code: 'upgrade_required' } });
    }
  });
});

describe('/v1/events', () => {
  it('sends what happens in the workspace and nothing of another', async () => {
    const mine = await follow('/v1/events');
    const theirs = await follow('/v1/events', lab.otherKey);
    const first = await lab.placeCall();
    const second = await lab.placeCall();
    await mine.has(2);
    expect(mine.messages.map(({ call_id }) => call_id)).toEqual([first, second]);
    theirs.socket.close();
    await theirs.closed;
    expect(theirs.messages).toEqual([]);
    mine.socket.close();
    await mine.closed;
  });
});

describe('a line that is idle', () => {
  it('is pinged, and cut when the ping before was not answered', async () => {
    const clock = new FakeClock(lab.context.clock.now());
    const pinged = await startApi({ ...lab.context, clock }, { host: '127.0.0.1', port: 0 });
    const follower = await follow('/v1/events', lab.key, pinged.port);
    const [server] = [...pinged.app.websocketServer.clients];
    const pong = once(server as WebSocket, 'pong');
    await clock.advance(25_000);
    await pong;
    expect(follower.socket.readyState).toBe(WebSocket.OPEN);
    // From here on its machine answers nothing.
    follower.socket.pause();
    const cut = once(server as WebSocket, 'close');
    await clock.advance(50_000);
    await cut;
    follower.socket.resume();
    expect(await follower.closed).toBe(1006);
    await pinged.close();
  });
});

describe('a key that is revoked', () => {
  it('takes its connections along', async () => {
    const clock = new FakeClock(lab.context.clock.now());
    const serving = await startApi({ ...lab.context, clock }, { host: '127.0.0.1', port: 0 });
    const made = await lab.send('POST', '/v1/keys', { name: 'soon gone', scopes: ['read'] });
    const { id, key } = made.body as { id: string; key: string };
    const gone = await follow('/v1/events', key, serving.port);
    const other = await follow('/v1/events', lab.key, serving.port);
    await lab.send('DELETE', `/v1/keys/${id}`);
    await clock.advance(25_000);
    expect(await gone.closed).toBe(1008);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    other.socket.close();
    await serving.close();
  });
});

describe('a server that stops', () => {
  it('says that it goes away, and does not wait for one that answers nothing', async () => {
    const clock = new FakeClock(lab.context.clock.now());
    const stopping = await startApi({ ...lab.context, clock }, { host: '127.0.0.1', port: 0 });
    const follower = await follow('/v1/events', lab.key, stopping.port);
    const dead = await follow('/v1/events', lab.key, stopping.port);
    dead.socket.pause();
    const closing = stopping.close();
    expect(await follower.closed).toBe(1001);
    await clock.advance(1_000);
    await closing;
    dead.socket.terminate();
  });
});
