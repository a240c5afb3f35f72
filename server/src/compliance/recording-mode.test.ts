import { describe, expect, it } from 'vitest';
import { asksNotToBeCalled } from './do-not-call-wish.ts';
import { recordingMode } from './recording-mode.ts';

describe('G26: how a recording begins', () => {
  it.each([
    ['+14155550123', '+12125550123', 'announce'],
    ['+919876543210', '+918800001234', 'announce'],
    ['+4930123456', '+12125550123', 'ask'],
    ['+12125550123', '+4930123456', 'ask'],
    ['anonymous', '+12125550123', 'announce'],
  ])('to %s from %s: %s', (to, from, mode) => {
    expect(recordingMode(to, from)).toBe(mode);
  });
});

describe('a wish not to be called', () => {
  it.each([
    [{ intent: 'do-not-call', state: 'start' }, true],
    [{ intents: ['hello', 'do-not-call'], outcome: 'do-not-call' }, true],
    [{ end_reason: 'do-not-call-requested' }, true],
    [{ reason: 'do-not-call-requested' }, true],
    [{ intent: 'goodbye' }, false],
    [{ intents: 'do-not-call' }, false],
    [{}, false],
  ])('%j: %s', (said, expected) => {
    expect(asksNotToBeCalled(said)).toBe(expected);
  });
});
