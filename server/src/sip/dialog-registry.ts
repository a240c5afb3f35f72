import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { DialogOwner } from './leg-context.ts';

/** Owners that are over and still hear late messages; the oldest is forgotten first. */
const MAX_LINGERING = 20_000;

/** Finds who owns a dialog by its Call-ID and our tag (RFC 3261 §12.2.2). */
export class DialogRegistry {
  readonly #clock: Clock;
  readonly #owners = new Map<string, DialogOwner>();
  readonly #lingering = new Map<string, TimerHandle>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(callId: string, localTag: string | null): DialogOwner | undefined {
    return localTag === null ? undefined : this.#owners.get(keyOf(callId, localTag));
  }

  add(owner: DialogOwner): void {
    const key = keyOf(owner.sipCallId, owner.localTag);
    this.#lingering.get(key)?.cancel();
    this.#lingering.delete(key);
    this.#owners.set(key, owner);
  }

  /** Forgets an owner after `lingerMs`. */
  expire(owner: DialogOwner, lingerMs: number): void {
    const key = keyOf(owner.sipCallId, owner.localTag);
    if (this.#owners.get(key) !== owner) return;
    this.#lingering.get(key)?.cancel();
    this.#lingering.delete(key);
    const timer = this.#clock.setTimer(lingerMs, () => this.#forget(key));
    this.#lingering.set(key, timer);
    if (this.#lingering.size <= MAX_LINGERING) return;
    for (const oldest of this.#lingering.keys()) {
      this.#forget(oldest);
      break;
    }
  }

  /** Idempotent. */
  close(): void {
    for (const timer of this.#lingering.values()) timer.cancel();
    this.#lingering.clear();
    this.#owners.clear();
  }

  #forget(key: string): void {
    this.#lingering.get(key)?.cancel();
    this.#lingering.delete(key);
    this.#owners.delete(key);
  }
}

function keyOf(callId: string, localTag: string): string {
  return `${callId}|${localTag}`;
}
