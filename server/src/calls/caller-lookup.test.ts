import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSafeFetch, type SafeFetch } from '../egress/safe-fetch.ts';
import { contactsProblem, lookUpCaller, type LookupResult } from './caller-lookup.ts';

let server: Server;
let fetch: SafeFetch;
let url: string;
let respond: (path: string, authorization: string | undefined) => [number, string] | null;

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = respond(request.url ?? '', request.headers.authorization);
    // Null: it never answers.
    if (answer)
      response.writeHead(answer[0], { 'content-type': 'application/json' }).end(answer[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/contacts?desk=7`;
  fetch = createSafeFetch({ allowPrivateTargets: ['127.0.0.0/8'] });
});
afterAll(async () => {
  await fetch.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function ask(over: Partial<Parameters<typeof lookUpCaller>[0]> = {}): Promise<LookupResult> {
  return lookUpCaller({
    lookup: { type: 'api', url, timeout_ms: 5_000 },
    caller: '+14155552671',
    agentId: 'agent_1',
    executionId: 'call_1',
    token: 'secret',
    fetch,
    signal: new AbortController().signal,
    ...over,
  });
}

describe('a lookup over HTTP', () => {
  it('asks with the number, the agent and the call, signed in, and keeps the URL’s own query', async () => {
    let asked: URL | null = null;
    respond = (path, authorization) => {
      asked = new URL(path, 'http://x');
      return authorization === 'Bearer secret' ? [200, '{"name":"Ada","vip":true}'] : [401, ''];
    };
    expect(await ask()).toEqual({ type: 'known', variables: { name: 'Ada', vip: true } });
    expect(Object.fromEntries((asked as unknown as URL).searchParams)).toEqual({
      desk: '7',
      contact_number: '+14155552671',
      agent_id: 'agent_1',
      execution_id: 'call_1',
    });
  });

  it('does not know whom the other side does not know', async () => {
    respond = () => [404, '{"error":"none"}'];
    expect(await ask()).toEqual({ type: 'unknown' });
    respond = () => [200, '{}'];
    expect(await ask()).toEqual({ type: 'unknown' });
  });

  it('fails, and does not throw, on errors, on nonsense, in time and where it may not go', async () => {
    respond = () => [500, ''];
    expect(await ask()).toEqual({ type: 'failed', message: 'the lookup answered 500' });
    respond = () => [200, '["Ada"]'];
    expect(await ask()).toMatchObject({
      type: 'failed',
      message: expect.stringContaining('JSON object') as string,
    });
    respond = () => [200, 'Ada'];
    expect(await ask()).toMatchObject({ type: 'failed' });
    respond = () => null;
    expect(await ask({ lookup: { type: 'api', url, timeout_ms: 300 } })).toMatchObject({
      type: 'failed',
    });
    const strict = createSafeFetch();
    expect(await ask({ fetch: strict })).toMatchObject({ type: 'failed' });
    await strict.close();
  });
});

describe('a lookup in a list', () => {
  const csv = 'contact_number,name,plan\n+1 415 555 2671,"Ada, Lady",gold\n+442071234567,Bo,\n';
  const lookup = { type: 'csv', csv, number_column: 'contact_number' } as const;

  it('finds a contact by number, however it is written there', async () => {
    expect(await ask({ lookup })).toMatchObject({
      type: 'known',
      variables: { name: 'Ada, Lady', plan: 'gold' },
    });
    expect(await ask({ lookup, caller: '+4930123456' })).toEqual({ type: 'unknown' });
  });

  it('says what is wrong with a list', async () => {
    expect(contactsProblem(csv, 'contact_number')).toBeNull();
    expect(contactsProblem(csv, 'phone')).toMatch(/expected a column phone, got contact_number/);
    expect(contactsProblem('a,b\n"1', 'a')).not.toBeNull();
  });
});
