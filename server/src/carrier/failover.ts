import type { LegFailure } from '../sip/leg.ts';

/**
 * Whether the next destination may be tried: nothing could be sent, nothing at all came back, the
 * far end timed out or says that it is broken. Never after a phone rang, was busy or declined.
 */
export function mayFailOver(
  failure: Pick<LegFailure, 'cause' | 'status' | 'provisionalSeen'>,
): boolean {
  switch (failure.cause) {
    case 'cancelled':
      return false;
    case 'timeout':
    case 'transport':
      return !failure.provisionalSeen;
    case 'response':
      return failure.status === 408 || (failure.status >= 500 && failure.status <= 599);
  }
}
