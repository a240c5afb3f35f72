const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Wait before each try of a delivery that failed, from the try before: about three days in all. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  10 * HOUR,
  24 * HOUR,
  24 * HOUR,
];

/** An endpoint that fails for so long gets nothing any more. */
export const DISABLE_AFTER_MS = 5 * 24 * HOUR;

/** Of a delay, added at random: what failed together does not come back together. */
const JITTER = 0.1;

/**
 * When a delivery is tried again that has failed at `step` (0: the first try); null: never.
 * @param random from 0 to 1.
 */
export function nextTryMs(step: number, nowMs: number, random: number): number | null {
  const delayMs = RETRY_DELAYS_MS[step];
  return delayMs === undefined ? null : nowMs + Math.round(delayMs * (1 + JITTER * random));
}
