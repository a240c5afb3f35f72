import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { once as onceEvent } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../shared/clock.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import type { InboundLeg, Leg } from './leg.ts';
import { getHeader, type SipAddress } from './message.ts';
import { selfSignedCertificate, type CertificatePair } from './self-signed-certificate.ts';
import { ANSWER, OFFER, once } from './testing/two-agents.ts';
import { StreamTransport } from './transport-stream.ts';
import { startUserAgent, type UserAgent } from './user-agent.ts';

const HOST = '127.0.0.1';
let pair: CertificatePair;
const opened: { close(): unknown }[] = [];

beforeAll(async () => {
  pair = await selfSignedCertificate([HOST, 'sip.test'], clock.now());
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function agent(
  tls: { pair?: CertificatePair; ca?: string[]; requireClientCert?: boolean } = {},
): Promise<UserAgent> {
  const { key, cert } = tls.pair ?? pair;
  const { ca, requireClientCert } = tls;
  const ua = await startUserAgent({
    host: HOST,
    port: 0,
    tls: { port: 0, key, cert, ca, requireClientCert },
    userAgent: 'test',
    clock,
    logger,
    t1Ms: 100,
  });
  opened.push(ua);
  return ua;
}

function call(from: UserAgent, to: UserAgent, host = HOST): Leg {
  const nextHop = { host, port: to.tlsPort ?? 0, transport: 'tls' as const };
  const id = Math.random().toString(36).slice(2);
  return from.invite({
    requestUri: `sip:bob@${host}:${nextHop.port};transport=tls`,
    nextHop,
    sipCallId: id,
    localTag: id,
    branch: `z9hG4bK${id}`,
    from: { uri: `sip:alice@${HOST}` },
    to: { uri: `sip:bob@${host}` },
    sdp: OFFER,
  });
}

describe('SIP over TLS', () => {
  it('T06 RFC 3261 §26: carries a whole call, each side on its own TLS port', async () => {
    const callee = await agent({ ca: [pair.cert] });
    const caller = await agent({ ca: [pair.cert] });
    let inbound: InboundLeg | undefined;
    callee.events.on('invite', (leg) => {
      inbound = leg;
      leg.answer(ANSWER);
    });
    const leg = call(caller, callee);
    expect(await once(leg, 'answered')).toEqual({ sdp: ANSWER });
    expect(getHeader(inbound?.request as never, 'Via')).toContain(
      `SIP/2.0/TLS ${HOST}:${caller.tlsPort};`,
    );
    expect(getHeader(inbound?.request as never, 'Contact')).toContain(
      `@${HOST}:${caller.tlsPort};transport=tls`,
    );
    expect(inbound?.source.transport).toBe('tls');
    const ended = once(leg, 'ended');
    await inbound?.hangup();
    expect(await ended).toMatchObject({ by: 'remote' });
  });

  it('T06 RFC 5922 §7: does not speak to a far end whose certificate nobody vouches for', async () => {
    const callee = await agent();
    const caller = await agent();
    const leg = call(caller, callee);
    expect(await once(leg, 'failed')).toMatchObject({ cause: 'transport', local: true });
  });

  it('T06 RFC 5922 §7: does not speak to a far end with the certificate of another name', async () => {
    const other = await selfSignedCertificate(['other.test'], clock.now());
    const callee = await agent({ pair: other });
    const caller = await agent({ ca: [other.cert] });
    const leg = call(caller, callee);
    expect(await once(leg, 'failed')).toMatchObject({ cause: 'transport', local: true });
  });

  it('T06 RFC 5922 §7: does not speak to a far end whose certificate is out of date', async () => {
    const old = await selfSignedCertificate([HOST], clock.now() - 11 * 365 * 86_400_000);
    const callee = await agent({ pair: old });
    const caller = await agent({ ca: [old.cert] });
    const leg = call(caller, callee);
    expect(await once(leg, 'failed')).toMatchObject({ cause: 'transport', local: true });
  });

  it('T06 lets nobody in without a certificate where it asks for one', async () => {
    const callee = await agent({ ca: [pair.cert], requireClientCert: true });
    const stranger = connectTls({ host: HOST, port: callee.tlsPort ?? 0, ca: [pair.cert] });
    opened.push({ close: () => stranger.destroy() });
    stranger.on('error', () => undefined);
    await new Promise((resolve) => stranger.once('close', resolve));
    const caller = await agent({ ca: [pair.cert] });
    callee.events.on('invite', (leg) => leg.answer(ANSWER));
    expect(await once(call(caller, callee), 'answered')).toEqual({ sdp: ANSWER });
  });

  it('T06 speaks TLS 1.2 at least', async () => {
    const callee = await agent();
    const at = { host: HOST, port: callee.tlsPort ?? 0, rejectUnauthorized: false };
    const old = connectTls({ ...at, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    const [error] = (await onceEvent(old, 'error')) as [Error];
    expect(error.message).toMatch(/protocol|version|handshake|alert/i);
    const now: TLSSocket = connectTls({ ...at, maxVersion: 'TLSv1.2' });
    await onceEvent(now, 'secureConnect');
    expect(now.getProtocol()).toBe('TLSv1.2');
    now.destroy();
  });

  it('T04 RFC 5923: a far end that is known by name is reached and known by its address on the same connection', async () => {
    const named = await selfSignedCertificate(['localhost'], clock.now());
    // Its Contact is an address, for which its certificate is not good.
    const callee = await agent({ pair: named });
    const caller = await agent({ ca: [named.cert] });
    let inbound: InboundLeg | undefined;
    callee.events.on('invite', (leg) => {
      inbound = leg;
      leg.answer(ANSWER);
    });
    const leg = call(caller, callee, 'localhost');
    await once(leg, 'answered');
    const acked = once(inbound as InboundLeg, 'answered');
    await acked;
    const sources: SipAddress[] = [];
    caller.screen = (_request, source) => {
      sources.push(source);
      return 'accept';
    };
    const response = await callee.request({
      method: 'OPTIONS',
      requestUri: `sip:${HOST}`,
      nextHop: inbound?.source as SipAddress,
      from: `sip:bob@${HOST}`,
      to: `sip:alice@${HOST}`,
    });
    expect(response.status).toBe(200);
    expect(sources[0]).toMatchObject({ host: HOST, port: callee.tlsPort });
    const ended = once(inbound as InboundLeg, 'ended');
    await leg.hangup();
    expect(await ended).toMatchObject({ by: 'remote' });
  });

  it('one host cannot take every connection, even without shaking hands', async () => {
    const callee = await agent({ ca: [pair.cert] });
    const crowd = Array.from({ length: 140 }, () => connectTcp(callee.tlsPort ?? 0, HOST));
    let closed = 0;
    const refused = new Promise<void>((resolve) => {
      for (const one of crowd) {
        one.on('error', () => undefined);
        one.once('close', () => ++closed === 12 && resolve());
        opened.push({ close: () => one.destroy() });
      }
    });
    await refused;
    expect(crowd.filter((one) => !one.destroyed)).toHaveLength(128);
  });

  it('closes the connection of a stranger whom it does not answer', async () => {
    const callee = await agent();
    callee.screen = () => 'drop';
    const at = { host: HOST, port: callee.tlsPort ?? 0, rejectUnauthorized: false };
    const stranger = connectTls(at);
    const heard: Buffer[] = [];
    stranger.on('data', (bytes: Buffer) => heard.push(bytes));
    stranger.write(
      [
        'OPTIONS sip:100@x SIP/2.0',
        'Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKs',
        'From: <sip:a@x>;tag=1',
        'To: <sip:100@x>',
        'Call-ID: s',
        'CSeq: 1 OPTIONS',
        'Max-Forwards: 70',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
    await onceEvent(stranger, 'close');
    expect(heard).toEqual([]);
  });

  it('counts a connection of a host until it is closed', async () => {
    const { key, cert } = pair;
    const limits = { host: HOST, port: 0, clock, maxConnectionsPerHost: 1 };
    const transport = await StreamTransport.bind({ ...limits, tls: { key, cert } });
    opened.push(transport);
    const at = { host: HOST, port: transport.localPort, rejectUnauthorized: false };
    for (let turn = 0; turn < 3; turn++) {
      const client = connectTls(at);
      client.on('error', () => undefined);
      await onceEvent(client, 'secureConnect');
      const second = connectTls(at);
      await onceEvent(second, 'error');
      client.destroy();
      while (transport.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
      while (transport.hostCount > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it('closes a connection whose handshake does not end', async () => {
    const { key, cert } = pair;
    const transport = await StreamTransport.bind({
      host: HOST,
      port: 0,
      clock,
      tls: { key, cert },
      handshakeTimeoutMs: 50,
    });
    opened.push(transport);
    const silent = connectTcp(transport.localPort, HOST);
    await onceEvent(silent, 'close');
    expect(transport.connectionCount).toBe(0);
  });

  it('survives what is no TLS on its port', async () => {
    const callee = await agent({ ca: [pair.cert] });
    const garbage = connectTcp(callee.tlsPort ?? 0, HOST);
    garbage.on('error', () => undefined);
    garbage.write('OPTIONS sip:x SIP/2.0\r\n\r\n');
    await onceEvent(garbage, 'close');
    const caller = await agent({ ca: [pair.cert] });
    callee.events.on('invite', (leg) => leg.answer(ANSWER));
    expect(await once(call(caller, callee), 'answered')).toEqual({ sdp: ANSWER });
  });
});
