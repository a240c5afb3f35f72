import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDate, speakDate } from './parse-date.ts';
import { parseDigits, speakDigits } from './parse-digits.ts';
import { parseName, parseYesNo, readSlot } from './slots.ts';

/** A Saturday, 18:00 in UTC. */
const clock = { nowMs: Date.UTC(2026, 10, 21, 18), timeZone: 'UTC' };

describe('parseDigits', () => {
  it.each([
    ['five five five oh one', undefined, '55501'],
    ['double seven', undefined, '77'],
    ['triple two nine', undefined, '2229'],
    ['my number is 555-0147, please', undefined, '5550147'],
    ['twenty three forty', undefined, '2340'],
    ['nineteen eighty two', undefined, '1982'],
    ['five hundred', undefined, '500'],
    ['Five, five. Five!', 3, '555'],
    ['to for one', 3, '241'],
    ['one two for', undefined, '12'],
    ['one two three', 4, null],
    ['nothing at all', undefined, null],
    ['', undefined, null],
  ])('reads %j (length %j) as %j', (text, length, digits) => {
    expect(parseDigits(text, length)).toBe(digits);
  });

  it('hears its own read-back as the same digits', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{1,15}$/), (digits) => {
        expect(parseDigits(speakDigits(digits), digits.length)).toBe(digits);
      }),
    );
  });

  it('reads back in groups', () => {
    expect(speakDigits('5550147')).toBe('five five five, zero one four seven');
    expect(speakDigits('1234')).toBe('one two three four');
    expect(speakDigits('123456')).toBe('one two three, four five six');
  });
});

describe('parseDate', () => {
  it.each([
    ['next tuesday at three thirty in the afternoon', '2026-11-24', '15:30'],
    ['Next Tuesday at 3:30 in the afternoon.', '2026-11-24', '15:30'],
    ['tuesday at 3', '2026-11-24', '15:00'],
    ['monday at nine', '2026-11-23', '09:00'],
    ['monday at nine in the evening', '2026-11-23', '21:00'],
    ['tomorrow at two', '2026-11-22', '14:00'],
    ['tomorrow at 10 a.m.', '2026-11-22', '10:00'],
    ['ten a.m. on friday', '2026-11-27', '10:00'],
    ['the day after tomorrow at noon', '2026-11-23', '12:00'],
    ['half past two on monday', '2026-11-23', '14:30'],
    ['a quarter to five tomorrow', '2026-11-22', '16:45'],
    ['friday morning', '2026-11-27', 'morning'],
    ['friday morning at eight fifteen', '2026-11-27', '08:15'],
    ['december third at ten', '2026-12-03', '10:00'],
    ['December 3rd, 10 a.m.', '2026-12-03', '10:00'],
    ['the third of december', '2026-12-03', null],
    ["four o'clock", null, '16:00'],
    ['three thirty in the afternoon', null, '15:30'],
    ['in the morning', null, 'morning'],
    ['any day is fine', null, null],
    ['I want to cancel', null, null],
  ])('understands %j', (text, day, time) => {
    const answer = parseDate(text, clock);
    expect(answer ?? { day: null, time: null }).toEqual({ day, time });
  });

  it('counts days where the appointment is, not where the server is', () => {
    // 02:00 on Sunday in UTC is still Saturday evening in Los Angeles.
    const nowMs = Date.UTC(2026, 10, 22, 2);
    const day = (timeZone: string) => parseDate('tomorrow', { nowMs, timeZone })?.day;
    expect(day('America/Los_Angeles')).toBe('2026-11-22');
    expect(day('UTC')).toBe('2026-11-23');
  });

  it.each([
    [{ day: '2026-11-24', time: '15:30' }, 'Tuesday, November 24 at 3:30 PM'],
    [{ day: '2026-11-24', time: '00:00' }, 'Tuesday, November 24 at 12 AM'],
    [{ day: '2026-11-24', time: '12:00' }, 'Tuesday, November 24 at noon'],
    [{ day: '2026-11-27', time: 'morning' }, 'Friday, November 27 in the morning'],
    [{ day: '2026-12-03', time: null }, 'Thursday, December 3'],
    [{ day: '2027-11-03', time: null }, 'Wednesday, November 3, 2027'],
  ])('says %j as %j', (answer, spoken) => {
    expect(speakDate(answer, clock)).toBe(spoken);
  });
});

describe('parseYesNo', () => {
  it.each([
    ['yes', 'yes'],
    ['Yeah, sure.', 'yes'],
    ['no problem', 'yes'],
    ['that is correct', 'yes'],
    ['that is not correct', 'no'],
    ['nope', 'no'],
    ['not really', 'no'],
    ["I'm not sure", null],
    ['maybe', null],
    ['right now?', null],
    ['purple', null],
  ])('takes %j for %j', (text, answer) => {
    expect(parseYesNo(text)).toBe(answer);
  });
});

describe('parseName', () => {
  it.each([
    ['my name is john smith', 'John Smith'],
    ["It's Mary-Jane O\u2019Neil.", "Mary-Jane O'Neil"],
    ['Um, this is Ann speaking', 'Ann'],
    ['José García', 'José García'],
    ['call 555 1234', null],
    ['I would rather not tell you that now', null],
    ['', null],
  ])('takes %j for %j', (text, name) => {
    expect(parseName(text)).toBe(name);
  });
});

describe('readSlot', () => {
  const date = { type: 'date', require_time: true } as const;

  it('asks for the time when only the day was said, and puts both together', () => {
    const first = readSlot(date, 'next tuesday', null, clock);
    expect(first).toEqual({
      status: 'partial',
      partial: '2026-11-24',
      ask: 'At what time on Tuesday, November 24?',
    });
    expect(readSlot(date, 'three thirty', '2026-11-24', clock)).toEqual({
      status: 'filled',
      fill: { value: '2026-11-24T15:30', spoken: 'Tuesday, November 24 at 3:30 PM' },
    });
  });

  it('asks for the day when only the time was said, and puts both together', () => {
    const first = readSlot(date, 'at 3 pm', null, clock);
    expect(first).toEqual({ status: 'partial', partial: 'T15:00', ask: 'On which day?' });
    expect(readSlot(date, 'on monday', 'T15:00', clock)).toMatchObject({
      fill: { value: '2026-11-23T15:00' },
    });
  });

  it('refuses a day and an hour that are over', () => {
    expect(readSlot(date, 'yesterday at noon', null, clock)).toMatchObject({ status: 'invalid' });
    expect(readSlot(date, 'today at 9 am', null, clock)).toMatchObject({ status: 'invalid' });
  });

  it('never throws, whatever is said', () => {
    const type = fc.constantFrom('digits', 'date', 'yes-no', 'name', 'text');
    const said = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(
            ...'next last tuesday may 31 february half past quarter to double triple twenty three oh at in the 99 pm a m 2026 -5 december third day after tomorrow hundred'.split(
              ' ',
            ),
          ),
          { maxLength: 12 },
        )
        .map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(type, said, fc.boolean(), (kind, text, requireTime) => {
        const reading = readSlot(
          { type: kind, require_time: requireTime },
          text,
          requireTime ? '2026-11-24' : null,
          clock,
        );
        expect(['none', 'filled', 'partial', 'invalid']).toContain(reading.status);
        if (reading.status === 'filled') expect(reading.fill.value).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });
});
