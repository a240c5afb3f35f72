import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { getHeader, type SipAddress, type SipMessage, type SipResponse } from './message.ts';
import type { SipParseError } from './parse-message.ts';
import { parseVia } from './parse-via.ts';
import { responseAddress, TransportLayer, type TransportLayerOptions } from './transport-layer.ts';
import { StreamTransport } from './transport-stream.ts';
import type { SipSource } from './transport.ts';

const HOST = '127.0.0.1';
const HAS_IPV6 = (networkInterfaces()['lo'] ?? []).some(({ address }) => address === '::1');
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

type Received = [message: SipMessage, source: SipSource];

/** A layer whose messages are awaited one by one. */
async function start(options: Partial<TransportLayerOptions> = {}) {
  const clock = new FakeClock();
  const layer = await TransportLayer.bind({
    host: HOST,
    port: 0,
    clock,
    logger: silentLogger,
    ...options,
  });
  opened.push(layer);
  const received: Received[] = [];
  const broken: [error: SipParseError, source: SipSource][] = [];
  let wake = (): void => undefined;
  layer.onMessage = (message, source) => {
    received.push([message, source]);
    wake();
  };
  layer.onMalformed = (error, source) => {
    broken.push([error, source]);
    wake();
  };
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const next = async (): Promise<Received> => {
    await until(() => received.length > 0);
    return received.shift() as Received;
  };
  return { layer, clock, received, broken, until, next };
}

async function udpClient(): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  opened.push({ close: () => new Promise<void>((resolve) => socket.close(() => resolve())) });
  return socket;
}

async function tcpClient(port: number): Promise<Socket> {
  const socket = connect(port, HOST);
  socket.setNoDelay(true);
  opened.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

/** A far end that accepts connections and hands them out in order. */
async function tcpServer() {
  const server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  opened.push({ close: () => server.close() });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const accepted = async (): Promise<Socket> => {
    const [socket] = (await once(server, 'connection')) as [Socket];
    opened.push({ close: () => socket.destroy() });
    return socket;
  };
  return { address: { host: HOST, port, transport: 'tcp' } as SipAddress, accepted };
}

function options(transport: string, callId = '1', via = `${HOST}:5999;rport`): string {
  return [
    `OPTIONS sip:${HOST} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${via};branch=z9hG4bK${callId}`,
    'From: <sip:a@b>;tag=1',
    'To: <sip:c@d>',
    `Call-ID: ${callId}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0\r\n\r\n',
  ].join('\r\n');
}

function ok(request: SipMessage): SipResponse {
  const copied = request.headers.filter(({ name }) => /^(via|from|to|call-id|cseq)$/i.test(name));
  return { kind: 'response', status: 200, reason: 'OK', headers: copied, body: '' };
}

const parsedRequest: SipMessage = {
  kind: 'request',
  method: 'OPTIONS',
  uri: 'sip:a@b',
  headers: [],
  body: '',
};

describe('TransportLayer over UDP', () => {
  it('T03 RFC 3581 §4: notes the source in the Via, and the response goes there', async () => {
    const { layer, next } = await start();
    const client = await udpClient();
    client.send(options('UDP', '1', '10.9.9.9:5999;rport'), layer.port, HOST);
    const [request, source] = await next();
    const { port } = client.address();
    expect(source).toEqual({ host: HOST, port, transport: 'udp' });
    expect(parseVia(getHeader(request, 'Via') ?? '')).toMatchObject({
      rport: port,
      received: HOST,
    });
    await layer.send(ok(request), responseAddress(request, source), source.connection);
    const [bytes] = (await once(client, 'message')) as [Buffer];
    expect(bytes.toString()).toMatch(
      /^SIP\/2\.0 200 OK\r\nVia: .*;rport=\d+;received=127\.0\.0\.1/,
    );
    expect(layer.counters).toMatchObject({ requestsReceived: 1, responsesReceived: 0 });
  });

  it('counts garbage and what is malformed, hands over what can be answered, ignores keep-alives', async () => {
    const { layer, next, broken } = await start();
    const client = await udpClient();
    for (const text of ['\r\n\r\n', '\0\0\0\0', 'GET / HTTP/1.1\r\n\r\n', '\x16\x03']) {
      client.send(text, layer.port, HOST);
    }
    const tooShort = options('UDP', '2').replace('Content-Length: 0', 'Content-Length: 7');
    client.send(tooShort, layer.port, HOST);
    client.send('SIP/2.0 20 OK\r\n\r\n', layer.port, HOST);
    client.send(options('UDP', 'last'), layer.port, HOST);
    await next();
    expect(layer.counters).toEqual({
      garbageReceived: 2,
      malformedReceived: 2,
      requestsReceived: 1,
      responsesReceived: 0,
    });
    expect(broken.map(([error]) => error.code)).toEqual(['truncated-body', 'bad-start-line']);
    const request = broken[0]?.[0].request;
    expect(request && getHeader(request, 'Via')).toContain(`rport=${client.address().port}`);
  });

  it('a listener that throws stops nothing', async () => {
    const { layer } = await start();
    const seen: string[] = [];
    const done = new Promise<void>((resolve) => {
      layer.onMessage = (message) => {
        seen.push(getHeader(message, 'Call-ID') ?? '');
        if (seen.length === 2) resolve();
        throw new Error('from a listener');
      };
    });
    const client = await udpClient();
    client.send(options('UDP', 'a'), layer.port, HOST);
    client.send(options('UDP', 'b'), layer.port, HOST);
    await done;
    expect(seen).toEqual(['a', 'b']);
  });

  it('resolves names, and rejects where there is no such name', async () => {
    const { layer, next } = await start();
    await layer.send(parsedRequest, { host: 'localhost', port: layer.port, transport: 'udp' });
    expect((await next())[0]).toMatchObject({ method: 'OPTIONS' });
    // Too long for a label, so that no resolver is asked.
    const nowhere: SipAddress = { host: 'x'.repeat(70), port: 5060, transport: 'udp' };
    await expect(layer.send(parsedRequest, nowhere)).rejects.toMatchObject({ syscall: /./ });
  });

  it.skipIf(!HAS_IPV6)(
    'serves IPv4 and IPv6 on a dual-stack socket, IPv4 written as such',
    async () => {
      const { layer, next } = await start({ host: '::' });
      const client = await udpClient();
      client.send(options('UDP'), layer.port, HOST);
      const [request, source] = await next();
      expect(source.host).toBe(HOST);
      await layer.send(ok(request), responseAddress(request, source));
      expect(((await once(client, 'message')) as [Buffer])[0].toString()).toContain('200 OK');
      await layer.send(parsedRequest, { host: '::1', port: layer.port, transport: 'udp' });
      expect((await next())[1].host).toBe('::1');
    },
  );
});

describe('TransportLayer over TCP', () => {
  it('T04 RFC 3261 §18.2.2: a response goes back on the connection of the request', async () => {
    const { layer, next } = await start();
    const client = await tcpClient(layer.port);
    for (const char of options('TCP')) client.write(char);
    const [request, source] = await next();
    expect(source).toMatchObject({ transport: 'tcp', port: client.localPort });
    const elsewhere: SipAddress = { host: HOST, port: 9, transport: 'tcp' };
    await layer.send(ok(request), elsewhere, source.connection);
    const [bytes] = (await once(client, 'data')) as [Buffer];
    expect(bytes.toString()).toMatch(/^SIP\/2\.0 200 OK/);
  });

  it('T04 takes 20 messages of one segment in order', async () => {
    const { layer, received, until } = await start();
    const client = await tcpClient(layer.port);
    const ids = Array.from({ length: 20 }, (_, n) => `call-${n}`);
    client.write(ids.map((id) => options('TCP', id)).join(''));
    await until(() => received.length === 20);
    expect(received.map(([message]) => getHeader(message, 'Call-ID'))).toEqual(ids);
  });

  it('T04 RFC 5626 §4.4.1: answers a ping with a pong', async () => {
    const { layer } = await start();
    const client = await tcpClient(layer.port);
    client.write('\r\n\r\n');
    const [bytes] = (await once(client, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('\r\n');
  });

  it('T04 uses one connection for all that goes to one far end', async () => {
    const { layer, next } = await start();
    const { address, accepted } = await tcpServer();
    const connection = accepted();
    const sends = [1, 2, 3].map(() => layer.send(parsedRequest, address));
    const socket = await connection;
    await Promise.all(sends);
    socket.write(options('TCP', 'back'));
    const [, source] = await next();
    expect(source).toMatchObject({ host: HOST, port: address.port });
    await layer.send(parsedRequest, source);
    let text = '';
    while (text.split('OPTIONS').length < 5) {
      text += String(((await once(socket, 'data')) as [Buffer])[0]);
    }
    expect(text.split('OPTIONS')).toHaveLength(5);
  });

  it('T04 opens a new connection after the far end has reset the old one', async () => {
    const { layer, next } = await start();
    const { address, accepted } = await tcpServer();
    const first = accepted();
    await layer.send(parsedRequest, address);
    const oldSocket = await first;
    oldSocket.write(options('TCP', 'before'));
    const [, { connection }] = await next();
    oldSocket.resetAndDestroy();
    // What is written into the dead connection is lost; the loss shows in `open`.
    const isOpen = (): boolean => connection?.open === true;
    while (isOpen()) await new Promise((resolve) => setImmediate(resolve));
    const second = accepted();
    await layer.send(parsedRequest, address);
    const [bytes] = (await once(await second, 'data')) as [Buffer];
    expect(bytes.toString()).toContain('OPTIONS');
  });

  it('rejects where nobody listens', async () => {
    const { layer } = await start();
    const gone = await start();
    const port = gone.layer.port;
    await gone.layer.close();
    await expect(
      layer.send(parsedRequest, { host: HOST, port, transport: 'tcp' }),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('lets a message without Content-Length be answered, then closes', async () => {
    const { layer, broken } = await start();
    const answered = layer.onMalformed;
    layer.onMalformed = (error, source) => {
      answered(error, source);
      if (error.request)
        void layer.send({ ...ok(error.request), status: 400 }, source, source.connection);
    };
    const client = await tcpClient(layer.port);
    let text = '';
    client.on('data', (bytes) => (text += String(bytes)));
    client.write(options('TCP').replace('Content-Length: 0\r\n', ''));
    await once(client, 'close');
    expect(text).toMatch(/^SIP\/2\.0 400 /);
    expect(broken.map(([error]) => error.code)).toEqual(['bad-content-length']);
  });

  it('a far end that does not close its side is cut off', async () => {
    const clock = new FakeClock();
    const transport = await StreamTransport.bind({
      host: HOST,
      port: 0,
      clock,
      idleTimeoutMs: 1000,
    });
    opened.push(transport);
    const came = new Promise<void>((resolve) => {
      transport.events.on('message', () => resolve());
    });
    const client = connect({ port: transport.localPort, host: HOST, allowHalfOpen: true });
    opened.push({ close: () => client.destroy() });
    client.resume();
    const ended = once(client, 'end');
    client.write(options('TCP'));
    await came;
    await clock.advance(1000);
    await ended;
    expect(transport.connectionCount).toBe(1);
    await clock.advance(5000);
    expect(transport.connectionCount).toBe(0);
  });

  it('closes a connection that speaks no SIP', async () => {
    const { layer } = await start();
    const binary = await tcpClient(layer.port);
    binary.write(Buffer.from([0x16, 0x03, 0x01]));
    await once(binary, 'close');
    const http = await tcpClient(layer.port);
    http.resume();
    http.write('GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
    await once(http, 'close');
    expect(layer.counters.garbageReceived).toBe(2);
  });

  it('closes an idle connection, not one that is in use', async () => {
    const { layer, clock, next } = await start({ tcp: { idleTimeoutMs: 1000 } });
    const busy = await tcpClient(layer.port);
    const idle = await tcpClient(layer.port);
    idle.resume();
    const idleClosed = once(idle, 'close');
    idle.write(options('TCP', 'idle'));
    await next();
    await clock.advance(900);
    busy.write(options('TCP', 'busy'));
    const [, { connection }] = await next();
    await clock.advance(200);
    await idleClosed;
    expect(connection?.open).toBe(true);
  });

  it('keeps a connection open as long as there is traffic', async () => {
    const { layer, clock, next } = await start({ tcp: { idleTimeoutMs: 1000 } });
    const client = await tcpClient(layer.port);
    for (let turn = 0; turn < 4; turn++) {
      client.write(options('TCP', String(turn)));
      const [, source] = await next();
      expect(source.connection?.open).toBe(true);
      await clock.advance(700);
    }
  });

  it('closes a connection that never finishes its message', async () => {
    const { layer, clock, next } = await start({ tcp: { partialTimeoutMs: 500 } });
    const client = await tcpClient(layer.port);
    client.resume();
    const closed = once(client, 'close');
    client.write(`${options('TCP', 'whole')}INVITE sip:a@b SIP/2.0\r\n`);
    const [, { connection }] = await next();
    await clock.advance(499);
    expect(connection?.open).toBe(true);
    await clock.advance(1);
    await closed;
    expect(layer.counters.requestsReceived).toBe(1);
  });

  it('closes a connection on which nothing is ever said', async () => {
    const { layer, clock } = await start({ tcp: { partialTimeoutMs: 500 } });
    const client = await tcpClient(layer.port);
    client.resume();
    const closed = once(client, 'close');
    // A keep-alive is no message.
    client.write('\r\n\r\n');
    await once(client, 'data');
    await clock.advance(500);
    await closed;
  });

  it('refuses connections beyond its limit', async () => {
    const { layer, next } = await start({ tcp: { maxConnections: 1 } });
    const first = await tcpClient(layer.port);
    first.write(options('TCP', 'first'));
    await next();
    const second = await tcpClient(layer.port);
    second.resume();
    await once(second, 'close');
    first.write(options('TCP', 'again'));
    expect(getHeader((await next())[0], 'Call-ID')).toBe('again');
  });

  it('refuses to pile up bytes for a far end that does not read', async () => {
    const { layer } = await start({ tcp: { maxPendingBytes: 1000 } });
    const { address } = await tcpServer();
    const large = { ...parsedRequest, body: 'x'.repeat(2000) };
    await expect(layer.send(large, address)).rejects.toThrow('bytes waiting');
  });

  it('gives up connecting after its time', async () => {
    const { layer, clock } = await start({ tcp: { connectTimeoutMs: 1000 } });
    // The far end is a name that resolves on a later turn, so that the clock comes first.
    const { address } = await tcpServer();
    const sent = layer.send(parsedRequest, { ...address, host: 'localhost' });
    const failed = expect(sent).rejects.toThrow('not made in time');
    const pending = clock.advance(1000);
    await Promise.all([failed, pending]);
  });
});

describe('TransportLayer', () => {
  it('binds UDP and TCP on one port', async () => {
    const { layer, next } = await start();
    const udp = await udpClient();
    udp.send(options('UDP', 'u'), layer.port, HOST);
    expect((await next())[1].transport).toBe('udp');
    (await tcpClient(layer.port)).write(options('TCP', 't'));
    expect((await next())[1].transport).toBe('tcp');
  });

  it.each(['udp', 'tcp'] as const)('says which port is taken, by %s', async (transport) => {
    const { layer } = await start({ transports: [transport] });
    const again = start({ port: layer.port });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(again).rejects.toThrow(`SIP port ${layer.port} (${transport}, ${HOST})`);
  });

  it('frees the UDP port where TCP cannot be bound', async () => {
    const { layer } = await start({ transports: ['tcp'] });
    await expect(start({ port: layer.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const udpOnly = await start({ port: layer.port, transports: ['udp'] });
    expect(udpOnly.layer.port).toBe(layer.port);
  });

  it('rejects a transport that is not bound, and a message that cannot be written', async () => {
    const { layer } = await start({ transports: ['udp'] });
    const to: SipAddress = { host: HOST, port: 5060, transport: 'tcp' };
    await expect(layer.send(parsedRequest, to)).rejects.toThrow('transport tcp is not bound');
    const evil = { ...parsedRequest, headers: [{ name: 'X', value: 'a\r\nb' }] };
    await expect(layer.send(evil, to)).rejects.toThrow(TypeError);
  });

  it('closes once, and sends nothing after', async () => {
    const { layer } = await start();
    await Promise.all([layer.close(), layer.close()]);
    for (const transport of ['udp', 'tcp'] as const) {
      await expect(
        layer.send(parsedRequest, { host: HOST, port: 5060, transport }),
      ).rejects.toThrow('is closed');
    }
  });
});
