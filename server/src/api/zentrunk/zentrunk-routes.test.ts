import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSafeFetch } from '../../egress/safe-fetch.ts';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { buildApi } from '../api-server.ts';
import { openApiLab, type Answer, type ApiLab } from '../testing/api-lab.ts';
import { canonicalPath } from './canonical-path.ts';
import { RequestRate } from './request-rate.ts';

type Json = Record<string, unknown>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOBODYS = '8b1f3a52-6e0f-4d0c-9a8d-0e5d4c3b2a19';

let lab: ApiLab;
let account: string;
beforeAll(async () => {
  lab = await openApiLab();
  account = `/v1/Account/${lab.workspaceId}`;
});
afterAll(() => lab.close());

function basic(authId: string, token: string): { authorization: string } {
  const text = Buffer.from(`${authId}:${token}`).toString('base64');
  return { authorization: `Basic ${text}` };
}

function send(method: string, path: string, body?: unknown): Promise<Answer> {
  return lab.send(method, `${account}/${path}`, body, basic(lab.workspaceId, lab.key));
}

async function made(resource: string, body: object): Promise<Json> {
  const answer = await send('POST', `Zentrunk/${resource}/`, body);
  expect(answer.status, answer.text).toBe(201);
  return answer.body as Json;
}

const credential = { name: 'c', username: 'agents2026', password: 'Secret#2026' };

async function outbound(): Promise<string> {
  const { credential_uuid: uuid } = await made('Credential', credential);
  const trunk = await made('Trunk', { trunk_direction: 'outbound', credential_uuid: uuid });
  return String(trunk['trunk_id']);
}

async function inbound(uri = 'sip.example.com'): Promise<{ trunkId: string; uriUuid: string }> {
  const { uri_uuid: uriUuid } = await made('URI', { uri });
  const trunk = await made('Trunk', { trunk_direction: 'inbound', primary_uri_uuid: uriUuid });
  return { trunkId: String(trunk['trunk_id']), uriUuid: String(uriUuid) };
}

describe('Zentrunk’s door', () => {
  it('takes the auth id and token by Basic, or the token as Bearer', async () => {
    expect((await send('GET', 'Zentrunk/Trunk/')).status).toBe(200);
    expect((await lab.send('GET', `${account}/Zentrunk/Trunk/`)).status).toBe(200);
  });

  it.each([
    ['no header', {}],
    ['a wrong token', basic('ws_x', 'nonsense')],
    ['something that is no Basic', { authorization: 'Basic %%%' }],
  ])('refuses %s with 401 in Zentrunk’s form', async (_what, headers) => {
    const answer = await lab.send('GET', `${account}/Zentrunk/Trunk/`, undefined, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Basic/);
    expect(answer.body).toEqual({
      api_id: expect.stringMatching(UUID),
      error: expect.any(String),
    });
  });

  it('does not take another account’s token for this one, nor show that it exists', async () => {
    const mixed = basic(lab.workspaceId, lab.otherKey);
    expect((await lab.send('GET', `${account}/Zentrunk/Trunk/`, undefined, mixed)).status).toBe(
      401,
    );
    const bearer = { authorization: `Bearer ${lab.otherKey}` };
    expect((await lab.send('GET', `${account}/Zentrunk/Trunk/`, undefined, bearer)).status).toBe(
      404,
    );
  });

  it('is there in any case of its names, with a slash at the end or without', async () => {
    for (const path of ['zentrunk/uri', 'Zentrunk/Uri/', 'ZENTRUNK/URI/?limit=1']) {
      expect((await send('GET', path)).status).toBe(200);
    }
    expect(canonicalPath('/v1/account/WS_x/zentrunk/ipaccesscontrollist/ab?x=URI')).toBe(
      '/v1/Account/WS_x/Zentrunk/IPAccessControlList/ab?x=URI',
    );
    expect(canonicalPath('/v1/calls/x')).toBe('/v1/calls/x');
  });

  it('says in its own form what path or method there is not', async () => {
    const unknown = await send('GET', 'Zentrunk/Nothing/');
    expect(unknown).toMatchObject({ status: 404, body: { api_id: expect.stringMatching(UUID) } });
    const put = await send('PUT', 'Zentrunk/Trunk/');
    expect(put).toMatchObject({ status: 405, body: { error: expect.any(String) } });
    expect(put.headers['allow']).toContain('POST');
  });

  it('answers 429 to more requests than an account may send', async () => {
    const app = await buildApi({
      ...lab.context,
      carrier: { ...lab.context.carrier, requestsPer5s: 2 },
    });
    const ask = (): Promise<{ statusCode: number }> =>
      app.inject({
        method: 'GET',
        url: `${account}/Zentrunk/Trunk/`,
        headers: basic(lab.workspaceId, lab.key),
      });
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await ask()).statusCode);
    expect(statuses).toEqual([200, 200, 429]);
    await app.close();
  });

  it('forgets requests after 5 s', async () => {
    const clock = new FakeClock();
    const rate = new RequestRate(clock);
    const allowed = ['a', 'a', 'b'].map((account) => rate.take(account, 1));
    expect(allowed).toEqual([true, false, true]);
    await clock.advance(5_000);
    expect(rate.take('a', 1)).toBe(true);
  });
});

describe('a credential', () => {
  it('is made, read without its password, changed and deleted', async () => {
    const { message, credential_uuid: uuid } = await made('Credential', credential);
    expect(message).toBe('credential created successfully.');
    const path = `Zentrunk/Credential/${String(uuid)}/`;
    const read = await send('GET', path);
    expect(read.body).toMatchObject({ name: 'c', username: 'agents2026', credential_uuid: uuid });
    expect(read.text).not.toContain('Secret#2026');
    const changed = await send('POST', path, { username: 'agents2027', password: 'Other#2026' });
    expect(changed).toMatchObject({
      status: 202,
      body: { message: 'Credential updated successfully.' },
    });
    expect((await send('GET', path)).body).toMatchObject({ name: 'c', username: 'agents2027' });
    const gone = await send('DELETE', path);
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect((await send('GET', path)).status).toBe(404);
    const { rows } = await lab.calls.db.pool.query('select * from zentrunk_credentials');
    expect(JSON.stringify(rows)).not.toContain('#2026');
  });

  it.each([
    [{ username: 'agents2026' }, 422, 'password is required'],
    [{ password: 'Secret#2026' }, 422, 'username is required'],
    [{ ...credential, username: 'abcd' }, 400, 'username'],
    [{ ...credential, username: 'a"b<c>d' }, 400, 'username'],
    [{ ...credential, password: 'plain2026' }, 400, 'password'],
    [{ ...credential, password: 'S#1' }, 400, 'password'],
    [{ ...credential, realm: 'x' }, 400, 'realm'],
  ])('%j is refused with %d', async (body, status, word) => {
    const answer = await send('POST', 'Zentrunk/Credential/', body);
    expect(answer.status).toBe(status);
    expect((answer.body as Json)['error']).toContain(word);
  });
});

describe('an IP access control list', () => {
  it('is replaced as a whole', async () => {
    const body = { name: 'office', ip_addresses: ['192.0.2.1', '2001:db8::/32'] };
    const { message, ipacl_uuid: uuid } = await made('IPAccessControlList', body);
    expect(message).toBe('IP access control list created successfully.');
    const path = `Zentrunk/IPAccessControlList/${String(uuid)}/`;
    const wide = await send('POST', path, { ip_addresses: ['198.51.0.0/16'] });
    expect(wide.headers['x-trunkline-notice']).toContain('198.51.0.0/16 lets in 2^16 addresses');
    const changed = await send('POST', path, { ip_addresses: ['198.51.100.0/24'] });
    expect(changed.headers).not.toHaveProperty('x-trunkline-notice');
    expect(changed).toMatchObject({
      status: 202,
      body: { message: 'IP access control list updated successfully.' },
    });
    expect((await send('GET', path)).body).toMatchObject({
      name: 'office',
      ip_addresses: ['198.51.100.0/24'],
      object: { ipacl_uuid: uuid },
    });
    expect((await send('DELETE', path)).status).toBe(204);
  });

  it.each([
    [{}, 422],
    [{ ip_addresses: [] }, 400],
    [{ ip_addresses: ['office'] }, 400],
    [{ ip_addresses: ['192.0.2.1/33'] }, 400],
    [{ ip_addresses: ['0.0.0.0/0'] }, 400],
    [{ ip_addresses: ['192.0.2.1', '64.0.0.0/7'] }, 400],
    [{ ip_addresses: ['2000::/3'] }, 400],
    [{ ip_addresses: '192.0.2.1' }, 400],
  ])('%j is refused with %d', async (body, status) => {
    expect((await send('POST', 'Zentrunk/IPAccessControlList/', body)).status).toBe(status);
  });
});

describe('an origination URI', () => {
  it.each([
    ['sip.example.com', null],
    ['sip.example.com:5080', null],
    ['192.168.1.100', null],
    ['192.168.1.100:5060', null],
    ['sip.example.com;transport=tls', null],
    ['sip:agent@sip.example.com:5061;transport=tls', 'agent'],
  ])('may be %s', async (uri, user) => {
    const { uri_uuid: uuid } = await made('URI', { uri });
    expect((await send('GET', `Zentrunk/URI/${String(uuid)}/`)).body).toMatchObject({
      uri,
      authentication_needed: false,
      username: null,
      sip_user: user,
    });
  });

  it.each([
    [{}, 422],
    [{ uri: 'sip.example.com', authentication_needed: true }, 422],
    [{ uri: 'sip.example.com', authentication_needed: true, username: 'u' }, 422],
    [{ uri: 'not a uri' }, 400],
    [{ uri: 'sip.example.com;transport=ws' }, 400],
    [{ uri: 'https://example.com' }, 400],
    [{ uri: 'sip.example.com:99999' }, 400],
    [{ uri: 'a.example\r\nVia: x' }, 400],
  ])('%j is refused with %d', async (body, status) => {
    expect((await send('POST', 'Zentrunk/URI/', body)).status).toBe(status);
  });

  it('forgets its login when none is needed any more', async () => {
    const login = { authentication_needed: true, username: 'u', password: 'p' };
    const { uri_uuid: uuid } = await made('URI', { uri: 'a.example', ...login });
    const path = `Zentrunk/URI/${String(uuid)}/`;
    expect((await send('GET', path)).body).toMatchObject({ username: 'u' });
    expect((await send('POST', path, { authentication_needed: false })).status).toBe(202);
    expect((await send('GET', path)).body).toMatchObject({ username: null });
    expect((await send('POST', path, { authentication_needed: true })).status).toBe(422);
  });

  it('is not deleted while a trunk uses it, unless its trunks may go too', async () => {
    const { trunkId, uriUuid } = await inbound();
    const refused = await send('DELETE', `Zentrunk/URI/${uriUuid}/`);
    expect(refused.status).toBe(400);
    expect((refused.body as Json)['error']).toContain(trunkId);
    expect((await send('DELETE', `Zentrunk/URI/${uriUuid}/?force=true`)).status).toBe(204);
    expect((await send('GET', `Zentrunk/Trunk/${trunkId}/`)).status).toBe(404);
  });
});

describe('a trunk', () => {
  it('is read flat and in `object`, and changed with its direction or without', async () => {
    const id = await outbound();
    const path = `Zentrunk/Trunk/${id}/`;
    const read = (await send('GET', path)).body as Json;
    const fields = {
      trunk_id: id,
      trunk_domain: `${id}.carrier.test`,
      trunk_status: 'enabled',
      secure: false,
      trunk_direction: 'outbound',
      ipacl_uuid: null,
      primary_uri_uuid: null,
      fallback_uri_uuid: null,
    };
    expect(read).toMatchObject({ ...fields, object: fields });
    for (const body of [
      { trunk_direction: 'outbound', trunk_status: 'disabled' },
      { name: 'renamed', secure: true },
    ]) {
      expect(await send('POST', path, body)).toMatchObject({
        status: 202,
        body: { message: 'Trunk updated successfully.' },
      });
    }
    expect((await send('GET', path)).body).toMatchObject({
      name: 'renamed',
      trunk_status: 'disabled',
      secure: true,
    });
    expect((await send('DELETE', path)).status).toBe(204);
    expect((await send('DELETE', path)).status).toBe(404);
  });

  it.each([
    [{}, 422, 'trunk_direction'],
    [{ trunk_direction: 'outbound' }, 422, 'ipacl_uuid'],
    [{ trunk_direction: 'inbound' }, 422, 'primary_uri_uuid'],
    [{ trunk_direction: 'sideways' }, 400, 'trunk_direction'],
    [{ trunk_direction: 'outbound', credential_uuid: NOBODYS }, 400, 'credential_uuid'],
    [{ trunk_direction: 'outbound', primary_uri_uuid: NOBODYS }, 400, 'primary_uri_uuid'],
    [{ trunk_direction: 'inbound', primary_uri_uuid: 'x' }, 400, 'primary_uri_uuid'],
  ])('%j is refused with %d', async (body, status, word) => {
    const answer = await send('POST', 'Zentrunk/Trunk/', body);
    expect(answer.status).toBe(status);
    expect((answer.body as Json)['error']).toContain(word);
  });

  it('keeps its direction and what it needs', async () => {
    const path = `Zentrunk/Trunk/${await outbound()}/`;
    expect((await send('POST', path, { trunk_direction: 'inbound' })).status).toBe(400);
    expect((await send('POST', path, { credential_uuid: '' })).status).toBe(422);
  });

  it('is told of when it is secure and its URI is not', async () => {
    const { trunkId, uriUuid } = await inbound();
    const change = (body: object) => send('POST', `Zentrunk/Trunk/${trunkId}/`, body);
    const secured = await change({ secure: true });
    expect(secured.status).toBe(202);
    expect(secured.headers['x-trunkline-notice']).toContain(`${uriUuid} are refused with 4110`);
    await send('POST', `Zentrunk/URI/${uriUuid}/`, { uri: 'sip.example.com;transport=tls' });
    expect((await change({ secure: true })).headers).not.toHaveProperty('x-trunkline-notice');
  });

  it('is found by what the documentation lists, and by nothing else', async () => {
    const { trunkId, uriUuid } = await inbound();
    const found = await send('GET', `Zentrunk/Trunk/?primary_uri_uuid=${uriUuid}&secure=false`);
    expect(found.body).toMatchObject({ objects: [{ trunk_id: trunkId }] });
    const refused = await send('GET', 'Zentrunk/Trunk/?srtp=true');
    const { api_id: apiId } = refused.body as Json;
    expect(refused).toMatchObject({
      status: 400,
      body: { app_id: apiId, status: 'error', error: 'filtering not allowed on srtp' },
    });
  });

  it('stands in lists with paths of the pages before and after', async () => {
    for (let n = 0; n < 5; n++) await outbound();
    const page = `Zentrunk/Trunk/?trunk_direction=outbound&limit=2&offset=2`;
    const { meta, objects } = (await send('GET', page)).body as { meta: Json; objects: Json[] };
    expect(objects).toHaveLength(2);
    const path = `${account.slice(1)}/Zentrunk/Trunk/?trunk_direction=outbound&limit=2`;
    expect(meta).toMatchObject({
      limit: 2,
      offset: 2,
      previous: `${path}&offset=0`,
      next: `${path}&offset=4`,
    });
    for (const wrong of ['limit=21', 'limit=0', 'offset=-1', 'limit=x', 'limit=1&limit=2']) {
      expect((await send('GET', `Zentrunk/Trunk/?${wrong}`)).status).toBe(400);
    }
  });
});

describe('a number', () => {
  const digits = '14155550177';

  it('goes to an inbound trunk, is read back, and is free again when the trunk is deleted', async () => {
    await lab.context.numbers.add(lab.workspaceId, {
      e164: `+${digits}`,
      trunkId: lab.trunkId,
      agentId: null,
    });
    const { trunkId } = await inbound();
    const path = `Number/${digits}/`;
    expect(await send('POST', path, { app_id: trunkId, alias: 'desk' })).toMatchObject({
      status: 202,
      body: { message: 'changed', api_id: expect.stringMatching(UUID) },
    });
    const application = `${account}/Zentrunk/Trunk/${trunkId}/`;
    expect((await send('GET', path)).body).toMatchObject({ number: digits, application });
    const list = await send('GET', `Number/?number_startswith=${digits}`);
    expect(list.body).toMatchObject({ objects: [{ alias: 'desk', application }] });
    expect((await send('POST', path, { app_id: await outbound() })).status).toBe(400);
    expect((await send('POST', path, { app_id: '999999999999999' })).status).toBe(400);
    expect((await send('POST', path, { subaccount: 'SA1' })).status).toBe(400);
    expect((await send('DELETE', `Zentrunk/Trunk/${trunkId}/`)).status).toBe(204);
    expect((await send('GET', path)).body).toMatchObject({ application: null });
    expect((await send('GET', 'Number/14155550000/')).status).toBe(404);
  });
});

describe('a request with callback_url', () => {
  it('is answered at once, and its result is sent there', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const safeFetch = createSafeFetch({ allowPrivateTargets: ['127.0.0.0/8'] });
    const app = await buildApi({ ...lab.context, safeFetch });
    const came = once(server, 'request');
    const { port } = server.address() as AddressInfo;
    const answer = await app.inject({
      method: 'POST',
      url: `${account}/Zentrunk/Credential/`,
      headers: basic(lab.workspaceId, lab.key),
      payload: { ...credential, callback_url: `http://127.0.0.1:${port}/done` },
    });
    expect(answer.statusCode).toBe(202);
    const { api_id: apiId, message } = answer.json<Json>();
    expect(message).toBe('async api spawned');
    const [, response] = (await came) as [unknown, NodeJS.WritableStream];
    if (bodies.length === 0) await once(response, 'finish');
    expect(JSON.parse(bodies.join(''))).toMatchObject({
      api_id: apiId,
      message: 'credential created successfully.',
    });
    await app.close();
    await safeFetch.close();
    server.close();
  });

  it('may be a deletion, and one that fails', async () => {
    const { credential_uuid: uuid } = await made('Credential', credential);
    const path = `Zentrunk/Credential/${String(uuid)}/?callback_url=https://example.com/done`;
    for (let n = 0; n < 2; n++) {
      expect(await send('DELETE', path)).toMatchObject({
        status: 202,
        body: { message: 'async api spawned' },
      });
    }
    expect((await send('GET', `Zentrunk/Credential/${String(uuid)}/`)).status).toBe(404);
  });

  it('is refused where the address may not be asked', async () => {
    const body = { ...credential, callback_url: 'http://169.254.169.254/x' };
    const answer = await send('POST', 'Zentrunk/Credential/', body);
    expect(answer.status).toBe(400);
    expect((answer.body as Json)['error']).toContain('callback_url');
    const method = { ...credential, callback_url: 'https://example.com', callback_method: 'PUT' };
    expect((await send('POST', 'Zentrunk/Credential/', method)).status).toBe(400);
  });
});
