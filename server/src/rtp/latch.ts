/** A source that was silent for so long may have moved: the same SSRC from elsewhere. */
const RELATCH_AFTER_MS = 3_000;
/** After a move what is still under way from the old place does not count. */
const OLD_SOURCE_MS = 1_000;

export interface Address {
  host: string;
  port: number;
}

/**
 * Where packets come from, and so go to (symmetric RTP, RFC 4961; latching, RFC 7362): the
 * signalled address until the first valid packet after it was signalled, then that packet's source. Afterwards only the
 * signalled address itself may take over, or the same SSRC from elsewhere after 3 s of silence:
 * whoever merely sends to our port hears nothing. Not symmetric: packets go to the signalled address
 * alone, and are taken from any port of its host.
 */
export class Latch {
  #signalled: Address | null = null;
  #source: Address | null = null;
  #old: Address | null = null;
  #movedMs = 0;
  #isSymmetric = true;

  /** Where to send; null: nowhere yet. */
  get target(): Address | null {
    return this.#isSymmetric ? (this.#source ?? this.#signalled) : this.#signalled;
  }

  /** The session description named an address. A new one forgets the source. */
  signal(address: Address, nowMs: number, isSymmetric = true): void {
    this.#isSymmetric = isSymmetric;
    // RFC 3264 §8.4: zeroes mean hold; the far end has not moved there.
    if (address.host === '0.0.0.0' || address.host === '::' || address.port === 0) return;
    const before = this.#signalled;
    this.#signalled = { host: address.host, port: address.port };
    // Whoever sent before the far end named itself may be anybody: from elsewhere it counts anew.
    if (!before && this.#source?.host !== address.host) this.#source = null;
    if (!before || same(before, address)) return;
    this.#old = this.#source;
    this.#movedMs = nowMs;
    this.#source = null;
  }

  /** Whether a valid packet from `from` is one of the call; latches to its source if so. */
  admit(
    from: Address,
    packet: { nowMs: number; lastArrivalMs: number | null; sameSsrc: boolean },
  ): boolean {
    if (!this.#isSymmetric) return this.#signalled?.host === from.host;
    if (this.#source && same(this.#source, from)) return true;
    if (!this.#mayTakeOver(from, packet)) return false;
    this.#source = { host: from.host, port: from.port };
    return true;
  }

  #mayTakeOver(
    from: Address,
    packet: { nowMs: number; lastArrivalMs: number | null; sameSsrc: boolean },
  ): boolean {
    if (this.#signalled && same(this.#signalled, from)) return true;
    if (!this.#source) {
      const leftBehind = this.#old !== null && same(this.#old, from);
      return !leftBehind || packet.nowMs - this.#movedMs >= OLD_SOURCE_MS;
    }
    const silentMs = packet.nowMs - (packet.lastArrivalMs ?? packet.nowMs);
    return packet.sameSsrc && silentMs >= RELATCH_AFTER_MS;
  }
}

function same(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host;
}
