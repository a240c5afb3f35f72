import type { Clock } from '../shared/clock.ts';
import { sessionTimerPlan, type SessionTimer } from './session-timer-fsm.ts';
import { TimerSet } from './timer-set.ts';

export interface SessionTimerUser {
  /** Sends a refresh. Resolves when it was answered; whether by a 2xx. */
  refresh(): Promise<boolean>;
  /** No refresh came through: the session is over. */
  expire(): void;
}

/** Keeps one session alive, or ends it (RFC 4028 §10). */
export class SessionTimerRun {
  readonly #timers: TimerSet<'refresh' | 'end'>;
  readonly #user: SessionTimerUser;
  #active: SessionTimer | null = null;
  #closed = false;

  constructor(clock: Clock, user: SessionTimerUser) {
    this.#timers = new TimerSet(clock);
    this.#user = user;
  }

  /** What is agreed upon now; null: no session timer. */
  get active(): SessionTimer | null {
    return this.#active;
  }

  /** A session refresh request was answered by a 2xx: time begins anew. */
  start(timer: SessionTimer | null): void {
    this.#timers.stop('refresh');
    this.#timers.stop('end');
    this.#active = timer;
    if (timer === null || this.#closed) return;
    const plan = sessionTimerPlan(timer);
    this.#timers.start('end', plan.endAfterMs, () => {
      this.#timers.stop('refresh');
      this.#user.expire();
    });
    if (plan.refreshAfterMs === null) return;
    this.#timers.start('refresh', plan.refreshAfterMs, () => this.#refresh(timer));
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#active = null;
    this.#timers.close();
  }

  #refresh(timer: SessionTimer): void {
    void this.#user.refresh().then((isRefreshed) => {
      // Answered or agreed upon anew meanwhile.
      if (isRefreshed || this.#active !== timer) return;
      const { retryAfterMs } = sessionTimerPlan(timer);
      this.#timers.start('refresh', retryAfterMs, () => this.#refresh(timer));
    });
  }
}
