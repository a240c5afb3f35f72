import type { Clock, TimerHandle } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import type { SpeechThreadKind, SpeechThreadStats } from './speech-protocol.ts';

export interface SpeechWatchOptions {
  clock: Clock;
  logger: Logger;
  stats: () => Promise<readonly (SpeechThreadStats & { kind: SpeechThreadKind })[]>;
}

const LOOK_EVERY_MS = 15_000;
/** A caller notices. */
const LONG_WAIT_MS = 1_000;

/** Says in the log when calls wait for speech: the machine has more of them than it can hear. */
export class SpeechWatch {
  readonly #options: SpeechWatchOptions;
  #timer: TimerHandle | undefined;
  #isClosed = false;

  constructor(options: SpeechWatchOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimer(LOOK_EVERY_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { logger, stats } = this.#options;
    try {
      for (const { kind, waiting, waitP95Ms } of await stats()) {
        if (this.#isClosed || waitP95Ms <= LONG_WAIT_MS) continue;
        logger.warn(
          { kind, waiting, wait_p95_ms: Math.round(waitP95Ms) },
          'calls wait for speech: this machine has more of them than it can serve',
        );
      }
    } catch (error) {
      logger.debug({ err: error }, 'no figures of the inference threads');
    }
    this.#arm();
  }
}
