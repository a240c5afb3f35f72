import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAlaw, encodeMulaw } from '../audio/g711.ts';
import { levelDbfs } from '../audio/level.ts';
import { dtmfTone } from '../audio/tone.ts';
import type { RtpStreamStats } from './media-engine.ts';
import { NO_RTP_STATS } from './no-rtp-stats.ts';
import { RtpReceiver, type ExpectedFormats } from './rtp-receiver.ts';
import { rtpDatagram } from './testing/udp-peer.ts';

const PCMU: ExpectedFormats = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101 };
const LEVEL = 8_316;
const VOICE = encodeMulaw(new Int16Array(160).fill(LEVEL));
const SEQUENCE = 65_530;

/** A receiver with a far end that talks every `packetMs`, and ears that remember. */
class Call {
  nowMs = 1_000;
  readonly digits: string[] = [];
  readonly silences: number[] = [];
  /** What the ears were given, in order: level of the first sample and count. */
  readonly heard: [level: number, sampleCount: number][] = [];
  readonly stats: RtpStreamStats = { ...NO_RTP_STATS };
  readonly receiver = new RtpReceiver(
    {
      audio: (samples) => {
        this.heard.push([samples[0] ?? Number.NaN, samples.length]);
        // What is done to the samples must not be heard anywhere else.
        samples.fill(99);
      },
      digit: (digit) => this.digits.push(digit),
      silent: (silentMs) => this.silences.push(silentMs),
    },
    this.stats,
  );

  constructor(formats: ExpectedFormats | null = PCMU) {
    if (formats) this.receiver.expect(formats);
  }

  /** The n-th packet of the stream; true where it was taken. */
  push(n: number, fields: Parameters<typeof rtpDatagram>[0] = {}): boolean {
    const packet = this.receiver.check(
      rtpDatagram({
        sequenceNumber: (SEQUENCE + n) & 0xffff,
        rtpTimestamp: (0xffffff00 + n * 160) >>> 0,
        payload: VOICE,
        ...fields,
      }),
    );
    if (packet) this.receiver.push(packet, this.nowMs);
    return packet !== null;
  }

  /** Time goes on, a tick each 20 ms; what was played in each. */
  pass(ms: number): (number | null)[] {
    return Array.from({ length: ms / 20 }, () => {
      this.nowMs += 20;
      return this.receiver.tick(this.nowMs)?.[0] ?? null;
    });
  }

  get heardSamples(): number {
    return this.heard.reduce((sum, [, count]) => sum + count, 0);
  }
}

describe('RtpReceiver', () => {
  it('T41: gives the ears each packet as it comes, and plays it 40 ms later', () => {
    const call = new Call();
    const played: (number | null)[] = [];
    for (let n = 0; n < 10; n++) {
      call.push(n);
      expect(call.heard).toHaveLength(n + 1);
      played.push(...call.pass(20));
    }
    expect(call.heard).toEqual(Array.from({ length: 10 }, () => [LEVEL, 160]));
    expect(played).toEqual([null, ...Array<number>(9).fill(LEVEL)]);
  });

  it.each([10, 20, 30, 40, 60])(
    'T39 RFC 3551 §4.2: takes packets of %i ms and makes up nothing',
    (packetMs) => {
      const call = new Call();
      const payload = encodeMulaw(new Int16Array(packetMs * 8).fill(LEVEL));
      let played: (number | null)[] = [];
      let nextMs = call.nowMs;
      for (let n = 0, tick = 0; tick < 150; tick++) {
        for (; nextMs <= call.nowMs; nextMs += packetMs, n++) {
          call.push(n, { payload, rtpTimestamp: n * packetMs * 8 });
        }
        played = [...played, ...call.pass(20)];
      }
      expect(call.heard.every(([level, count]) => level === LEVEL && count === packetMs * 8)).toBe(
        true,
      );
      const spoken = played.slice(played.indexOf(LEVEL));
      expect(spoken.every((level) => level === LEVEL)).toBe(true);
      expect(spoken.length).toBeGreaterThan(140);
      expect(call.stats.packetsLost).toBe(0);
    },
  );

  it.each([79, 481, 0, 1_400])(
    'T39 RFC 3551 §4.5.14: refuses a payload of %i bytes and counts it',
    (length) => {
      const call = new Call();
      expect(call.push(0, { payload: new Uint8Array(length) })).toBe(false);
      expect(call.stats).toMatchObject({ packetsInvalid: 1, packetsReceived: 0 });
    },
  );

  it('T39: refuses payload types that nobody agreed on', () => {
    const call = new Call();
    for (const payloadType of [3, 9, 18, 96, 127])
      expect(call.push(0, { payloadType })).toBe(false);
    expect(call.stats.packetsInvalid).toBe(5);
  });

  it('RFC 3264 §5.1: hears both static codecs, before the answer too, and a dynamic number as agreed', () => {
    const alaw = encodeAlaw(new Int16Array(160).fill(LEVEL));
    const early = new Call(null);
    early.push(0);
    early.push(1, { payloadType: 8, payload: alaw });
    expect(early.heard.map(([level]) => level)).toEqual([LEVEL, 8_448]);
    const agreed = new Call({ codec: 'PCMA', payloadType: 97, dtmfPayloadType: null });
    agreed.push(0, { payloadType: 97, payload: alaw });
    expect(agreed.heard).toEqual([[8_448, 160]]);
  });

  it('T41: fills a loss for the ears with silence of its length, and conceals it in playout', () => {
    const call = new Call();
    const played: (number | null)[] = [];
    for (let n = 0; n < 20; n++) {
      if (n !== 10 && n !== 11) call.push(n);
      played.push(...call.pass(20));
    }
    const levels = call.heard.map(([level]) => level);
    expect(levels).toEqual([
      ...Array<number>(10).fill(LEVEL),
      0,
      0,
      ...Array<number>(8).fill(LEVEL),
    ]);
    expect(call.heardSamples).toBe(20 * 160);
    expect(call.stats.packetsLost).toBe(2);
    expect(played.slice(1)).not.toContain(null);
  });

  it('gives the ears silence while nothing comes, so that a turn can end', () => {
    const call = new Call();
    for (let n = 0; n < 5; n++) {
      call.push(n);
      call.pass(20);
    }
    call.heard.length = 0;
    call.pass(1_000);
    const silentMs = call.heardSamples / 8;
    expect(call.heard.every(([level]) => level === 0)).toBe(true);
    expect(silentMs).toBeGreaterThanOrEqual(920);
    expect(silentMs).toBeLessThanOrEqual(980);
  });

  it('T39: does not take packets of 60 ms for a silence, 20 ms late ones neither', () => {
    const call = new Call();
    const payload = encodeMulaw(new Int16Array(480).fill(LEVEL));
    for (let n = 0; n < 20; n++) {
      call.push(n, { payload, rtpTimestamp: n * 480 });
      call.pass(n === 10 ? 80 : n === 11 ? 40 : 60);
    }
    expect(call.heard).toEqual(Array.from({ length: 20 }, () => [LEVEL, 480]));
  });

  it('gives nothing before the first packet', () => {
    const call = new Call();
    expect(call.pass(1_000)).toEqual(Array(50).fill(null));
    expect(call.heard).toEqual([]);
    expect(call.receiver.report()).toBeNull();
  });

  it('does not give a second time what the ears were given while packets were missing', () => {
    const call = new Call();
    for (let n = 0; n < 5; n++) {
      call.push(n);
      call.pass(20);
    }
    // Eight packets are lost: 160 ms, of which the ears had some already.
    call.pass(160);
    for (const n of [13, 14, 15]) {
      call.push(n);
      call.pass(20);
    }
    expect(call.stats.packetsLost).toBe(8);
    expect(call.heardSamples).toBe(16 * 160);
  });

  it('fills at most 200 ms: a longer gap is a gap', () => {
    const call = new Call();
    call.push(0);
    call.push(60);
    call.pass(40);
    expect(call.heardSamples).toBe(160 + 1_600 + 160);
  });

  it('T41 RFC 3389: comfort noise is a pause, no loss, and not heard as speech', () => {
    const call = new Call();
    for (let n = 0; n < 5; n++) {
      call.push(n);
      call.pass(20);
    }
    call.push(5, { payloadType: 13, payload: Uint8Array.of(70) });
    call.pass(400);
    // 20 packet times later the far end talks on, with the next sequence number.
    call.push(6, { rtpTimestamp: (0xffffff00 + 26 * 160) >>> 0, marker: true });
    call.pass(20);
    const levels = call.heard.map(([level]) => level);
    expect(levels.slice(0, 5)).toEqual(Array(5).fill(LEVEL));
    expect(levels.slice(5, -1).every((level) => level === 0)).toBe(true);
    expect(levels.at(-1)).toBe(LEVEL);
    // The pause is as long in the ears as it was in the far end's clock.
    expect(call.heardSamples).toBe(27 * 160);
    expect(call.stats).toMatchObject({ packetsLost: 0, packetsInvalid: 0, packetsReceived: 7 });
  });

  it('T41: puts reordered packets right and counts late ones and duplicates', () => {
    const call = new Call();
    const level = (n: number) => ({ payload: encodeMulaw(new Int16Array(160).fill(n * 1_000)) });
    for (const n of [1, 3, 2, 2]) call.push(n, level(n));
    call.pass(20);
    call.push(5, level(5));
    call.pass(60);
    call.push(4, level(4));
    const heard = call.heard.map(([first]) => Math.round(first / 1_000));
    expect(heard.filter((first) => first > 0)).toEqual([1, 2, 3, 5]);
    expect(call.stats).toMatchObject({ packetsDuplicate: 1, packetsLate: 1, packetsLost: 0 });
  });

  it('T38 RFC 3550 §8.2: goes on with another SSRC at once, whatever its numbers are', () => {
    const call = new Call();
    for (let n = 0; n < 5; n++) {
      call.push(n);
      call.pass(20);
    }
    const before = call.heard.length;
    for (let n = 0; n < 5; n++) {
      call.push(0, { ssrc: 9, sequenceNumber: 40_000 + n, rtpTimestamp: 7 + n * 160 });
      call.pass(20);
    }
    expect(call.heard.slice(before)).toEqual(Array.from({ length: 5 }, () => [LEVEL, 160]));
    expect(call.receiver.ssrc).toBe(9);
    expect(call.stats).toMatchObject({ packetsLost: 0, jitterMs: 0 });
  });

  it('T43 RFC 4733 §2.5: a digit is heard once, the ears are silent meanwhile, and nothing is lost', () => {
    const call = new Call();
    for (let n = 0; n < 3; n++) {
      call.push(n);
      call.pass(20);
    }
    const at = (0xffffff00 + 3 * 160) >>> 0;
    for (let n = 3; n < 10; n++) {
      const samples = Math.min(n - 2, 5) * 160;
      const payload = Uint8Array.of(5, n < 7 ? 10 : 0x8a, samples >> 8, samples & 0xff);
      call.push(n, { payloadType: 101, rtpTimestamp: at, payload, marker: n === 3 });
      call.pass(20);
    }
    for (let n = 10; n < 13; n++) {
      call.push(n);
      call.pass(20);
    }
    expect(call.digits).toEqual(['5']);
    expect(call.heardSamples).toBe(13 * 160);
    expect(call.stats.packetsLost).toBe(0);
    expect(call.stats.jitterMs).toBe(0);
  });

  it('T43 RFC 4733 §2.5.2.2: ends a digit whose ends were lost when nothing more comes', () => {
    const call = new Call();
    call.push(0, { payloadType: 101, payload: Uint8Array.of(11, 10, 0, 160), marker: true });
    call.pass(140);
    expect(call.digits).toEqual([]);
    call.pass(20);
    expect(call.digits).toEqual(['#']);
  });

  it('T43 ITU-T Q.23: hears keys as tones where no telephone-event was agreed on, and only there', () => {
    const keys = ['1', '#', '#'].flatMap((digit) => [
      ...(dtmfTone(digit, 100) ?? []),
      ...new Int16Array(800),
    ]);
    const digitsOf = (formats: ExpectedFormats): string[] => {
      const call = new Call(formats);
      for (let n = 0; n * 160 < keys.length; n++) {
        // A packet that is lost in the middle of a tone does not make two of one key.
        if (n !== 2) {
          call.push(n, {
            payload: encodeMulaw(Int16Array.from(keys.slice(n * 160, n * 160 + 160))),
          });
        }
        call.pass(20);
      }
      return call.digits;
    };
    expect(digitsOf({ ...PCMU, dtmfPayloadType: null })).toEqual(['1', '#', '#']);
    expect(digitsOf(PCMU)).toEqual([]);
  });

  it('T46: tells once of 20 s with nothing in them, whatever the codec says of silence', () => {
    for (const [payloadType, byte] of [
      [0, 0xff],
      [8, 0xd5],
    ] as const) {
      const call = new Call();
      const silence = new Uint8Array(160).fill(byte);
      for (let n = 0; n < 1_000; n++) {
        call.push(n, n === 500 ? {} : { payloadType, payload: silence });
        call.pass(20);
      }
      expect(call.silences).toEqual([]);
      for (let n = 1_000; n < 3_000; n++) {
        call.push(n, { payloadType, payload: silence });
        call.pass(20);
      }
      expect(call.silences).toEqual([20_000]);
    }
  });

  it('T41 RFC 3389 §3.1: plays comfort noise of the level that was named until audio comes again', () => {
    const call = new Call();
    for (let n = 0; n < 5; n++) {
      call.push(n);
      call.pass(20);
    }
    call.push(5, { payloadType: 13, payload: Uint8Array.of(40) });
    const levels = Array.from({ length: 50 }, () => {
      call.nowMs += 20;
      const frame = call.receiver.tick(call.nowMs);
      return frame && levelDbfs(frame);
    });
    // Level 40 is -40 dBov; what stands before it is the end of the speech and its fading.
    for (const level of levels.slice(10)) expect(level).toBeCloseTo(-40, -0.3);
    for (let n = 0; n < 3; n++) {
      call.push(6 + n, { rtpTimestamp: (0xffffff00 + (60 + n) * 160) >>> 0 });
    }
    expect(call.pass(400)).toContain(LEVEL);
  });

  it('T38 RFC 3550 §6.4.1: reports loss, the highest number with its wraps, and jitter', () => {
    const call = new Call();
    for (let n = 0; n < 20; n++) {
      if (n !== 4) call.push(n);
      call.nowMs += n % 2 === 0 ? 30 : 10;
      call.receiver.tick(call.nowMs);
    }
    const report = call.receiver.report();
    expect(report).toMatchObject({
      ssrc: 0x1234,
      fractionLost: Math.floor(256 / 20),
      cumulativeLost: 1,
      highestSequence: 65_536 + ((SEQUENCE + 19) & 0xffff),
    });
    // Each step is 10 ms too long or too short: jitter tends to 80 units.
    expect(report?.jitter).toBeGreaterThan(40);
    expect(report?.jitter).toBeLessThan(80);
    expect(call.receiver.report()?.fractionLost).toBe(0);
  });

  it('T38: never throws, whatever a far end sends', () => {
    const call = new Call();
    const wire = fc.record({
      payloadType: fc.constantFrom(0, 8, 13, 101),
      sequenceNumber: fc.nat(0xffff),
      rtpTimestamp: fc.nat(0xffffffff),
      ssrc: fc.nat(3),
      marker: fc.boolean(),
      payload: fc.uint8Array({ maxLength: 500 }),
    });
    fc.assert(
      fc.property(fc.array(wire, { maxLength: 20 }), (packets) => {
        for (const fields of packets) {
          const packet = call.receiver.check(rtpDatagram(fields));
          if (packet) call.receiver.push(packet, call.nowMs);
          call.pass(20);
        }
        expect(call.stats.packetsLost).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });
});
