import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeMulaw } from '../audio/g711.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { DtmfError } from './dtmf.ts';
import {
  startMediaEngine,
  type MediaEngine,
  type RtpRemote,
  type RtpStream,
} from './media-engine.ts';
import { parseRtcp } from './rtcp.ts';
import { openPeer, rtpDatagram, until, type UdpPeer } from './testing/udp-peer.ts';

const SILENCE = Buffer.alloc(160, 0xff);
const SPEECH = Buffer.alloc(160, 0x9f);
const SPEECH_LEVEL = decodeMulaw(SPEECH)[0] ?? 0;

let clock: FakeClock;
let engine: MediaEngine;
let logged: unknown[];
let peers: UdpPeer[];

beforeEach(() => {
  clock = new FakeClock();
  logged = [];
  peers = [];
  const ignore = (): void => undefined;
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields: unknown) => void logged.push(fields),
    child: () => logger,
  };
  engine = startMediaEngine({ host: '127.0.0.1', portMin: 23_000, portMax: 29_999, clock, logger });
});

afterEach(async () => {
  engine.close();
  await Promise.all(peers.map((peer) => peer.close()));
  expect(clock.pendingCount).toBe(0);
});

/** A stream whose ticks are 10 ms away, so that n times 20 ms are n ticks. */
async function openStream(): Promise<RtpStream> {
  const stream = await engine.open();
  await clock.advance(10);
  return stream;
}

async function farEnd(port = 0): Promise<UdpPeer> {
  const peer = await openPeer(port);
  peers.push(peer);
  return peer;
}

function remoteAt(port: number, changes: Partial<RtpRemote> = {}): RtpRemote {
  return {
    host: '127.0.0.1',
    port,
    codec: 'PCMU',
    payloadType: 0,
    dtmfPayloadType: 101,
    direction: 'sendrecv',
    ...changes,
  };
}

/** Sends the n-th packet of a far end and waits until the stream has seen it. */
async function speak(
  stream: RtpStream,
  peer: UdpPeer,
  n: number,
  fields: Parameters<typeof rtpDatagram>[0] = {},
): Promise<void> {
  const seen = (): number => {
    const { packetsReceived, packetsFromStrangers, packetsInvalid } = stream.stats;
    return packetsReceived + packetsFromStrangers + packetsInvalid;
  };
  const before = seen();
  const datagram = rtpDatagram({
    sequenceNumber: n,
    rtpTimestamp: n * 160,
    payload: SPEECH,
    ...fields,
  });
  await peer.send(datagram, stream.localPort);
  await until(() => seen() > before);
}

/** What came to a peer up to the present tick. */
async function heardBy(peer: UdpPeer, packetCount: number): Promise<UdpPeer['packets']> {
  await until(() => peer.packets.length >= packetCount);
  return peer.packets;
}

describe('a stream', () => {
  it('T42: sends silence every 20 ms from connect on, and never stops', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    await clock.advance(200);
    expect(stream.stats.packetsSent).toBe(0);
    stream.connect(remoteAt(peer.port));
    await clock.advance(2_000);
    const packets = await heardBy(peer, 100);
    expect(packets).toHaveLength(100);
    expect(stream.stats.packetsSent).toBe(100);
    packets.forEach((packet, i) => {
      const first = packets[0];
      expect(packet.payload).toEqual(SILENCE);
      expect((packet.rtpTimestamp - (first?.rtpTimestamp ?? 0)) >>> 0).toBe(i * 160);
      expect((packet.sequenceNumber - (first?.sequenceNumber ?? 0)) & 0xffff).toBe(i);
    });
  });

  it('sends what onTick gives, and gives it what is played', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    const played: (number | null)[] = [];
    stream.onTick = (frame) => {
      played.push(frame?.[0] ?? null);
      return decodeMulaw(SPEECH);
    };
    stream.connect(remoteAt(peer.port));
    for (let n = 0; n < 5; n++) {
      await speak(stream, peer, n);
      await clock.advance(20);
    }
    const packets = await heardBy(peer, 5);
    expect(packets.every(({ payload }) => SPEECH.equals(payload))).toBe(true);
    expect(played.filter((level) => level === SPEECH_LEVEL)).toHaveLength(4);
  });

  it('tells of the first packet before connect, and gives it to the ears', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    const seen: string[] = [];
    stream.events.on('first-packet', () => seen.push('first-packet'));
    stream.onAudio = (samples) => seen.push(`${samples.length} of ${samples[0]}`);
    await speak(stream, peer, 0);
    await speak(stream, peer, 1);
    expect(seen).toEqual(['first-packet', `160 of ${SPEECH_LEVEL}`, `160 of ${SPEECH_LEVEL}`]);
    expect(stream.stats.packetsSent).toBe(0);
  });

  it('T40 RFC 4961: answers to where packets come from', async () => {
    const [signalled, nat] = [await farEnd(), await farEnd()];
    const stream = await openStream();
    stream.connect(remoteAt(signalled.port));
    await clock.advance(40);
    await heardBy(signalled, 2);
    await speak(stream, nat, 0);
    await clock.advance(40);
    expect(await heardBy(nat, 2)).toHaveLength(2);
    expect(signalled.packets).toHaveLength(2);
  });

  it('T40 RFC 7362 §5: a stranger who sprays packets is neither heard nor answered, whatever SSRC he uses', async () => {
    const [peer, stranger] = [await farEnd(), await farEnd()];
    const stream = await openStream();
    let heard = 0;
    stream.onAudio = () => void heard++;
    stream.connect(remoteAt(peer.port));
    await speak(stream, peer, 0);
    for (let n = 1; n < 20; n++) await speak(stream, stranger, n, { ssrc: n % 2 ? 0x1234 : 0x666 });
    await clock.advance(40);
    await heardBy(peer, 2);
    expect(heard).toBe(1);
    expect(stranger.received).toHaveLength(0);
    expect(stream.stats).toMatchObject({ packetsReceived: 1, packetsFromStrangers: 19 });
  });

  it('T40 RFC 7362 §5: a stranger who was there first gives way to the signalled far end', async () => {
    const [peer, stranger] = [await farEnd(), await farEnd()];
    const stream = await openStream();
    await speak(stream, stranger, 0, { ssrc: 0x666 });
    stream.connect(remoteAt(peer.port));
    await speak(stream, peer, 0);
    await speak(stream, stranger, 1, { ssrc: 0x666 });
    await clock.advance(20);
    expect(await heardBy(peer, 1)).toHaveLength(1);
    expect(stranger.received).toHaveLength(0);
    expect(stream.stats.packetsFromStrangers).toBe(1);
  });

  it('T40: follows a far end that moved, after 3 s of silence and with the same SSRC only', async () => {
    const [peer, moved] = [await farEnd(), await farEnd()];
    const stream = await openStream();
    stream.connect(remoteAt(peer.port));
    await speak(stream, peer, 0);
    await clock.advance(2_900);
    await speak(stream, moved, 1);
    await clock.advance(200);
    await speak(stream, moved, 2, { ssrc: 0x666 });
    expect(stream.stats.packetsFromStrangers).toBe(2);
    expect(moved.received).toHaveLength(0);
    await speak(stream, moved, 3);
    await clock.advance(20);
    expect(await heardBy(moved, 1)).toHaveLength(1);
    expect(stream.stats.packetsFromStrangers).toBe(2);
  });

  it('T22 T40 RFC 3264 §8.3.1: sends to a new address at once, and hears it with whatever SSRC', async () => {
    const [before, after] = [await farEnd(), await farEnd()];
    const stream = await openStream();
    stream.connect(remoteAt(before.port));
    await speak(stream, before, 0);
    await clock.advance(20);
    await heardBy(before, 1);
    stream.connect(remoteAt(after.port, { codec: 'PCMA', payloadType: 8 }));
    await speak(stream, before, 1);
    await clock.advance(20);
    await speak(stream, after, 0, { ssrc: 0x77, payloadType: 8 });
    await clock.advance(20);
    const packets = await heardBy(after, 2);
    expect(packets.map(({ payloadType }) => payloadType)).toEqual([8, 8]);
    expect(packets[0]?.payload).toEqual(Buffer.alloc(160, 0xd5));
    expect(before.packets).toHaveLength(1);
    expect(stream.stats.packetsReceived).toBe(2);
  });

  it('T21 RFC 3264 §8.4: held by an address of zeroes it keeps the way open, once a second', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    stream.connect(remoteAt(peer.port));
    await speak(stream, peer, 0);
    await clock.advance(20);
    await heardBy(peer, 1);
    stream.connect(remoteAt(peer.port, { host: '0.0.0.0', direction: 'recvonly' }));
    await clock.advance(3_000);
    expect(await heardBy(peer, 4)).toHaveLength(4);
    stream.connect(remoteAt(peer.port));
    await clock.advance(40);
    expect(await heardBy(peer, 6)).toHaveLength(6);
  });

  it('does not mind a far end whose port is closed, and is heard when it opens', async () => {
    const closed = await openPeer();
    await closed.close();
    const stream = await openStream();
    stream.connect(remoteAt(closed.port));
    await clock.advance(400);
    const peer = await farEnd(closed.port);
    await clock.advance(40);
    expect(await heardBy(peer, 2)).toHaveLength(2);
    expect(logged).toEqual([]);
  });

  it.each([
    ['of another family', { host: '2001:db8::1' }],
    ['that is none', { host: 'nowhere' }],
    ['without a port above it for RTCP', { port: 65_535 }],
    ['of port 0', { port: 0 }],
  ])('does not mind an address %s', async (_what, changes) => {
    const stream = await openStream();
    stream.connect(remoteAt(4_000, changes));
    await clock.advance(5_100);
    stream.close();
    expect(logged).toEqual([]);
  });

  it('counts what is no packet of the call', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    stream.connect(remoteAt(peer.port));
    await speak(stream, peer, 0, { payloadType: 3 });
    await speak(stream, peer, 0, { payload: new Uint8Array(2) });
    await peer.send(Buffer.from('GET / HTTP/1.1\r\n'), stream.localPort);
    await until(() => stream.stats.packetsInvalid === 3);
    expect(engine.garbageReceived).toBe(3);
    stream.close();
    expect(engine.garbageReceived).toBe(3);
  });

  it('T46: tells of a gap at 1 s and each second after, and of its end', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    const seen: string[] = [];
    stream.events.on('gap', ({ gapMs }) => seen.push(`gap ${gapMs}`));
    stream.events.on('resumed', ({ gapMs }) => seen.push(`resumed ${gapMs}`));
    stream.connect(remoteAt(peer.port));
    await clock.advance(3_000);
    expect(seen).toEqual([]);
    await speak(stream, peer, 0);
    await clock.advance(2_500);
    await speak(stream, peer, 1);
    await clock.advance(500);
    expect(seen).toEqual(['gap 1000', 'gap 2000', 'resumed 2000']);
  });

  it('T43 RFC 4733: digits arrive at the other end, once each and in order, and audio goes on', async () => {
    const [a, b] = [await openStream(), await openStream()];
    a.connect(remoteAt(b.localPort));
    b.connect(remoteAt(a.localPort));
    let heard = '';
    b.events.on('dtmf', ({ digit, durationMs }) => {
      expect(durationMs).toBe(100);
      heard += digit;
    });
    const sent = a.sendDtmf('122#D');
    await clock.advance(1_000);
    await sent;
    await until(() => heard.length === 5);
    expect(heard).toBe('122#D');
    expect(b.stats).toMatchObject({ packetsLost: 0, packetsInvalid: 0 });
  });

  it('T43 ITU-T Q.23: sends and hears digits as tones where no telephone-event was agreed on', async () => {
    const [one, other] = [await openStream(), await openStream()];
    const digits: string[] = [];
    other.events.on('dtmf', ({ digit }) => digits.push(digit));
    await expect(one.sendDtmf('1')).rejects.toThrow(DtmfError);
    one.connect(remoteAt(other.localPort, { dtmfPayloadType: null }));
    other.connect(remoteAt(one.localPort, { dtmfPayloadType: null }));
    const sent = one.sendDtmf('15#5');
    for (let tick = 0; tick < 40; tick++) {
      await clock.advance(20);
      await until(() => other.stats.packetsReceived === one.stats.packetsSent);
    }
    await sent;
    expect(digits).toEqual(['1', '5', '#', '5']);
  });

  it('goes on when onTick, onAudio or a listener throws, and tells of it once', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    const fail = (): never => {
      throw new Error('not our fault');
    };
    stream.onTick = fail;
    stream.onAudio = fail;
    stream.events.on('first-packet', fail);
    stream.connect(remoteAt(peer.port));
    await speak(stream, peer, 0);
    await speak(stream, peer, 1);
    await clock.advance(60);
    expect(await heardBy(peer, 3)).toHaveLength(3);
    expect(logged.map((fields) => (fields as { event: string }).event).sort()).toEqual([
      'first-packet',
      'onAudio',
      'onTick',
    ]);
  });

  it('can be closed from onTick and from onAudio', async () => {
    const peer = await farEnd();
    const [one, other] = [await openStream(), await openStream()];
    one.connect(remoteAt(peer.port));
    one.onTick = () => {
      one.close();
      return null;
    };
    await clock.advance(60);
    expect(one.stats.packetsSent).toBe(0);
    other.onAudio = () => other.close();
    await speak(other, peer, 0);
    expect(engine.streamCount).toBe(0);
  });

  it('rejects what it was still dialling when it is closed, and takes no more; closing twice is harmless', async () => {
    const peer = await farEnd();
    const stream = await openStream();
    stream.connect(remoteAt(peer.port));
    const dialling = stream.sendDtmf('123456');
    await clock.advance(100);
    stream.close();
    stream.close();
    await expect(dialling).rejects.toThrow('closed');
    await expect(stream.sendDtmf('1')).rejects.toThrow(DtmfError);
    stream.connect(remoteAt(peer.port));
    const { packetsSent } = stream.stats;
    await clock.advance(100);
    expect(stream.stats.packetsSent).toBe(packetsSent);
    expect(engine.streamCount).toBe(0);
  });
});

describe('RTCP', () => {
  /** A far end with RTCP on the port above RTP. */
  async function farEndWithRtcp(): Promise<{ rtp: UdpPeer; rtcp: UdpPeer }> {
    for (;;) {
      const rtp = await openPeer();
      const rtcp = await openPeer(rtp.port + 1).catch(() => null);
      if (rtcp) {
        peers.push(rtp, rtcp);
        return { rtp, rtcp };
      }
      await rtp.close();
    }
  }

  it('T38 RFC 3550 §6.2: a report every 5 s, of what was sent and what was heard', async () => {
    const { rtp, rtcp } = await farEndWithRtcp();
    const stream = await openStream();
    stream.connect(remoteAt(rtp.port));
    await speak(stream, rtp, 0);
    await speak(stream, rtp, 1);
    // The far end's own report: NTP 0x11112222.33334444.
    const report = Buffer.from(
      '80c80006 00001234 11112222 33334444 00000000 00000002 00000140'.replaceAll(' ', ''),
      'hex',
    );
    await rtp.send(report, stream.localPort + 1);
    await rtp.send(Buffer.from('junk'), stream.localPort + 1);
    await until(() => stream.stats.packetsInvalid === 1);
    await clock.advance(5_000);
    await until(() => rtcp.received.length === 1);
    const parsed = parseRtcp(rtcp.received[0] ?? Buffer.alloc(0));
    expect(parsed).toMatchObject({
      ok: true,
      packets: [
        {
          type: 'sender-report',
          reports: [
            {
              ssrc: 0x1234,
              fractionLost: 0,
              cumulativeLost: 0,
              highestSequence: 1,
              lastSenderReport: 0x22223333,
            },
          ],
        },
      ],
    });
    const block =
      parsed.ok && parsed.packets[0]?.type === 'sender-report'
        ? parsed.packets[0].reports[0]
        : null;
    expect((block?.delaySinceLast ?? 0) / 65_536).toBeCloseTo(5, 1);
  });

  it('T38 RFC 3550 §6.6: says goodbye at the end, unless it never spoke', async () => {
    const { rtp, rtcp } = await farEndWithRtcp();
    const [silent, speaking] = [await openStream(), await openStream()];
    silent.connect(remoteAt(rtp.port));
    silent.close();
    speaking.connect(remoteAt(rtp.port));
    await clock.advance(40);
    const [first] = await heardBy(rtp, 1);
    speaking.close();
    await until(() => rtcp.received.length > 0);
    expect(rtcp.received.map((bytes) => parseRtcp(bytes))).toEqual([
      {
        ok: true,
        packets: [
          { type: 'receiver-report', ssrc: first?.ssrc, reports: [] },
          { type: 'goodbye', ssrcs: [first?.ssrc] },
        ],
      },
    ]);
  });
});

describe('the engine', () => {
  it('T38: gives each stream an even port of its own, and closes them all', async () => {
    const streams = await Promise.all(Array.from({ length: 8 }, () => engine.open()));
    const ports = streams.map(({ localPort }) => localPort);
    expect(new Set(ports).size).toBe(8);
    expect(ports.every((port) => port % 2 === 0)).toBe(true);
    expect(engine.streamCount).toBe(8);
    engine.close();
    engine.close();
    expect(engine.streamCount).toBe(0);
  });

  it('does not leave a port bound that was opened while it closed', async () => {
    const opening = engine.open();
    engine.close();
    await expect(opening).rejects.toThrow('closed');
    expect(engine.streamCount).toBe(0);
  });

  it('T48: frees the port when a stream has said goodbye', async () => {
    const small = startMediaEngine({
      host: '127.0.0.1',
      portMin: 22_000,
      portMax: 22_999,
      clock,
      logger: { debug() {}, info() {}, warn() {}, error() {}, child: () => ({}) as never },
    });
    const stream = await small.open();
    const { localPort } = stream;
    const peer = await farEnd();
    stream.connect(remoteAt(peer.port));
    await clock.advance(20);
    stream.close();
    // Who binds it now shows that it is free.
    const bound = async (): Promise<boolean> => {
      const other = await openPeer(localPort).catch(() => null);
      await other?.close();
      return other !== null;
    };
    while (!(await bound()));
    small.close();
  });
});
