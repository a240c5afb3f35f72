import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { EgressError } from './egress-error.ts';
import { createSafeFetch, type SafeFetch, type SafeFetchOptions } from './safe-fetch.ts';

/** Answers on every address of this machine and counts who connects. */
interface Witness {
  port: number;
  connectionCount: number;
  requests: string[];
  answer: http.RequestListener;
  close(): Promise<void>;
}

async function openWitness(): Promise<Witness> {
  const witness: Witness = {
    port: 0,
    connectionCount: 0,
    requests: [],
    answer: (_request, response) => void response.end('hello'),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const server = http.createServer((request, response) => {
    witness.requests.push(`${request.method} ${request.url}`);
    witness.answer(request, response);
  });
  server.on('connection', () => {
    witness.connectionCount++;
  });
  server.listen(0, '::');
  await once(server, 'listening');
  witness.port = (server.address() as net.AddressInfo).port;
  return witness;
}

let witness: Witness;
const opened: SafeFetch[] = [];

function safeFetch(options: SafeFetchOptions = {}): SafeFetch {
  const made = createSafeFetch(options);
  opened.push(made);
  return made;
}

/** A client that may ask the witness. */
const local = (options: SafeFetchOptions = {}): SafeFetch =>
  safeFetch({ allowPrivateTargets: ['127.0.0.0/8'], ...options });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof EgressError) return error.code;
    throw error;
  }
  return 'no error';
}

beforeEach(async () => {
  witness = await openWitness();
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await witness.close();
});

/** Spellings of addresses that are not public; most of them lead to this machine. */
const DISGUISES: readonly string[] = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '127.255.255.254',
  '2130706433',
  '0177.0.0.1',
  '017700000001',
  '0x7f.0.0.1',
  '0x7f000001',
  '0X7F.1',
  '0',
  '0.0.0.0',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[::ffff:0:7f00:1]',
  '１２７.０.０.１',
  '127。0。0。1',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  'localhost',
  'LOCALHOST.',
  '169.254.169.254',
  '[::ffff:169.254.169.254]',
  '[fd00:ec2::254]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '198.18.0.1',
  '192.0.0.8',
  '192.0.2.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[fe80::1]',
  '[fec0::1]',
  '[fd12:3456::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[100::1]',
  '[4000::1]',
];

describe('requests to what strangers name', () => {
  it.each(DISGUISES)('never connect to http://%s', async (host) => {
    const url = `http://${host}:${witness.port}/`;
    const code = await codeOf(safeFetch({ connectTimeoutMs: 2_000 })(url));
    // Not every resolver knows every spelling of localhost.
    expect(['refused-target', ...(/^localhost/i.test(host) ? ['unresolved'] : [])]).toContain(code);
    expect(witness.connectionCount).toBe(0);
  });

  it.each([
    ['one bad address behind good ones', ['93.184.216.34', '127.0.0.1']],
    ['only a bad address', ['10.1.2.3']],
    ['an IPv4-mapped one', ['::ffff:127.0.0.1']],
    ['something that is no address', ['127.1']],
  ])('never connect where a name resolves to %s', async (_case, addresses) => {
    const resolve = (): Promise<string[]> => Promise.resolve(addresses);
    const url = `http://hooks.example.com:${witness.port}/`;
    expect(await codeOf(safeFetch({ resolve })(url))).toBe('refused-target');
    expect(witness.connectionCount).toBe(0);
  });

  it('judge the address that is connected to: a name that was good once is resolved once', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let asked = 0;
    const client = safeFetch({
      // As if 127.0.0.1 were public: the second answer would be the attack.
      allowPrivateTargets: ['127.0.0.0/8'],
      resolve: () => Promise.resolve(answers[asked++] ?? ['10.0.0.1']),
    });
    const url = `http://rebind.example.com:${witness.port}/`;
    expect((await client(url)).text()).toBe('hello');
    expect(asked).toBe(1);
    // A new connection asks again and is refused by what it hears now.
    witness.answer = (_request, response) => void response.socket?.destroy();
    await codeOf(client(url));
    expect(await codeOf(client(url))).toBe('refused-target');
  });

  it('do not follow a redirect, wherever it leads', async () => {
    witness.answer = (_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${witness.port}/inside` }).end();
    };
    const response = await local()(`http://127.0.0.1:${witness.port}/`);
    expect([response.status, response.ok]).toEqual([302, false]);
    expect(witness.requests).toEqual(['GET /']);
  });

  it.each([
    ['ftp://example.com/', 'expected http or https, got ftp'],
    ['file:///etc/passwd', 'expected http or https, got file'],
    ['gopher://example.com/', 'expected http or https, got gopher'],
    ['http://user:secret@example.com/', 'user name or password'],
    ['http://user@example.com/', 'user name or password'],
    ['http://example.com:25/', 'expected port 80, 443'],
    ['https://example.com:22/', 'expected port 80, 443'],
    ['example.com/hook', 'not a URL'],
    [`https://example.com/${'x'.repeat(2_000)}`, 'longer than 2000 characters'],
    ['http://127.0.0.1:8080/', 'ALLOW_PRIVATE_TARGETS'],
    ['http://localhost:8080/', 'ALLOW_PRIVATE_TARGETS'],
    ['http://api.LocalHost./', 'ALLOW_PRIVATE_TARGETS'],
    ['https://example.com/\r\nX-Evil: 1', 'line break'],
  ])('refuse %s', async (url, why) => {
    const client = safeFetch();
    expect(client.checkTargetUrl(url)).toContain(why);
    expect(await codeOf(client(url))).toBe('refused-target');
  });

  it('take https and http with a web port or a high one', () => {
    const client = safeFetch();
    for (const url of ['https://example.com/h?a=1', 'http://example.com:8080', 'https://8.8.8.8']) {
      expect(client.checkTargetUrl(url)).toBeNull();
    }
  });
});

describe('addresses that are allowed by name', () => {
  it('may be asked, and no others', async () => {
    const client = safeFetch({ allowPrivateTargets: ['127.0.0.2/32', '10.0.0.0/8'] });
    expect((await client(`http://127.0.0.2:${witness.port}/`)).text()).toBe('hello');
    expect(await codeOf(client(`http://127.0.0.1:${witness.port}/`))).toBe('refused-target');
    expect(await codeOf(client(`http://[::1]:${witness.port}/`))).toBe('refused-target');
    expect(client.checkTargetUrl('http://10.9.8.7/')).toBeNull();
  });

  it('are the same in the clothes of IPv6', async () => {
    const client = local();
    expect((await client(`http://[::ffff:127.0.0.1]:${witness.port}/`)).status).toBe(200);
  });

  it('must be CIDRs', () => {
    for (const wrong of ['10.0.0.0/33', 'example.com', '10.0.0.0/', '127.1/8', '10/8', '/8']) {
      expect(() => createSafeFetch({ allowPrivateTargets: [wrong] }), wrong).toThrow();
    }
  });
});

describe('limits', () => {
  it('end a request that takes too long, on the clock that was given', async () => {
    const clock = new FakeClock();
    witness.answer = () => undefined;
    const asked = codeOf(local({ clock })(`http://127.0.0.1:${witness.port}/`, { timeoutMs: 500 }));
    await clock.advance(500);
    expect(await asked).toBe('timeout');
  });

  it('end a response whose body trickles for ever', async () => {
    const clock = new FakeClock();
    const begun = new Promise<void>((resolve) => {
      witness.answer = (_request, response) => {
        response.write('a', () => resolve());
      };
    });
    const asked = codeOf(local({ clock })(`http://127.0.0.1:${witness.port}/`, { timeoutMs: 500 }));
    await begun;
    await clock.advance(500);
    expect(await asked).toBe('timeout');
  });

  it('end a request that its caller aborts', async () => {
    const abort = new AbortController();
    witness.answer = () => abort.abort();
    const url = `http://127.0.0.1:${witness.port}/`;
    expect(await codeOf(local()(url, { signal: abort.signal }))).toBe('aborted');
  });

  it('refuse a body that is too large, or keep the beginning of it', async () => {
    witness.answer = (_request, response) => void response.end('x'.repeat(100_000));
    const url = `http://127.0.0.1:${witness.port}/`;
    expect(await codeOf(local()(url, { maxResponseBytes: 1_000 }))).toBe('response-too-large');
    const cut = await local()(url, { maxResponseBytes: 1_000, onLargeResponse: 'cut' });
    expect([cut.body.length, cut.cut]).toEqual([1_000, true]);
  });

  it('refuse a head that is too large', async () => {
    witness.answer = (_request, response) => {
      response.writeHead(200, { 'x-large': 'x'.repeat(20_000) }).end();
    };
    const asked = local()(`http://127.0.0.1:${witness.port}/`);
    expect(await codeOf(asked)).toBe('response-too-large');
  });

  it('say what is wrong with an answer that is not HTTP, or not JSON', async () => {
    const server = net.createServer((socket) => {
      socket.once('data', () => socket.end('220 mail.example.com ESMTP\r\n'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    expect(await codeOf(local()(`http://127.0.0.1:${port}/`))).toBe('bad-response');
    server.close();
    const response = await local()(`http://127.0.0.1:${witness.port}/`);
    expect(() => response.json()).toThrow(EgressError);
  });

  it('say that nobody listens', async () => {
    const { port } = witness;
    await witness.close();
    expect(await codeOf(local()(`http://127.0.0.1:${port}/`))).toBe('unreachable');
    witness = await openWitness();
  });

  it('say that a name does not resolve', async () => {
    const resolve = (): Promise<never> => Promise.reject(new Error('ENOTFOUND'));
    expect(await codeOf(safeFetch({ resolve })('http://nowhere.example/'))).toBe('unresolved');
  });
});

describe('a request', () => {
  it('carries method, headers and body, and gives status, headers and JSON', async () => {
    witness.answer = (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        response.writeHead(201, { 'content-type': 'application/json', 'set-cookie': ['a', 'b'] });
        response.end(JSON.stringify({ body, type: request.headers['content-type'] }));
      });
    };
    const response = await local()(`http://127.0.0.1:${witness.port}/path?q=1`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'grüße',
    });
    expect(witness.requests).toEqual(['POST /path?q=1']);
    expect([response.status, response.headers['set-cookie']]).toEqual([201, 'a, b']);
    expect(response.json()).toEqual({ body: 'grüße', type: 'text/plain' });
  });

  it('shares connections with the requests before it', async () => {
    const client = local();
    for (let i = 0; i < 5; i++) await client(`http://127.0.0.1:${witness.port}/`);
    // The pool may open a second one before it has seen that the first is free.
    expect(witness.connectionCount).toBeLessThan(3);
  });

  it('fails after close, and close may be called twice', async () => {
    const client = local();
    await client(`http://127.0.0.1:${witness.port}/`);
    await client.close();
    await client.close();
    expect(await codeOf(client(`http://127.0.0.1:${witness.port}/`))).toBe('aborted');
  });
});
