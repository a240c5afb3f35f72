import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { infoDigit } from './info-digit.ts';

describe('RFC 6086: a digit by SIP INFO', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', '5', 160],
    ['application/dtmf-relay', 'Signal= #\nDuration= 250', '#', 250],
    ['Application/DTMF-Relay; charset=utf-8', 'signal=*', '*', 100],
    ['application/dtmf-relay', 'Duration=99999\r\nSignal=d', 'D', 10_000],
    ['application/dtmf-relay', 'Signal=11\r\nDuration=100', '#', 100],
    ['application/dtmf', '7', '7', 100],
    ['application/dtmf', ' 10 \r\n', '*', 100],
    ['application/dtmf', 'a', 'A', 100],
  ])('T43: is read from %s "%s"', (contentType, body, digit, durationMs) => {
    expect(infoDigit({ contentType, body })).toEqual({ digit, durationMs });
  });

  it.each([
    ['text/plain', '5'],
    ['application/dtmf', '55'],
    ['application/dtmf', '16'],
    ['application/dtmf-relay', '5'],
    ['application/dtmf-relay', 'Signal=flash\r\nDuration=100'],
    ['application/dtmf-relay', `Signal=5\r\n${'x'.repeat(300)}`],
    ['application/sdp', 'v=0'],
  ])('T43: is none: %s "%s"', (contentType, body) => {
    expect(infoDigit({ contentType, body })).toBeNull();
  });

  it('T43: never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (body) => {
        infoDigit({ contentType: 'application/dtmf-relay', body });
        infoDigit({ contentType: body, body });
      }),
    );
  });
});
