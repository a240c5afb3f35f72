import type { RtpStreamStats } from './media-engine.ts';

/** Of a stream that has neither sent nor received. */
export const NO_RTP_STATS: Readonly<RtpStreamStats> = {
  codec: null,
  encryption: null,
  packetsSent: 0,
  packetsReceived: 0,
  packetsLost: 0,
  packetsInvalid: 0,
  packetsFromStrangers: 0,
  packetsExpected: 0,
  packetsLate: 0,
  packetsDuplicate: 0,
  jitterMs: 0,
  rttMs: null,
  remote: null,
};
