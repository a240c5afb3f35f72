import { describe, expect, it } from 'vitest';
import { decodeMulaw } from '../audio/g711.ts';
import { NO_RTP_STATS } from './no-rtp-stats.ts';
import { RtpReceiver } from './rtp-receiver.ts';
import { rtpDatagram } from './testing/udp-peer.ts';

const MINUTES_30_MS = 1_800_000;
/** Loud bytes of mu-law by which a packet is known again: 32 packets are 640 ms. */
const LOUD = Array.from({ length: 32 }, (_, i) => 0x80 + i);
const LEVELS = new Map(Array.from(decodeMulaw(Uint8Array.from(LOUD)), (level, i) => [level, i]));

interface Network {
  driftPpm: number;
  delayMs: number;
  jitterMs: number;
  loss: number;
  /** Packets that are overtaken by the next one. */
  reorder: number;
  duplicates: number;
}

const CLEAN: Network = {
  driftPpm: 0,
  delayMs: 20,
  jitterMs: 0,
  loss: 0,
  reorder: 0,
  duplicates: 0,
};

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Half an hour of talk in sentences of 1.5 s with pauses of half a second, on a virtual clock. */
function listen(network: Network, durationMs = MINUTES_30_MS) {
  const random = randomFrom(20_261_121);
  const stats = { ...NO_RTP_STATS };
  const receiver = new RtpReceiver(
    { audio: () => undefined, digit: () => undefined, silent: () => undefined },
    stats,
  );
  receiver.expect({ codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101 });
  const packetMs = 20 * (1 - network.driftPpm / 1e6);
  const isSpeech = (n: number): boolean => n % 100 < 75;
  const arrivals: { n: number; atMs: number }[] = [];
  const arrivedMs = new Map<number, number>();
  const packetCount = Math.floor(durationMs / packetMs);
  let lostCount = 0;
  for (let n = 0; n < packetCount; n++) {
    if (random() < network.loss) {
      lostCount++;
      continue;
    }
    const late = random() < network.reorder ? 21 : 0;
    const atMs = n * packetMs + network.delayMs + (2 * random() - 1) * network.jitterMs + late;
    arrivals.push({ n, atMs });
    arrivedMs.set(n, atMs);
    if (random() < network.duplicates) arrivals.push({ n, atMs: atMs + 1 });
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  const waits: number[] = [];
  let spoken = 0;
  let next = 0;
  for (let nowMs = 0; nowMs < durationMs; nowMs += 20) {
    for (; (arrivals[next]?.atMs ?? Infinity) <= nowMs; next++) {
      const { n = 0, atMs = 0 } = arrivals[next] ?? {};
      const byte = isSpeech(n) ? (LOUD[n % 32] as number) : 0xff;
      const packet = receiver.check(
        rtpDatagram({
          sequenceNumber: n & 0xffff,
          rtpTimestamp: (n * 160) >>> 0,
          payload: new Uint8Array(160).fill(byte),
        }),
      );
      if (packet) receiver.push(packet, atMs);
    }
    const played = receiver.tick(nowMs);
    const index = played ? LEVELS.get(played[0] ?? 0) : undefined;
    if (index === undefined) continue;
    spoken++;
    // The newest packet with this mark that can have come.
    const newest = Math.floor(nowMs / packetMs);
    const n = newest - ((((newest - index) % 32) + 32) % 32);
    const cameMs = arrivedMs.get(n);
    if (cameMs !== undefined && cameMs <= nowMs) waits.push(nowMs - cameMs);
  }
  waits.sort((a, b) => a - b);
  const quantile = (share: number): number => waits[Math.floor(share * (waits.length - 1))] ?? NaN;
  return {
    stats,
    lostCount,
    meanMs: waits.reduce((sum, wait) => sum + wait, 0) / waits.length,
    p95Ms: quantile(0.95),
    /** Of the speech that was spoken. */
    playedShare: spoken / (packetCount * 0.75),
  };
}

describe('RFC 3550: half an hour through a network', () => {
  it('T41: that is good: waits 40 ms and loses nothing', () => {
    const { meanMs, p95Ms, playedShare, stats } = listen(CLEAN);
    expect(meanMs).toBeLessThanOrEqual(45);
    expect(p95Ms).toBeLessThanOrEqual(60);
    expect(playedShare).toBeGreaterThan(0.999);
    expect(stats).toMatchObject({ packetsLost: 0, packetsLate: 0, packetsDuplicate: 0 });
  });

  it.each([200, -200])(
    'T41: of 60 ± 30 ms with losses of 3 percent, 5 percent overtaken and a clock off by %i ppm: waits 80 ms at most on average',
    (driftPpm) => {
      const network = {
        driftPpm,
        delayMs: 60,
        jitterMs: 30,
        loss: 0.03,
        reorder: 0.05,
        duplicates: 0.01,
      };
      const { meanMs, p95Ms, playedShare, stats, lostCount } = listen(network);
      expect(meanMs).toBeLessThanOrEqual(80);
      expect(p95Ms).toBeLessThanOrEqual(140);
      expect(playedShare).toBeGreaterThan(0.93);
      // What arrived at all, too late or not, is not counted as lost.
      expect(Math.abs(stats.packetsLost - lostCount)).toBeLessThan(10);
      expect(stats.packetsDuplicate).toBeGreaterThan(500);
    },
  );

  it.each([200, -200])(
    'T41: with a clock off by %i ppm alone: neither runs dry nor fills up',
    (driftPpm) => {
      const { meanMs, p95Ms, playedShare } = listen({ ...CLEAN, driftPpm });
      expect(meanMs).toBeLessThanOrEqual(60);
      expect(p95Ms).toBeLessThanOrEqual(80);
      expect(playedShare).toBeGreaterThan(0.995);
    },
  );
});
