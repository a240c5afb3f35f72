/** Histogram of 0.25 ms to 500 ms; what is later counts as 500 ms, except for the maximum. */
const STEPS_PER_MS = 4;
const STEPS = 500 * STEPS_PER_MS;
const SLOT_MS = 10_000;
const SLOTS = 6;

interface Slot {
  index: number;
  counts: Uint32Array;
  total: number;
  maxMs: number;
}

/** How late something was over the last minute, in slots of 10 s. No allocation per value. */
export class Lateness {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({
    index: -1,
    counts: new Uint32Array(STEPS),
    total: 0,
    maxMs: 0,
  }));

  add(lateMs: number, nowMs: number): void {
    const index = Math.floor(nowMs / SLOT_MS);
    const slot = this.#slots[index % SLOTS];
    if (!slot) return;
    if (slot.index !== index) {
      slot.index = index;
      slot.counts.fill(0);
      slot.total = 0;
      slot.maxMs = 0;
    }
    const step = Math.max(0, Math.min(STEPS - 1, Math.floor(lateMs * STEPS_PER_MS)));
    slot.counts[step] = (slot.counts[step] ?? 0) + 1;
    slot.total++;
    if (lateMs > slot.maxMs) slot.maxMs = lateMs;
  }

  /** Upper bounds of the step that a value fell in. */
  summary(nowMs: number): { p50Ms: number; p99Ms: number; maxMs: number } {
    const oldest = Math.floor(nowMs / SLOT_MS) - SLOTS + 1;
    const slots = this.#slots.filter((slot) => slot.index >= oldest && slot.total > 0);
    const total = slots.reduce((sum, slot) => sum + slot.total, 0);
    if (total === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    const maxMs = slots.reduce((max, slot) => Math.max(max, slot.maxMs), 0);
    const quantile = (share: number): number => {
      let below = 0;
      for (let step = 0; step < STEPS; step++) {
        for (const slot of slots) below += slot.counts[step] ?? 0;
        if (below >= share * total) return Math.min(maxMs, (step + 1) / STEPS_PER_MS);
      }
      return maxMs;
    };
    return { p50Ms: quantile(0.5), p99Ms: quantile(0.99), maxMs };
  }
}
