/** RFC 3711 §3.3.2: at least 64. */
const WINDOW = 64n;

/** Remembers which of the last packets were seen, so that none is taken twice. */
export class ReplayWindow {
  #highest: number | null = null;
  /** Bit n: the packet n before the highest was seen. */
  #seen = 0n;

  /** Whether a packet of this index may still be taken. */
  isNew(index: number): boolean {
    if (this.#highest === null || index > this.#highest) return true;
    const behind = BigInt(this.#highest - index);
    return behind < WINDOW && (this.#seen & (1n << behind)) === 0n;
  }

  /** Notes a packet whose tag was right. */
  note(index: number): void {
    if (this.#highest === null || index > this.#highest) {
      const ahead = this.#highest === null ? WINDOW : BigInt(index - this.#highest);
      this.#seen = ahead >= WINDOW ? 1n : ((this.#seen << ahead) | 1n) & ((1n << WINDOW) - 1n);
      this.#highest = index;
      return;
    }
    this.#seen |= 1n << BigInt(this.#highest - index);
  }
}
