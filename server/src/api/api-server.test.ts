import { createConnection } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../db/database.ts';
import { tenantDatabase } from '../db/tenant.ts';
import { buildApi, startApi } from './api-server.ts';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

function json(text: string): [string, string, unknown, object] {
  const headers = { authorization: `Bearer ${lab.key}`, 'content-type': 'application/json' };
  return ['POST', '/v1/calls', text, headers];
}

describe('authentication', () => {
  it.each([
    ['no header', {}],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['no key', { authorization: 'Bearer' }],
    ['an empty key', { authorization: 'Bearer ' }],
    ['two keys', { authorization: 'Bearer a b' }],
    ['a wrong key', { authorization: 'Bearer tl_0000' }],
    ['a key that is much too long', { authorization: `Bearer ${'x'.repeat(5_000)}` }],
    ['a broken local sign-in', { authorization: 'Bearer local.1.00' }],
  ])('refuses %s with 401 and how to sign in', async (_name, headers) => {
    for (const [method, url] of [
      ['GET', '/v1/calls'],
      ['POST', '/v1/calls'],
      ['GET', '/v1/events'],
      ['GET', '/v1/calls/call_x/recording'],
    ] as const) {
      const answer = await lab.send(method, url, undefined, headers);
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ error: { code: 'unauthorized', details: [] } });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  it('takes the scheme in any case', async () => {
    const answer = await lab.send('GET', '/v1/calls', undefined, {
      authorization: `bearer ${lab.key}`,
    });
    expect(answer.status).toBe(200);
  });

  it('lets the operator of the machine in, for a minute and into the default workspace', async () => {
    const now = lab.context.clock.now();
    const good = await lab.send('GET', '/v1/workspaces', undefined, {
      authorization: `Bearer ${lab.localToken(now - 30_000)}`,
    });
    expect(good.status).toBe(200);
    expect(good.body).toMatchObject({ data: [{ id: lab.workspaceId }] });
    for (const stamp of [now - 61_000, now + 61_000, 0]) {
      const old = await lab.send('GET', '/v1/workspaces', undefined, {
        authorization: `Bearer ${lab.localToken(stamp)}`,
      });
      expect(old.status).toBe(401);
    }
  });

  it('does not take the local sign-in from elsewhere, not even through a proxy on the machine', async () => {
    const authorization = `Bearer ${lab.localToken(lab.context.clock.now())}`;
    const url = '/v1/workspaces';
    const remote = await lab.app.inject({
      url,
      headers: { authorization },
      remoteAddress: '192.0.2.7',
    });
    expect(remote.statusCode).toBe(401);
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'origin']) {
      const proxied = await lab.send('GET', url, undefined, { authorization, [header]: 'a' });
      expect(proxied.status).toBe(401);
    }
    const mapped = await lab.app.inject({
      url,
      headers: { authorization },
      remoteAddress: '::ffff:127.0.0.1',
    });
    expect(mapped.statusCode).toBe(200);
  });

  it('takes the local sign-in under a name of the loopback interface only', async () => {
    const authorization = `Bearer ${lab.localToken(lab.context.clock.now())}`;
    const statusFor = async (host: string): Promise<number> =>
      (await lab.send('GET', '/v1/workspaces', undefined, { authorization, host })).status;
    for (const host of ['localhost:8080', 'LOCALHOST', '127.0.0.1:8080', '127.9.9.9', '[::1]:80']) {
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    }
    for (const host of [
      'attacker.example',
      '127.0.0.1.attacker.example',
      'localhost.a',
      '10.0.0.1',
    ]) {
      expect([host, await statusFor(host)]).toEqual([host, 401]);
    }
  });

  it('does not take a local sign-in of the future, clocks of five seconds apart excepted', async () => {
    const now = lab.context.clock.now();
    const statusAt = async (atMs: number): Promise<number> => {
      const authorization = `Bearer ${lab.localToken(atMs)}`;
      return (await lab.send('GET', '/v1/workspaces', undefined, { authorization })).status;
    };
    expect(await statusAt(now + 4_000)).toBe(200);
    expect(await statusAt(now + 15_000)).toBe(401);
  });

  it('does not take a sign-in made with another master key or for another time', async () => {
    const now = lab.context.clock.now();
    const [, , mac] = lab.localToken(now).split('.');
    for (const token of [`local.${now + 1}.${mac}`, `local.${now}.${'0'.repeat(64)}`]) {
      const answer = await lab.send('GET', '/v1/calls', undefined, {
        authorization: `Bearer ${token}`,
      });
      expect(answer.status).toBe(401);
    }
  });
});

describe('errors', () => {
  it.each([
    ['broken JSON', '{"to": ', 400, 'invalid_json'],
    ['no JSON', 'to=+15005550101', 400, 'invalid_json'],
    ['an empty body', '', 400, 'invalid_json'],
    ['JSON null', 'null', 400, 'invalid_request'],
    ['a list', '[]', 400, 'invalid_request'],
    ['a text', '"hello"', 400, 'invalid_request'],
    ['__proto__', '{"to":"+15005550101","__proto__":{"a":1}}', 400, 'invalid_request'],
    ['a NUL', '{"to":"+15005550101","variables":{"a":"\\u0000"}}', 400, 'invalid_request'],
    [
      'half a surrogate',
      '{"to":"+15005550101","variables":{"\\ud800":"a"}}',
      400,
      'invalid_request',
    ],
    ['a very deep body', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, 400, 'invalid_request'],
    ['a large body', `{"to":"${'1'.repeat(1 << 20)}"}`, 413, 'body_too_large'],
  ])('answers %s with its code', async (_name, text, status, code) => {
    const answer = await lab.send(...json(text));
    expect(answer.body).toMatchObject({ error: { code } });
    expect(answer.status).toBe(status);
  });

  it('says that JSON is broken without showing it', async () => {
    const answer = await lab.send(...json('{"auth_password": canary}'));
    expect(answer.body).toMatchObject({
      error: { message: 'the body is not valid JSON' },
    });
    expect(answer.text).not.toContain('canary');
  });

  it('answers no body at all like an empty one', async () => {
    const answer = await lab.send('POST', '/v1/calls');
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringMatching(/^the body: /) },
    });
  });

  it('takes JSON only', async () => {
    const headers = { authorization: `Bearer ${lab.key}`, 'content-type': 'text/xml' };
    const answer = await lab.send('POST', '/v1/calls', '<to/>', headers);
    expect(answer.status).toBe(415);
    expect(answer.body).toMatchObject({ error: { code: 'unsupported_media_type' } });
  });

  it.each([
    ['PUT', '/v1/calls', 'GET, HEAD, POST'],
    ['DELETE', '/v1/calls/call_x', 'GET, HEAD'],
    ['POST', '/v1/agents/agent_x', 'GET, HEAD, PATCH, DELETE'],
    ['GET', '/v1/calls/call_x/hangup', 'POST'],
    ['OPTIONS', '/v1/calls', 'GET, HEAD, POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('answers %s %s with 405 and the methods that there are', async (method, url, allowed) => {
    const answer = await lab.send(method, url);
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe(allowed);
    expect(answer.body).toMatchObject({ error: { code: 'method_not_allowed' } });
  });

  it.each(['/v2/calls', '/v1', '/v1/calls/a/b', '/.env', '/docs/../../etc/passwd'])(
    'answers %s with 404 in the form of every error',
    async (url) => {
      const answer = await lab.send('GET', url);
      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({ error: { code: 'not_found', details: [] } });
    },
  );

  it('answers a path that is no URL, and one that is too long, in the same form', async () => {
    const bad = await lab.send('GET', '/v1/calls/%zz');
    expect([bad.status, bad.body]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
    const long = await lab.send('GET', `/v1/calls/${'x'.repeat(300)}`);
    expect([long.status, long.body]).toMatchObject([404, { error: { code: 'not_found' } }]);
    const nul = await lab.send('GET', '/v1/calls/%00');
    expect([nul.status, nul.body]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });

  it('names the id in the path when it is unknown', async () => {
    const answer = await lab.send('GET', '/v1/calls/call_nothing');
    expect(answer.body).toMatchObject({
      error: { code: 'not_found', message: expect.stringContaining('call_nothing') },
    });
  });

  it('hides a fault of ours, logs it once, and both have the request’s id', async () => {
    const app = await buildApi({
      ...lab.context,
      createKey: () => Promise.reject(new Error('canary: disk on fire')),
    });
    lab.log.length = 0;
    const response = await app.inject({
      method: 'POST',
      url: '/v1/keys?key=1',
      headers: { authorization: `Bearer ${lab.key}` },
      payload: { name: 'x' },
    });
    await app.close();
    const id = response.headers['x-request-id'];
    expect(response.statusCode).toBe(500);
    expect(response.payload).not.toContain('canary');
    expect(response.json()).toMatchObject({
      error: { code: 'internal', message: expect.stringContaining(String(id)) },
    });
    expect(lab.log).toEqual([
      expect.objectContaining({
        level: 'error',
        fields: {
          request_id: id,
          method: 'POST',
          path: '/v1/keys',
          err: expect.objectContaining({ message: 'canary: disk on fire' }),
        },
      }),
    ]);
  });

  it('answers 503 while the database is away', async () => {
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const pool = { query: () => Promise.reject(away) } as unknown as Database['pool'];
    const transaction = (): Promise<never> => Promise.reject(away);
    const tenant = (id: string) => tenantDatabase(id, { pool, transaction, role: null });
    const app = await buildApi({ ...lab.context, database: { pool, transaction, tenant } });
    const response = await app.inject({
      url: '/v1/calls',
      headers: { authorization: `Bearer ${lab.key}` },
    });
    await app.close();
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ error: { code: 'unavailable' } });
  });
});

describe('every answer', () => {
  it('carries a request id of its own', async () => {
    const answers = await Promise.all(
      ['/', '/healthz', '/v1/calls', '/nothing', '/v1/calls/%zz', '/docs/'].map((url) =>
        lab.send('GET', url),
      ),
    );
    const ids = answers.map(({ headers }) => headers['x-request-id']);
    for (const id of ids) expect(id).toMatch(/^req_[0-9a-z]{20}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('to HEAD has the status and headers of GET and no body', async () => {
    for (const url of ['/healthz', '/v1/calls', '/']) {
      const answer = await lab.send('HEAD', url);
      expect([url, answer.status, answer.text]).toEqual([url, 200, '']);
    }
    expect((await lab.send('HEAD', '/v1/calls', undefined, {})).status).toBe(401);
  });
});

describe('operations', () => {
  it('answers probes without a key', async () => {
    const health = await lab.send('GET', '/healthz', undefined, {});
    expect([health.status, health.text]).toEqual([200, 'ok\n']);
    const ready = await lab.send('GET', '/readyz', undefined, {});
    expect([ready.status, ready.body]).toEqual([
      200,
      { status: 'ok', version: '0.1.0', checks: { database: true } },
    ]);
    const metrics = await lab.send('GET', '/metrics', undefined, {});
    expect(metrics.text).toBe('trunkline_calls_live 0\n');
    expect(metrics.headers['content-type']).toContain('version=0.0.4');
  });

  it('is not ready while it drains', async () => {
    lab.health.status = 'draining';
    const answer = await lab.send('GET', '/readyz', undefined, {});
    lab.health.status = 'ok';
    expect([answer.status, answer.body]).toMatchObject([503, { status: 'draining' }]);
  });

  it('shows on the first page whether it is up, and lets no name become HTML', async () => {
    lab.health.checks['<b>sip</b>'] = false;
    const { headers, text } = await lab.send('GET', '/', undefined, {});
    delete lab.health.checks['<b>sip</b>'];
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).toContain('npx trunkline call +15005550101 --watch');
    expect(text).toContain('&#60;b&#62;sip');
    expect(text).not.toContain('<b>sip');
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});

describe('startApi', () => {
  it('listens on a free port, refuses one that is taken, and closes twice', async () => {
    const api = await startApi(lab.context, { host: '127.0.0.1', port: 0 });
    const response = await fetch(`http://127.0.0.1:${api.port}/healthz`);
    expect(await response.text()).toBe('ok\n');
    await expect(
      startApi(lab.context, { host: '127.0.0.1', port: api.port }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await api.close();
    await api.close();
    await expect(fetch(`http://127.0.0.1:${api.port}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('survives what is no HTTP', async () => {
    const api = await startApi(lab.context, { host: '127.0.0.1', port: 0 });
    const socket = createConnection(api.port, '127.0.0.1');
    socket.write('INVITE sip:a@b SIP/2.0\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toContain('400');
    socket.destroy();
    expect((await fetch(`http://127.0.0.1:${api.port}/healthz`)).status).toBe(200);
    await api.close();
  });
});
