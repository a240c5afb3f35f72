/**
 * Milliseconds of the machine's monotonic clock, which all processes share: times taken in the load
 * generator and in the benchmark can be subtracted from one another.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
