import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newEncryption } from '../sdp/crypto-line.ts';
import type { SrtpParameters } from '../sdp/sdp.ts';
import { silentLogger as logger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import {
  startMediaEngine,
  type MediaEngine,
  type RtpRemote,
  type RtpStream,
} from './media-engine.ts';
import { openPeer, until, type UdpPeer } from './testing/udp-peer.ts';

let clock: FakeClock;
let engine: MediaEngine;
let listener: UdpPeer | null = null;

beforeEach(() => {
  clock = new FakeClock();
  engine = startMediaEngine({ host: '127.0.0.1', portMin: 23_000, portMax: 29_999, clock, logger });
});
afterEach(async () => {
  engine.close();
  await listener?.close();
  listener = null;
});

const suite = 'AES_CM_128_HMAC_SHA1_80';

function keys(): { here: SrtpParameters; there: SrtpParameters } {
  const a = newEncryption('required').keys[suite];
  const b = newEncryption('required').keys[suite];
  return {
    here: { suite, localKey: a, remoteKey: b },
    there: { suite, localKey: b, remoteKey: a },
  };
}

function remoteAt(port: number, srtp?: SrtpParameters): RtpRemote {
  return {
    host: '127.0.0.1',
    port,
    codec: 'PCMU',
    payloadType: 0,
    dtmfPayloadType: 101,
    direction: 'sendrecv',
    ...(srtp && { srtp }),
  };
}

async function advanceUntil(isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('two streams with keys', () => {
  let one: RtpStream;
  let two: RtpStream;
  beforeEach(async () => {
    one = await engine.open();
    two = await engine.open();
  });

  it('T44: hear each other, digits too, and go on after the same keys are named again', async () => {
    const { here, there } = keys();
    one.connect(remoteAt(two.localPort, here));
    two.connect(remoteAt(one.localPort, there));
    const loud = new Int16Array(160).fill(8_000);
    one.onTick = () => loud;
    let heard = 0;
    two.onAudio = (samples) => (heard = samples[0] ?? 0);
    const digits: string[] = [];
    two.events.on('dtmf', ({ digit }) => digits.push(digit));
    await advanceUntil(() => two.stats.packetsReceived > 20);
    expect(heard).toBeGreaterThan(7_000);
    one.connect(remoteAt(two.localPort, { ...here }));
    let sent = false;
    void one.sendDtmf('5').then(() => (sent = true));
    await advanceUntil(() => sent && digits.length > 0);
    expect(digits).toEqual(['5']);
    await advanceUntil(() => one.stats.packetsReceived > 60);
    expect(two.stats.packetsInvalid).toBe(0);
    expect(one.stats.packetsInvalid).toBe(0);
  });

  it('T44: hear nothing of each other where one has other keys, and count it', async () => {
    one.connect(remoteAt(two.localPort, keys().here));
    two.connect(remoteAt(one.localPort, keys().there));
    await advanceUntil(() => two.stats.packetsInvalid > 5);
    expect(two.stats.packetsReceived).toBe(0);
  });

  it('T44: change their keys in the middle of a call', async () => {
    const first = keys();
    const second = keys();
    one.connect(remoteAt(two.localPort, first.here));
    two.connect(remoteAt(one.localPort, first.there));
    await advanceUntil(() => two.stats.packetsReceived > 5);
    one.connect(remoteAt(two.localPort, second.here));
    two.connect(remoteAt(one.localPort, second.there));
    const before = two.stats.packetsReceived;
    await advanceUntil(() => two.stats.packetsReceived > before + 5);
  });
});

describe('a stream with keys', () => {
  it('T44: sends nothing that can be read, and takes nothing in clear', async () => {
    listener = await openPeer(0);
    const stream = await engine.open();
    stream.connect(remoteAt(listener.port, keys().here));
    const peer = listener;
    await advanceUntil(() => peer.packets.length > 3);
    for (const { payload } of peer.packets) {
      expect(payload).toHaveLength(170);
      expect(payload.subarray(0, 160)).not.toEqual(Buffer.alloc(160, 0xff));
    }
    await peer.send(Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(170)]), stream.localPort);
    await until(() => stream.stats.packetsInvalid > 0);
    expect(stream.stats.packetsReceived).toBe(0);
  });
});
