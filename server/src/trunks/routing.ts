import type { LegFailure } from '../sip/leg.ts';

/** Refusals that speak of this gateway or carrier, not of the called person. */
const NEXT_GATEWAY_CODES: ReadonlySet<number> = new Set([
  402, 408, 415, 420, 421, 422, 428, 436, 437, 438, 488, 500, 502, 503, 504,
]);

/**
 * Whether another gateway may be tried after this failure. A person who was busy, declined or was
 * rung until we gave up is never dialled again through another way.
 */
export function nextGatewayAllowed(failure: LegFailure): boolean {
  switch (failure.cause) {
    // RFC 3261 §9.1: also when our CANCEL got no answer the far end may still have rung.
    case 'cancelled':
      return false;
    // Nothing, or nothing but 100, was heard. After a 18x the phone has rung.
    case 'timeout':
    case 'transport':
      return !failure.provisionalSeen;
    case 'response':
      return NEXT_GATEWAY_CODES.has(failure.status);
  }
}

/** Gateways in the order in which they are tried: lowest priority number first. */
export function gatewaysInOrder<T extends { priority: number }>(gateways: readonly T[]): T[] {
  return [...gateways].sort((a, b) => a.priority - b.priority);
}

/** Gateways that are down come last, each group in the order in which it was: none is left out. */
export function downLast<T>(gateways: readonly T[], isDown: (gateway: T) => boolean): T[] {
  return [...gateways.filter((one) => !isDown(one)), ...gateways.filter(isDown)];
}
