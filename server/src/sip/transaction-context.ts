import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { SipTimers } from './sip-timers.ts';
import type { Wire } from './wire.ts';

/** What every transaction of one user agent shares. */
export interface TransactionContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers: SipTimers;
  readonly wire: Wire;
  /** Called for every message that leaves again. */
  countRetransmission(): void;
}
