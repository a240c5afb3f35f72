import { describe, expect, it } from 'vitest';
import { hangupOf, type CallOutcome } from './hangup-codes.ts';

const refusedBy = (status: number): CallOutcome => ({
  type: 'failed',
  failure: { cause: 'response', status },
});

describe('Zentrunk’s code', () => {
  it.each<[string, CallOutcome, [number, string], [number, string]]>([
    [
      'who called hung up',
      { type: 'hung-up', by: 'caller' },
      [3010, 'customer'],
      [3000, 'carrier'],
    ],
    [
      'who was called hung up',
      { type: 'hung-up', by: 'callee' },
      [3000, 'carrier'],
      [3010, 'customer'],
    ],
    ['the caller gave up', { type: 'cancelled' }, [4550, 'customer'], [4420, 'carrier']],
    ['nobody sent audio', { type: 'rtp-timeout' }, [3020, 'zentrunk'], [3020, 'zentrunk']],
    ['it rang too long', { type: 'time-is-up' }, [6030, 'zentrunk'], [6030, 'zentrunk']],
    ['busy', refusedBy(486), [4410, 'carrier'], [4410, 'customer']],
    ['busy everywhere', refusedBy(600), [6000, 'carrier'], [6000, 'customer']],
    ['unavailable', refusedBy(480), [4340, 'carrier'], [4350, 'customer']],
    ['declined', refusedBy(603), [6040, 'carrier'], [6040, 'customer']],
    ['no such number', refusedBy(404), [4090, 'carrier'], [4090, 'customer']],
    ['forbidden', refusedBy(403), [4040, 'carrier'], [4060, 'customer']],
    ['a password asked for', refusedBy(407), [4010, 'carrier'], [4020, 'customer']],
    ['timed out there', refusedBy(408), [4160, 'carrier'], [4170, 'customer']],
    ['no codec', refusedBy(488), [4630, 'carrier'], [4640, 'customer']],
    ['overloaded', refusedBy(503), [5350, 'carrier'], [5360, 'customer']],
    ['gateway timed out', refusedBy(504), [5330, 'carrier'], [5340, 'customer']],
    ['an unknown 5xx', refusedBy(599), [5000, 'carrier'], [5000, 'customer']],
    [
      'no answer at all',
      { type: 'failed', failure: { cause: 'timeout', status: 408 } },
      [4160, 'carrier'],
      [4170, 'customer'],
    ],
    [
      'nothing could be sent',
      { type: 'failed', failure: { cause: 'transport', status: 503 } },
      [5000, 'carrier'],
      [4320, 'customer'],
    ],
  ])('of %s depends on whose trunk it is', (_what, outcome, outbound, inbound) => {
    const of = (direction: 'outbound' | 'inbound'): [number, string] => {
      const { code, source } = hangupOf(outcome, direction);
      return [code, source];
    };
    expect([of('outbound'), of('inbound')]).toEqual([outbound, inbound]);
  });
});
