const WINDOW_MS = 60_000;
/** Enough for a 95th percentile; the oldest goes first. */
const MAX_WAITS = 1_000;

/** How long the jobs of the last minute waited before they began. */
export class RecentWaits {
  readonly #waits: { atMs: number; waitMs: number }[] = [];

  /** A job begins at `atMs` after `waitMs`. */
  add(atMs: number, waitMs: number): void {
    this.#waits.push({ atMs, waitMs });
    if (this.#waits.length > MAX_WAITS) this.#waits.shift();
  }

  /** Milliseconds that 95 of 100 did not exceed; 0 where none began. */
  p95Ms(nowMs: number): number {
    const waits = this.#waits
      .filter(({ atMs }) => atMs > nowMs - WINDOW_MS)
      .map(({ waitMs }) => waitMs)
      .sort((a, b) => a - b);
    return waits[Math.ceil(waits.length * 0.95) - 1] ?? 0;
  }
}
