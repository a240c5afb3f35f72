import { describe, expect, it } from 'vitest';
import { goertzelShare } from '../audio/goertzel.ts';
import { tone } from '../audio/tone.ts';
import { CODECS } from '../sdp/codecs.ts';
import type { CodecName } from '../sdp/sdp.ts';
import type { RtpStreamStats } from './media-engine.ts';
import { NO_RTP_STATS } from './no-rtp-stats.ts';
import { RtpReceiver } from './rtp-receiver.ts';
import { parseRtp, type RtpPacket } from './rtp-packet.ts';
import { RtpSender, type SendFormat } from './rtp-sender.ts';

const FRAME_SAMPLES = 160;
const VOICE = tone([{ frequenciesHz: [440], durationMs: 4_000 }]);

function formatOf(codec: CodecName): SendFormat {
  const { payloadType } = CODECS[codec];
  return { codec, payloadType, dtmfPayloadType: 101, mayTalk: true };
}

/** A sender and a receiver with a way between them that a test decides. */
class Way {
  readonly sender = new RtpSender();
  readonly stats: RtpStreamStats = { ...NO_RTP_STATS };
  readonly digits: [string, number][] = [];
  readonly heard: number[] = [];
  readonly played: number[] = [];
  readonly packets: RtpPacket[] = [];
  readonly receiver: RtpReceiver;
  #nowMs = 0;

  constructor() {
    this.receiver = new RtpReceiver(
      {
        audio: (samples) => this.heard.push(...samples),
        digit: (digit, durationMs) => this.digits.push([digit, durationMs]),
        silent: () => undefined,
      },
      this.stats,
    );
  }

  tick(format: SendFormat, frame: Int16Array | null, arrives = true): void {
    this.#nowMs += 20;
    const bytes = this.sender.tick(format, frame);
    const parsed = bytes && parseRtp(bytes);
    if (parsed?.ok) {
      this.packets.push(parsed.packet);
      const checked = arrives ? this.receiver.check(bytes as Buffer) : null;
      if (checked) this.receiver.push(checked, this.#nowMs);
    }
    this.played.push(...(this.receiver.tick(this.#nowMs) ?? new Int16Array(FRAME_SAMPLES)));
  }

  speak(format: SendFormat, lost: (n: number) => boolean = () => false): void {
    this.receiver.expect(format);
    for (let n = 0; n * FRAME_SAMPLES < VOICE.length; n++) {
      const frame = VOICE.subarray(n * FRAME_SAMPLES, (n + 1) * FRAME_SAMPLES);
      this.tick(format, frame, !lost(n));
    }
  }

  close(): void {
    this.sender.close();
    this.receiver.close();
  }
}

const shareOf = (samples: readonly number[]): number =>
  goertzelShare(Int16Array.from(samples), 440, 8_000);

describe.each(['PCMU', 'PCMA', 'G722', 'OPUS'] as const)('%s', (codec) => {
  const format = formatOf(codec);
  const { clockRateHz } = CODECS[codec];

  it('T49 RFC 3551 §4.2: goes out every 20 ms with timestamps of its own clock', () => {
    const way = new Way();
    way.speak(format);
    const [first, second] = way.packets;
    expect(way.packets).toHaveLength(200);
    expect(((second?.rtpTimestamp ?? 0) - (first?.rtpTimestamp ?? 0)) >>> 0).toBe(clockRateHz / 50);
    expect(way.packets.every(({ payloadType }) => payloadType === format.payloadType)).toBe(true);
    way.close();
  });

  it('T49: is heard and played as it was spoken, and no jitter is made up', () => {
    const way = new Way();
    way.speak(format);
    expect(shareOf(way.heard.slice(8_000, 16_000))).toBeGreaterThan(0.97);
    expect(shareOf(way.played.slice(8_000, 16_000))).toBeGreaterThan(0.97);
    expect(way.stats.jitterMs).toBeLessThan(0.1);
    expect(way.heard).toHaveLength(32_000);
    way.close();
  });

  it('T49 T41: keeps its place in time where packets are lost', () => {
    const way = new Way();
    way.speak(format, (n) => n % 20 === 10);
    expect(way.heard.length).toBe(32_000);
    expect(way.stats).toMatchObject({ packetsLost: 10, packetsExpected: 200 });
    const frames = Array.from({ length: 100 }, (_, i) => way.played.slice(i * 160, i * 160 + 160));
    // What stands in for a loss need not be in phase with it.
    expect(frames.slice(20).filter((frame) => shareOf(frame) > 0.8).length).toBeGreaterThan(72);
    way.close();
  });

  it('T43 RFC 4733 §2.1: sends and reads digits of 100 ms in the clock of the audio', async () => {
    const way = new Way();
    way.receiver.expect(format);
    const sent = way.sender.dtmf.send('42');
    for (let n = 0; n < 20; n++) way.tick(format, null);
    await sent;
    expect(way.digits).toEqual([
      ['4', 100],
      ['2', 100],
    ]);
    way.close();
  });

  it('T49: says nothing where there is nothing to say, and fills a frame that is short', () => {
    const way = new Way();
    way.receiver.expect(format);
    for (let n = 0; n < 20; n++) way.tick(format, n % 2 ? null : new Int16Array(80));
    expect(way.heard.every((sample) => Math.abs(sample) < 16)).toBe(true);
    way.close();
  });
});

describe('RFC 3264 §8.3.2: another codec in the middle of a call', () => {
  it('T22 T49: is heard from its first packet on, with the clock that it has', () => {
    const way = new Way();
    for (const codec of ['PCMU', 'OPUS', 'G722', 'PCMA'] as const) {
      way.heard.length = 0;
      way.speak(formatOf(codec));
      expect(shareOf(way.heard.slice(8_000, 16_000))).toBeGreaterThan(0.97);
    }
    expect(way.stats.packetsInvalid).toBe(0);
    way.close();
  });
});

describe('Opus of a length that nobody can play', () => {
  it.each([
    ['nothing', []],
    ['120 ms', [0x1b, 0x02]],
    ['more frames than there are', [0x0b, 0x3f]],
  ])('T39: is dropped and counted: %s', (_what, bytes) => {
    const way = new Way();
    way.receiver.expect(formatOf('OPUS'));
    const header = Buffer.alloc(12);
    header.writeUInt8(0x80, 0);
    header.writeUInt8(111, 1);
    expect(way.receiver.check(Buffer.concat([header, Buffer.from(bytes)]))).toBeNull();
    expect(way.stats.packetsInvalid).toBe(1);
    way.close();
  });
});
