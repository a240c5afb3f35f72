import { bufferDelayMs, estimateMos } from '../rtp/e-model.ts';

/** How one direction of a call's audio arrived. */
export interface WayQuality {
  packets: number;
  lost: number | null;
  lossPercent: number | null;
  jitterMs: number | null;
  /** From mouth to ear: half of the round trip, where it is known, the packets and the buffer. */
  delayMs: number | null;
  /** Estimated, 1 to 4.5. */
  mos: number | null;
}

/** How the audio of a call was. */
export interface CallQuality {
  codec: string | null;
  /** Suite of SRTP; null: the audio was not encrypted. */
  encryption: string | null;
  roundTripMs: number | null;
  /** From the far end to us; null: nothing came. */
  received: (WayQuality & { late: number; duplicate: number }) | null;
  /** From us to the far end, by its reports; null: nothing left. */
  sent: WayQuality | null;
}

/** Of what is stored of a call's media (`RtpStreamStats`); null: there was none. */
export function callQuality(media: unknown): CallQuality | null {
  if (typeof media !== 'object' || media === null) return null;
  const stored = media as Record<string, unknown>;
  const received = numberOf(stored['packetsReceived']) ?? 0;
  const sent = numberOf(stored['packetsSent']) ?? 0;
  if (received === 0 && sent === 0) return null;
  const roundTripMs = numberOf(stored['rttMs']);
  return {
    codec: textOf(stored['codec']),
    encryption: textOf(stored['encryption']),
    roundTripMs: roundTripMs === null ? null : rounded(roundTripMs, 1),
    received: received === 0 ? null : receivedQuality(stored, received, roundTripMs),
    sent: sent === 0 ? null : sentQuality(stored['remote'], sent, roundTripMs),
  };
}

function receivedQuality(
  stored: Record<string, unknown>,
  packets: number,
  roundTripMs: number | null,
): CallQuality['received'] {
  const lost = numberOf(stored['packetsLost']) ?? 0;
  const late = numberOf(stored['packetsLate']) ?? 0;
  const duplicate = numberOf(stored['packetsDuplicate']) ?? 0;
  const expected = numberOf(stored['packetsExpected']) ?? packets + lost;
  const jitterMs = numberOf(stored['jitterMs']) ?? 0;
  // What comes when its place was given up is not heard either.
  const way = { missing: lost + late, expected, jitterMs, roundTripMs };
  return { packets, lost, late, duplicate, ...judged(way) };
}

/** @param remote the far end's own count, where it sent one. */
function sentQuality(remote: unknown, packets: number, roundTripMs: number | null): WayQuality {
  if (typeof remote !== 'object' || remote === null) {
    return { packets, lost: null, lossPercent: null, jitterMs: null, delayMs: null, mos: null };
  }
  const report = remote as Record<string, unknown>;
  const lost = Math.min(numberOf(report['packetsLost']) ?? 0, packets);
  const jitterMs = numberOf(report['jitterMs']) ?? 0;
  return { packets, lost, ...judged({ missing: lost, expected: packets, jitterMs, roundTripMs }) };
}

function judged(way: {
  missing: number;
  expected: number;
  jitterMs: number;
  roundTripMs: number | null;
}): Pick<WayQuality, 'lossPercent' | 'jitterMs' | 'delayMs' | 'mos'> {
  const lossPercent = Math.min(100, (100 * way.missing) / Math.max(1, way.expected));
  const oneWayDelayMs = (way.roundTripMs ?? 0) / 2 + bufferDelayMs(way.jitterMs);
  return {
    lossPercent: rounded(lossPercent, 2),
    jitterMs: rounded(way.jitterMs, 1),
    delayMs: Math.round(oneWayDelayMs),
    mos: rounded(estimateMos({ lossPercent, oneWayDelayMs }), 2),
  };
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
