import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../shared/clock.ts';

const TIME_CHARS = 12;
const SALT_BYTES = 8;
const MAC_CHARS = 32;
const NONCE = new RegExp(`^[0-9a-f]{${TIME_CHARS + 2 * SALT_BYTES + MAC_CHARS}}$`);

export interface NonceRegisterOptions {
  clock: Clock;
  secret: Uint8Array;
  ttlMs: number;
  /** Nonces whose counts are remembered. */
  capacity: number;
}

/**
 * Nonces that need no memory until they were used well: time, salt and an HMAC over both
 * (RFC 7616 §3.3). Of a used nonce the highest count is kept, so that nothing is taken twice.
 */
export class NonceRegister {
  readonly #options: NonceRegisterOptions;
  readonly #counts = new Map<string, number>();
  /** Nonces made up to here are taken no more, as their counts may be forgotten. */
  #forgottenUntilMs = -1;

  constructor(options: NonceRegisterOptions) {
    this.#options = options;
  }

  issue(): string {
    const time = this.#options.clock.now().toString(16).padStart(TIME_CHARS, '0');
    const stem = time + randomBytes(SALT_BYTES).toString('hex');
    return stem + this.#mac(stem);
  }

  /** Takes a nonce with its count; false where it is not ours, too old, or was used so far or further. */
  redeem(nonce: string, count: number): boolean {
    const issuedMs = this.#issuedMs(nonce);
    if (issuedMs === null) return false;
    const ageMs = this.#options.clock.now() - issuedMs;
    if (ageMs < 0 || ageMs > this.#options.ttlMs) return false;
    const last = this.#counts.get(nonce);
    if (last === undefined && issuedMs <= this.#forgottenUntilMs) return false;
    if (last !== undefined && count <= last) return false;
    this.#counts.set(nonce, count);
    this.#shrink();
    return true;
  }

  #issuedMs(nonce: string): number | null {
    if (!NONCE.test(nonce)) return null;
    const stem = nonce.slice(0, -MAC_CHARS);
    const isOurs = timingSafeEqual(
      Buffer.from(nonce.slice(-MAC_CHARS)),
      Buffer.from(this.#mac(stem)),
    );
    return isOurs ? Number.parseInt(nonce.slice(0, TIME_CHARS), 16) : null;
  }

  #mac(stem: string): string {
    return createHmac('sha256', this.#options.secret)
      .update(stem)
      .digest('hex')
      .slice(0, MAC_CHARS);
  }

  /** Forgets the nonces that were first used longest ago. */
  #shrink(): void {
    while (this.#counts.size > this.#options.capacity) {
      const [oldest] = this.#counts.keys();
      if (oldest === undefined) return;
      this.#counts.delete(oldest);
      const issuedMs = Number.parseInt(oldest.slice(0, TIME_CHARS), 16);
      this.#forgottenUntilMs = Math.max(this.#forgottenUntilMs, issuedMs);
    }
  }
}
