import dgram from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PortPool } from '../rtp/port-pool.ts';
import { writeReport } from '../rtp/rtcp.ts';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/rtp-packet.ts';
import { systemClock } from '../shared/clock.ts';
import { RtpRelay } from './rtp-relay.ts';

const HOST = '127.0.0.1';
let relay: RtpRelay;
let caller: dgram.Socket;
let callee: dgram.Socket;

beforeEach(async () => {
  const ports = new PortPool({ host: HOST, portMin: 48_600, portMax: 48_700, clock: systemClock });
  relay = await RtpRelay.open(ports, systemClock);
  caller = await bound();
  callee = await bound();
  relay.connect('from', { host: HOST, port: caller.address().port });
  relay.connect('to', { host: HOST, port: callee.address().port });
});
afterEach(() => {
  relay.close();
  caller.close();
  callee.close();
});

async function bound(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

function packet(sequenceNumber: number, ssrc = 7): Buffer {
  const bytes = Buffer.alloc(RTP_HEADER_BYTES + 160, 0xff);
  const rtpTimestamp = sequenceNumber * 160;
  writeRtpHeader(bytes, { marker: false, payloadType: 0, sequenceNumber, rtpTimestamp, ssrc });
  return bytes;
}

async function nextAt(socket: dgram.Socket): Promise<Buffer> {
  const [bytes] = (await once(socket, 'message')) as [Buffer];
  return bytes;
}

describe('a relay', () => {
  it('passes packets of each side to the other, as they are', async () => {
    const there = nextAt(callee);
    caller.send(packet(1), relay.portOf('from'), HOST);
    expect((await there).equals(packet(1))).toBe(true);
    const back = nextAt(caller);
    callee.send(packet(9, 8), relay.portOf('to'), HOST);
    expect((await back).equals(packet(9, 8))).toBe(true);
  });

  it('counts what came and what is missing', async () => {
    for (const sequence of [1, 2, 5]) {
      const there = nextAt(callee);
      caller.send(packet(sequence), relay.portOf('from'), HOST);
      await there;
    }
    expect(relay.statsOf('from')).toMatchObject({ packets: 3, lost: 2 });
    expect(relay.statsOf('to')).toBeNull();
  });

  it('hears nobody but the two: a stranger’s packets go nowhere', async () => {
    const stranger = await bound();
    const first = nextAt(callee);
    caller.send(packet(1), relay.portOf('from'), HOST);
    await first;
    const next = nextAt(callee);
    stranger.send(packet(50, 99), relay.portOf('from'), HOST);
    stranger.send('garbage', relay.portOf('from'), HOST);
    caller.send(packet(2), relay.portOf('from'), HOST);
    expect((await next).readUInt16BE(2)).toBe(2);
    stranger.close();
  });

  it('measures the way there and back by the reports that pass (RFC 3550 §6.4.1)', async () => {
    const base = { ssrc: 1, cname: 'x' };
    const sender = { nowMs: 1_700_000_000_000, rtpTimestamp: 0, packetCount: 1, octetCount: 160 };
    const passed = nextAt(callee);
    caller.send(writeReport({ ...base, sender, reception: null }), relay.portOf('from'), HOST);
    const report = await passed;
    const reception = {
      ssrc: 1,
      fractionLost: 0,
      cumulativeLost: 0,
      highestSequence: 1,
      jitter: 0,
      lastSenderReport: report.readUInt32BE(10),
      delaySinceLast: 0,
    };
    const back = nextAt(caller);
    callee.send(writeReport({ ...base, sender: null, reception }), relay.portOf('to'), HOST);
    await back;
    const there = nextAt(caller);
    callee.send(packet(1, 8), relay.portOf('to'), HOST);
    await there;
    const { rttMs } = relay.statsOf('to') ?? {};
    expect(rttMs).toBeGreaterThanOrEqual(0);
    expect(rttMs).toBeLessThan(1_000);
  });

  it('frees its ports once', () => {
    relay.close();
    relay.close();
    expect(relay.silentMs()).toBeNull();
  });
});
