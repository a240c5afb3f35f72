import { describe, expect, it } from 'vitest';
import type { LegFailure } from '../sip/leg.ts';
import { downLast, gatewaysInOrder, nextGatewayAllowed } from './routing.ts';

function failure(overrides: Partial<LegFailure>): LegFailure {
  return {
    cause: 'response',
    status: 503,
    reason: '',
    local: false,
    provisionalSeen: false,
    reasonHeader: null,
    retryAfterS: null,
    ...overrides,
  };
}

describe('routing', () => {
  it.each([408, 500, 502, 503, 504])('T29 tries the next gateway after %i', (status) => {
    expect(nextGatewayAllowed(failure({ status }))).toBe(true);
  });

  it.each([480, 486, 487, 600, 603, 404, 607, 608, 604, 606, 403, 401, 407])(
    'T29 never tries another gateway after %i',
    (status) => {
      expect(nextGatewayAllowed(failure({ status }))).toBe(false);
    },
  );

  it('T29 tries the next gateway when nothing was heard or nothing could be sent', () => {
    expect(nextGatewayAllowed(failure({ cause: 'timeout', status: 408 }))).toBe(true);
    expect(nextGatewayAllowed(failure({ cause: 'transport', status: 503 }))).toBe(true);
  });

  it('leaves a phone alone that has rung when the line was lost', () => {
    expect(nextGatewayAllowed(failure({ cause: 'timeout', provisionalSeen: true }))).toBe(false);
    expect(nextGatewayAllowed(failure({ cause: 'transport', provisionalSeen: true }))).toBe(false);
  });

  it('T14 RFC 3261 §9.1: never tries another gateway after a CANCEL of ours, answered or not', () => {
    expect(nextGatewayAllowed(failure({ cause: 'cancelled', status: 487 }))).toBe(false);
    expect(nextGatewayAllowed(failure({ cause: 'cancelled', status: 408 }))).toBe(false);
  });

  it('orders gateways by priority and leaves the list that it was given alone', () => {
    const given = [{ priority: 2 }, { priority: 1 }];
    expect(gatewaysInOrder(given)).toEqual([{ priority: 1 }, { priority: 2 }]);
    expect(given[0]).toEqual({ priority: 2 });
  });

  it('puts gateways that are down last, and leaves none out', () => {
    expect(downLast(['a', 'b', 'c', 'd'], (one) => one === 'a' || one === 'c')).toEqual([
      'b',
      'd',
      'a',
      'c',
    ]);
    expect(downLast(['a', 'b'], () => true)).toEqual(['a', 'b']);
  });
});
