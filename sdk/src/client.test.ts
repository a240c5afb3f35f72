import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type ApiServer } from '../../server/src/api/api-server.ts';
import { openApiLab, type ApiLab } from '../../server/src/api/testing/api-lab.ts';
import { TrunklineClient } from './client.ts';
import { TrunklineApiError, TrunklineConnectionError } from './errors.ts';
import { FINAL_STATUSES as SERVER_FINAL_STATUSES } from '../../server/src/calls/call-status.ts';
import { FINAL_STATUSES, type CallEvent } from './types.ts';

let lab: ApiLab;
let api: ApiServer;
let client: TrunklineClient;
const opened: Server[] = [];
beforeAll(async () => {
  lab = await openApiLab();
  api = await startApi(lab.context, { host: '127.0.0.1', port: 0 });
  client = clientOf(api.port);
});
afterAll(async () => {
  await api.close();
  await lab.close();
});
afterEach(async () => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

function clientOf(port: number, token = lab.key): TrunklineClient {
  return new TrunklineClient({ baseUrl: `http://127.0.0.1:${port}/`, token: () => token });
}

/** Something else that listens where the API should be. */
async function somethingElse(onRequest: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(onRequest as never);
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const port = await somethingElse(() => undefined);
  const server = opened.pop();
  await new Promise((resolve) => server?.close(resolve));
  return port;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error,
  );
}

async function eventsOf(events: AsyncIterable<CallEvent>): Promise<CallEvent[]> {
  const seen: CallEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

describe('a client', () => {
  it('places a call, reads it, lists it and hangs it up', async () => {
    const placed = await client.placeCall({ to: '+15005550101', variables: { name: 'Maria' } });
    expect(placed).toMatchObject({ status: 'queued', variables: { name: 'Maria' } });
    expect(await client.getCall(placed.id)).toEqual(placed);
    const page = await client.listCalls({ limit: '1' });
    expect(page.data.map(({ id }) => id)).toEqual([placed.id]);
    expect((await client.hangUp(placed.id)).status).toBe('canceled');
    expect((await client.listCalls()).data.length).toBeGreaterThan(0);
  });

  it('places one call for one idempotency key', async () => {
    const options = { idempotencyKey: 'sdk' };
    const first = await client.placeCall({ to: '+15005550101' }, options);
    const second = await client.placeCall({ to: '+15005550101' }, options);
    expect(second.id).toBe(first.id);
  });

  it('makes keys that work, and takes null where an answer has no body', async () => {
    const { id, key } = await client.createKey('sdk');
    expect((await clientOf(api.port, key).listCalls()).data).toBeDefined();
    expect(await client.request('DELETE', `/v1/keys/${id}`)).toBeNull();
  });

  it('fetches the recording', async () => {
    const { id } = await client.placeCall({ to: '+15005550101' });
    expect(await rejection(client.recording(id))).toMatchObject({ status: 404, code: 'not_found' });
    await lab.playCall(id);
    expect((await client.recording(id)).toString()).toBe('RIFF----WAVE');
  });

  it('asks for the token anew with every request', async () => {
    const tokens = ['wrong', lab.key];
    const changing = new TrunklineClient({
      baseUrl: `http://127.0.0.1:${api.port}`,
      token: () => tokens.shift() ?? '',
    });
    expect(await rejection(changing.listCalls())).toMatchObject({ code: 'unauthorized' });
    expect((await changing.listCalls()).data).toBeDefined();
  });

  it('does not let an id change the path', async () => {
    expect(await rejection(client.getCall('../agents'))).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });
});

describe('errors', () => {
  it('carry status, code, the wrong fields and the request’s id', async () => {
    const error = await rejection(client.placeCall({ to: 'me' }));
    expect(error).toBeInstanceOf(TrunklineApiError);
    expect(error).toMatchObject({
      status: 400,
      code: 'invalid_number',
      message: expect.stringContaining("to 'me'"),
      details: [{ field: 'to' }],
      requestId: expect.stringMatching(/^req_/),
    });
  });

  it('say that nothing listens', async () => {
    const port = await freePort();
    const error = await rejection(clientOf(port).listCalls());
    expect(error).toBeInstanceOf(TrunklineConnectionError);
    expect((error as Error).message).toBe(
      `nothing answers at http://127.0.0.1:${port}; is Trunkline running there?`,
    );
  });

  it('say that something else answers', async () => {
    const html = await somethingElse((_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad\n gateway</h1>');
    });
    expect(await rejection(clientOf(html).listCalls())).toMatchObject({
      status: 502,
      code: 'unknown',
      message: 'HTTP 502: <h1>Bad gateway</h1>',
    });
    const ok = await somethingElse((_request, response) => void response.end('hello'));
    expect(await rejection(clientOf(ok).listCalls())).toBeInstanceOf(TrunklineConnectionError);
  });

  it('say that the answer took too long', async () => {
    const port = await somethingElse(() => undefined);
    const hasty = new TrunklineClient({
      baseUrl: `http://127.0.0.1:${port}`,
      token: () => '',
      timeoutMs: 20,
    });
    expect(await rejection(hasty.listCalls())).toMatchObject({
      name: 'TrunklineConnectionError',
      message: expect.stringContaining('within 0.02 s'),
    });
  });

  it('are the signal’s own when the caller aborts', async () => {
    const abort = new AbortController();
    const port = await somethingElse(() => abort.abort(new Error('enough')));
    const error = await rejection(clientOf(port).listCalls({}, { signal: abort.signal }));
    expect(error).toMatchObject({ message: 'enough' });
  });
});

describe('callEvents', () => {
  it('replays the past, follows what happens and ends with the call', async () => {
    const { id } = await client.placeCall({ to: '+15005550101' });
    const seen: CallEvent[] = [];
    for await (const event of client.callEvents(id)) {
      if (seen.push(event) === 1) await lab.playCall(id);
    }
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(seen.at(-1)).toMatchObject({ type: 'call.status', data: { status: 'completed' } });
    const tail = await eventsOf(client.callEvents(id, { after: 7 }));
    expect(tail).toEqual(seen.slice(7));
  });

  it('ends without an error when it is aborted, before or in the middle', async () => {
    const { id } = await client.placeCall({ to: '+15005550101' });
    const abort = new AbortController();
    let count = 0;
    for await (const _event of client.callEvents(id, { signal: abort.signal })) {
      count++;
      abort.abort();
    }
    expect(count).toBe(1);
    expect(await eventsOf(client.callEvents(id, { signal: abort.signal }))).toEqual([]);
  });

  it('lets go of the server when the reader leaves', async () => {
    const { id } = await client.placeCall({ to: '+15005550101' });
    for await (const _event of client.callEvents(id)) break;
    const clients = [...api.app.websocketServer.clients];
    await Promise.all(
      clients.map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
    await expect.poll(() => lab.context.feed.subscriberCount).toBe(0);
  });

  it('says why the API refused', async () => {
    expect(await rejection(eventsOf(client.callEvents('call_x')))).toMatchObject({
      name: 'TrunklineApiError',
      status: 404,
      code: 'not_found',
      message: 'there is no call call_x in this workspace',
      requestId: expect.stringMatching(/^req_/),
    });
    const { id } = await client.placeCall({ to: '+15005550101' });
    expect(await rejection(eventsOf(clientOf(api.port, 'wrong').callEvents(id)))).toMatchObject({
      status: 401,
      code: 'unauthorized',
    });
  });

  it('says at once that nothing listens', async () => {
    const port = await freePort();
    expect(await rejection(eventsOf(clientOf(port).callEvents('call_x')))).toBeInstanceOf(
      TrunklineConnectionError,
    );
  });

  it('goes on where it was when the line breaks, with nothing missing and nothing twice', async () => {
    const { id } = await client.placeCall({ to: '+15005550101' });
    const seen: CallEvent[] = [];
    for await (const event of client.callEvents(id)) {
      if (seen.push(event) !== 1) continue;
      for (const socket of api.app.websocketServer.clients) socket.terminate();
      await lab.playCall(id);
    }
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('the lists of the SDK', () => {
  it('have the final statuses of the server', () => {
    expect([...FINAL_STATUSES].sort()).toEqual([...SERVER_FINAL_STATUSES].sort());
  });
});
