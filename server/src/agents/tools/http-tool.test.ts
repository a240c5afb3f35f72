import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSafeFetch, type SafeFetch } from '../../egress/safe-fetch.ts';
import { systemClock } from '../../shared/clock.ts';
import type { ToolResult } from './call-tool.ts';
import { CallVariables } from './call-variables.ts';
import { httpTool } from './http-tool.ts';
import { httpToolSchema } from './tool-schema.ts';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let origin: string;
let answer: RequestListener;
let seen: Seen[];
let fetch: SafeFetch;

beforeEach(async () => {
  seen = [];
  answer = (_request, response) => void response.end('{"ok":true}');
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fetch = createSafeFetch({ allowPrivateTargets: ['127.0.0.0/8'] });
});
afterEach(async () => {
  await fetch.close();
  server.closeAllConnections();
  server.close();
});

const SECRET = 'sk-very-secret-0815';

interface Run {
  args?: Record<string, unknown>;
  variables?: CallVariables;
  over?: AbortSignal;
  through?: SafeFetch;
}

function run(config: Record<string, unknown>, options: Run = {}): Promise<ToolResult> {
  const tool = httpTool({
    config: httpToolSchema.parse({
      type: 'http',
      name: 'look_up',
      description: 'Looks up.',
      ...config,
    }),
    fetch: options.through ?? fetch,
    variables: options.variables ?? new CallVariables({ customer: 'c 1' }),
    secrets: { CRM_TOKEN: SECRET },
    clock: systemClock,
  });
  const never = new AbortController().signal;
  return tool.run(options.args ?? {}, { over: options.over ?? never, interrupted: never });
}

describe('an HTTP tool', () => {
  it('fills arguments, variables and secrets into path, query, headers and body', async () => {
    await run(
      {
        request: {
          method: 'PUT',
          url: `${origin}/customers/{customer}/orders/{order.id}`,
          query: { day: '{day}' },
          headers: { Authorization: 'Bearer {{secrets.CRM_TOKEN}}', 'X-Day': 'on {day}' },
          body: { count: '{count}', note: 'for {customer}', list: ['{day}'] },
        },
      },
      { args: { day: '1/2 ?', count: 3, order: { id: 'a/b' } } },
    );
    expect(seen[0]).toMatchObject({
      method: 'PUT',
      url: '/customers/c%201/orders/a%2Fb?day=1%2F2+%3F',
      headers: { authorization: `Bearer ${SECRET}`, 'x-day': 'on 1/2 ?' },
    });
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      count: 3,
      note: 'for c 1',
      list: ['1/2 ?'],
    });
  });

  it('sends the arguments as they are where the request names no places for them', async () => {
    const parameters = { type: 'object', properties: { day: { type: 'string' } } };
    await run({ request: { url: `${origin}/a` } }, { args: { day: 'x' } });
    await run(
      { parameters, request: { method: 'GET', url: `${origin}/b` } },
      { args: { day: 'x' } },
    );
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/a', '{"day":"x"}'],
      ['GET', '/b?day=x', ''],
    ]);
  });

  it('tells the model what the mapping picks, and keeps variables', async () => {
    answer = (_request, response) =>
      void response.end('{"data":{"slots":["10:00","11:00"]},"ref":7}');
    const variables = new CallVariables({});
    const response = { text: '/data/slots', variables: { ref: 'ref', first: 'data.slots[0]' } };
    const result = await run({ request: { url: `${origin}/` }, response }, { variables });
    expect(result).toMatchObject({ content: '["10:00","11:00"]', goOn: true });
    expect(variables.learned).toEqual({ ref: '7', first: '10:00' });
  });

  it('never lets a model or a caller name a secret', async () => {
    const sneaky = '{{secrets.CRM_TOKEN}}';
    await run(
      { request: { url: `${origin}/`, body: { a: '{a}', b: '{b}' } } },
      { args: { a: sneaky }, variables: new CallVariables({ b: sneaky, 'secrets.X': 'x' }) },
    );
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ a: sneaky, b: sneaky });
    const unset = await run({ request: { url: `${origin}/{{secrets.X}}` } });
    expect(unset).toMatchObject({
      status: 'refused',
      content: 'The tool is not set up correctly.',
    });
    expect(seen).toHaveLength(1);
  });

  it('leaves secrets out of what a server sends back', async () => {
    answer = (request, response) =>
      void response.end(JSON.stringify({ got: request.headers.authorization }));
    const variables = new CallVariables({});
    const result = await run(
      {
        request: {
          url: `${origin}/`,
          headers: { authorization: 'Bearer {{secrets.CRM_TOKEN}}' },
        },
        response: { variables: { got: 'got' } },
      },
      { variables },
    );
    expect(JSON.stringify([result, variables.all])).not.toContain(SECRET);
    expect(result.content).toContain('[secret]');
  });

  it('sends no line break in a header, whatever a variable holds, and keeps its own headers', async () => {
    await run(
      { request: { url: `${origin}/`, headers: { 'x-name': '{name}', Host: 'evil.example' } } },
      { args: { name: 'a\r\nX-Evil: 1' } },
    );
    expect(seen[0]?.headers['x-name']).toBe('a  X-Evil: 1');
    expect(seen[0]?.headers['x-evil']).toBeUndefined();
    expect(seen[0]?.headers.host).toMatch(/^127\.0\.0\.1/);
  });

  it.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
  ])('does not ask %s', async (url) => {
    const guarded = createSafeFetch();
    const { port } = server.address() as AddressInfo;
    const result = await run(
      { request: { method: 'GET', url: url.replace('PORT', String(port)) } },
      { through: guarded },
    );
    await guarded.close();
    expect(result).toMatchObject({
      status: 'refused',
      content: 'The request failed: the address may not be asked.',
    });
    expect(seen).toHaveLength(0);
  });

  it('does not follow a redirect', async () => {
    answer = (_request, response) =>
      void response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    const result = await run({ request: { url: `${origin}/` } });
    expect(result).toMatchObject({
      status: 'failed',
      error: 'The server answered with the error 302.',
    });
    expect(seen).toHaveLength(1);
  });

  it('gives up in its time, and says no address', async () => {
    answer = () => undefined;
    const result = await run({ request: { url: `${origin}/` }, timeout_ms: 100 });
    expect(result).toMatchObject({
      status: 'timeout',
      content: 'The request failed: there was no answer in time.',
    });
    expect(JSON.stringify(result)).not.toContain('127.0.0.1');
  });

  it('gives up when the call is over', async () => {
    const over = new AbortController();
    answer = () => over.abort();
    const result = await run({ request: { url: `${origin}/` } }, { over: over.signal });
    expect(result).toMatchObject({ status: 'canceled' });
  });

  it('tells of a server that dies, and of one that refuses', async () => {
    answer = (request) => void request.socket.destroy();
    expect(await run({ request: { url: `${origin}/` } })).toMatchObject({
      status: 'failed',
      content: 'The request failed: nobody answered.',
    });
    answer = (_request, response) =>
      void response.writeHead(422).end('{"error":"that day is full"}');
    expect((await run({ request: { url: `${origin}/` } })).content).toBe(
      'The server answered with the error 422. {"error":"that day is full"}',
    );
  });

  it('refuses an answer that is too large, and cuts one that is long', async () => {
    answer = (_request, response) => void response.end('x'.repeat(300_000));
    expect(await run({ request: { url: `${origin}/` } })).toMatchObject({ status: 'failed' });
    answer = (_request, response) => void response.end('word '.repeat(100));
    const { content } = await run({ request: { url: `${origin}/` }, response: { max_chars: 9 } });
    expect(content).toBe('word word [cut]');
  });

  it('tries a GET again, and nothing else', async () => {
    answer = (_request, response) =>
      void (seen.length === 1 ? response.writeHead(503).end() : response.end('"free"'));
    const get = await run({ request: { method: 'GET', url: `${origin}/` } });
    expect([get.content, seen.length]).toEqual(['free', 2]);
    answer = (_request, response) => void response.writeHead(503).end();
    const post = await run({ request: { url: `${origin}/` } });
    expect([post.status, seen.length]).toEqual(['failed', 3]);
  });
});
