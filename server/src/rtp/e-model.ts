/** R of a G.711 call without loss and delay, with the default values of ITU-T G.107 (table 2). */
const R_MAX = 93.2;
/** ITU-T G.113 appendix I: packet-loss robustness of G.711 with concealment, for losses by chance. */
const LOSS_ROBUSTNESS = 25.1;
/** What is lost at most: all that makes speech of it (G.107 §7.4). */
const R_OF_LOSS = 95;
const PACKET_MS = 20;

/**
 * A mean opinion score from 1 to 4.4 by the E-model, simplified as for packet networks: ITU-T G.107
 * with its default values, loss by chance, delay without echo. G.722 and Opus are heard with 8 kHz
 * here and count like G.711; G.113 has no values for them in the narrow band.
 * @param oneWayDelayMs from mouth to ear.
 */
export function estimateMos(way: { lossPercent: number; oneWayDelayMs: number }): number {
  const lossPercent = Math.max(0, Math.min(100, way.lossPercent));
  const delayMs = Math.max(0, way.oneWayDelayMs);
  // Id of G.107 without echo, in the approximation of Cole and Rosenbluth (2001).
  const delayLoss = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - 177.3);
  const packetLoss = (R_OF_LOSS * lossPercent) / (lossPercent + LOSS_ROBUSTNESS);
  const r = R_MAX - delayLoss - packetLoss;
  if (r <= 0) return 1;
  // G.107 Annex B.
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

/** Delay from mouth to ear that is not the network's: a packet, and what a buffer waits for its jitter. */
export function bufferDelayMs(jitterMs: number): number {
  return 2 * PACKET_MS + Math.max(PACKET_MS, 3 * jitterMs);
}
