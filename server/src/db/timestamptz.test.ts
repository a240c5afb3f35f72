import fc from 'fast-check';
import { types } from 'pg';
import { describe, expect, it } from 'vitest';
import { parseTimestamptz } from './timestamptz.ts';

const parseAny = types.getTypeParser(types.builtins.TIMESTAMPTZ) as (text: string) => unknown;

const two = (n: number): string => String(n).padStart(2, '0');

describe('parseTimestamptz', () => {
  it.each([
    ['2026-01-02 03:04:05+00', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02 03:04:05.6+00', '2026-01-02T03:04:05.600Z'],
    ['2026-01-02 03:04:05.678901+05:30', '2026-01-01T21:34:05.678Z'],
    ['2026-12-31 23:59:59.999999-03', '2027-01-01T02:59:59.999Z'],
    ['1890-01-01 00:00:00+00:53:28', '1889-12-31T23:06:32.000Z'],
    ['0044-03-15 12:00:00+00 BC', '-000043-03-15T12:00:00.000Z'],
    ['12026-01-02 03:04:05+00', '+012026-01-02T03:04:05.000Z'],
  ])('reads %s', (text, iso) => {
    expect((parseTimestamptz(text) as Date).toISOString()).toBe(iso);
  });

  it.each([
    ['infinity', Infinity],
    ['-infinity', -Infinity],
  ])('reads %s', (text, value) => {
    expect(parseTimestamptz(text)).toBe(value);
  });

  it('agrees with the general parser', () => {
    const text = fc
      .record({
        date: fc.date({
          min: new Date('1000-01-01'),
          max: new Date('9999-12-30'),
          noInvalidDate: true,
        }),
        micros: fc.string({
          unit: fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'),
          maxLength: 6,
        }),
        hours: fc.integer({ min: -12, max: 14 }),
        minutes: fc.constantFrom('', ':00', ':30', ':45'),
      })
      .map(({ date, micros, hours, minutes }) => {
        const seconds = date.toISOString().slice(0, 19).replace('T', ' ');
        const sign = hours < 0 ? '-' : '+';
        return `${seconds}${micros && `.${micros}`}${sign}${two(Math.abs(hours))}${minutes}`;
      });
    fc.assert(
      fc.property(text, (one) => {
        expect(parseTimestamptz(one)).toEqual(parseAny(one));
      }),
    );
  });
});
