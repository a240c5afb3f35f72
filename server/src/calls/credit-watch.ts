import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { RESERVATION_PERIOD_MS } from '../wallet/estimate.ts';
import type { Wallet } from '../wallet/wallet.ts';

export interface CreditWatchOptions {
  wallet: Pick<Wallet, 'extend'>;
  clock: Clock;
  logger: Logger;
  callId: string;
  /** The next period is not covered: say goodbye. Once. */
  onGone: () => void;
}

/** Before the end of what is reserved: the goodbye has to fit. */
export const EXTEND_LEAD_MS = 10_000;
const RETRY_MS = 2_000;

/**
 * Reserves each next period of a live call shortly before the last one is over. While the database
 * is away the call goes on for one period that nobody reserved, never longer.
 */
export function watchCredit(options: CreditWatchOptions): { close(): void } {
  const { wallet, clock, logger, callId, onGone } = options;
  let closed = false;
  let timer: TimerHandle;
  let unpaidMs = 0;

  async function extend(): Promise<void> {
    let covered: boolean;
    try {
      covered = await wallet.extend(callId);
    } catch (error) {
      if (closed) return;
      logger.warn({ err: error, callId }, 'a live call could not reserve its next period');
      unpaidMs += RETRY_MS;
      if (unpaidMs < RESERVATION_PERIOD_MS) {
        arm(RETRY_MS);
        return;
      }
      covered = false;
    }
    if (closed) return;
    if (!covered) {
      closed = true;
      onGone();
      return;
    }
    arm(RESERVATION_PERIOD_MS - unpaidMs);
    unpaidMs = 0;
  }

  function arm(delayMs: number): void {
    timer = clock.setTimer(delayMs, () => void extend());
  }

  arm(RESERVATION_PERIOD_MS - EXTEND_LEAD_MS);
  return {
    close() {
      closed = true;
      timer.cancel();
    },
  };
}
