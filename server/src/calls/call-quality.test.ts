import { describe, expect, it } from 'vitest';
import { NO_RTP_STATS } from '../rtp/no-rtp-stats.ts';
import { callQuality } from './call-quality.ts';

const TALK = {
  ...NO_RTP_STATS,
  codec: 'PCMU',
  packetsSent: 3_000,
  packetsReceived: 2_970,
  packetsExpected: 3_000,
  packetsLost: 30,
  packetsLate: 15,
  packetsDuplicate: 2,
  jitterMs: 4.04,
  rttMs: 80.26,
  remote: { packetsLost: 300, jitterMs: 20 },
};

describe('the quality of a call', () => {
  it('is told for each direction', () => {
    const quality = callQuality(TALK);
    expect(quality).toMatchObject({
      codec: 'PCMU',
      encryption: null,
      roundTripMs: 80.3,
      received: {
        packets: 2_970,
        lost: 30,
        late: 15,
        duplicate: 2,
        lossPercent: 1.5,
        jitterMs: 4,
        delayMs: 100,
      },
      sent: { packets: 3_000, lost: 300, lossPercent: 10, jitterMs: 20, delayMs: 140 },
    });
    expect(quality?.received?.mos).toBeGreaterThan(4.1);
    expect(quality?.sent?.mos).toBeLessThan(quality?.received?.mos ?? 0);
  });

  it('says what is not known: nothing came, or the far end sends no reports', () => {
    const quality = callQuality({ ...NO_RTP_STATS, packetsSent: 100 });
    expect(quality).toMatchObject({
      roundTripMs: null,
      received: null,
      sent: { packets: 100, lost: null, lossPercent: null, mos: null },
    });
  });

  it('is none where there was no audio, or nothing is stored', () => {
    expect(callQuality(NO_RTP_STATS)).toBeNull();
    expect(callQuality(null)).toBeNull();
    expect(callQuality('x')).toBeNull();
  });

  it('reads calls that were stored with less', () => {
    const old = { packetsSent: 10, packetsReceived: 90, packetsLost: 10, jitterMs: 1 };
    expect(callQuality(old)?.received).toMatchObject({ lossPercent: 10, late: 0 });
    expect(callQuality({ packetsReceived: 5, packetsLost: 'x', jitterMs: null })).not.toBeNull();
  });
});
