import type { Clock, TimerHandle } from '../shared/clock.ts';

/** The agent speaks this long after the answer although nothing was heard of the far end. */
const OPENING_AFTER_MS = 1_000;

/** When the agent may begin: answered, and the far end's media flows or has been waited for. */
export class OpeningGate {
  readonly #clock: Clock;
  readonly #onOpen: () => void;
  #answered = false;
  #packetSeen = false;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, onOpen: () => void) {
    this.#clock = clock;
    this.#onOpen = onOpen;
  }

  get isAnswered(): boolean {
    return this.#answered;
  }

  answered(): void {
    this.#answered = true;
    if (this.#packetSeen) this.#onOpen();
    else this.#timer = this.#clock.setTimer(OPENING_AFTER_MS, this.#onOpen);
  }

  firstPacket(): void {
    if (this.#packetSeen) return;
    this.#packetSeen = true;
    this.#timer?.cancel();
    if (this.#answered) this.#onOpen();
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
  }
}
