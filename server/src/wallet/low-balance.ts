/** Thresholds that a balance fell below on its way from `before` to `after`, highest first. */
export function crossedThresholds(
  thresholdsMicros: readonly number[],
  before: number,
  after: number,
): number[] {
  return thresholdsMicros
    .filter((threshold) => before >= threshold && after < threshold)
    .sort((a, b) => b - a);
}
