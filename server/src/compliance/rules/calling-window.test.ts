import { describe, expect, it } from 'vitest';
import { placesOf } from '../callee-places.ts';
import type { WeekWindow } from '../data/calling-windows.ts';
import { checkWindow, type WindowFacts } from './calling-window.ts';

function facts(to: string, extra: Partial<WindowFacts> = {}): WindowFacts {
  return { places: placesOf(to), purpose: 'service', countries: {}, narrower: [], ...extra };
}

function open(to: string, at: string, extra: Partial<WindowFacts> = {}): boolean {
  return checkWindow(facts(to, extra), new Date(at)) === null;
}

/** UTC hours of a day, by quarter of an hour, in which a call may be made. */
function openTimes(to: string, date: string, extra: Partial<WindowFacts> = {}): string[] {
  const start = Date.parse(`${date}T00:00:00Z`);
  const times: string[] = [];
  for (let quarter = 0; quarter < 96; quarter++) {
    const at = new Date(start + quarter * 900_000);
    if (checkWindow(facts(to, extra), at) === null) times.push(at.toISOString().slice(11, 16));
  }
  return times;
}

/** First and last quarter that is open, when it is one stretch. */
function stretch(to: string, date: string, extra: Partial<WindowFacts> = {}): [string, string] {
  const times = openTimes(to, date, extra);
  return [times[0] ?? '', times.at(-1) ?? ''];
}

const NEW_YORK = '+12125550123';
const DELHI = '+919876543210';

describe('G20: the window of the callee’s time zone over 24 hours', () => {
  it.each([
    // New York in winter is UTC-5: 8 to 21 there is 13 to 02.
    [NEW_YORK, '2026-01-14', 13 * 4],
    ['+13125550123', '2026-01-14', 13 * 4],
    ['+18085550123', '2026-01-14', 13 * 4],
    // Florida closes at 20.
    ['+13055550123', '2026-01-14', 12 * 4],
    [DELHI, '2026-01-14', 12 * 4],
    ['+442079460123', '2026-01-14', 13 * 4],
  ])('is open for the legal hours of a weekday: %s on %s', (to, date, quarters) => {
    expect(openTimes(to, date)).toHaveLength(quarters);
  });

  it('keeps India’s half hour: 9 to 21 at +05:30 is 03:30 to 15:30', () => {
    expect(stretch(DELHI, '2026-01-14')).toEqual(['03:30', '15:15']);
    expect(open(DELHI, '2026-01-14T03:29:59Z')).toBe(false);
    expect(open(DELHI, '2026-01-14T03:30:00Z')).toBe(true);
    expect(open(DELHI, '2026-01-14T15:29:59Z')).toBe(true);
    expect(open(DELHI, '2026-01-14T15:30:00Z')).toBe(false);
  });

  it('opens India an hour later for calls that sell', () => {
    expect(stretch(DELHI, '2026-01-14', { purpose: 'promotional' })).toEqual(['04:30', '15:15']);
  });

  it('keeps Nepal’s three quarters', () => {
    expect(stretch('+9779841234567', '2026-01-14')).toEqual(['02:15', '15:00']);
  });

  it('goes by the other hours of weekends in the United Kingdom', () => {
    expect(stretch('+442079460123', '2026-01-14')).toEqual(['08:00', '20:45']);
    expect(stretch('+442079460123', '2026-01-17')).toEqual(['09:00', '19:45']);
  });

  it('keeps to local time when summer time begins: 8th of March 2026 in New York', () => {
    expect(open(NEW_YORK, '2026-03-07T12:59:00Z')).toBe(false);
    expect(open(NEW_YORK, '2026-03-07T13:00:00Z')).toBe(true);
    expect(open(NEW_YORK, '2026-03-08T11:59:00Z')).toBe(false);
    expect(open(NEW_YORK, '2026-03-08T12:00:00Z')).toBe(true);
    expect(open(NEW_YORK, '2026-03-09T00:59:00Z')).toBe(true);
    expect(open(NEW_YORK, '2026-03-09T01:00:00Z')).toBe(false);
  });

  it('keeps to local time when summer time ends: 1st of November 2026 in New York', () => {
    expect(open(NEW_YORK, '2026-11-01T12:00:00Z')).toBe(false);
    expect(open(NEW_YORK, '2026-11-01T13:00:00Z')).toBe(true);
    expect(open(NEW_YORK, '2026-11-02T01:59:00Z')).toBe(true);
    expect(open(NEW_YORK, '2026-11-02T02:00:00Z')).toBe(false);
  });

  it('keeps to local time in Europe and in the south, where winter is elsewhere', () => {
    expect(open('+4930123456', '2026-03-28T07:00:00Z')).toBe(true);
    expect(open('+4930123456', '2026-03-29T05:59:00Z')).toBe(false);
    expect(open('+4930123456', '2026-03-29T06:00:00Z')).toBe(true);
    // Sydney: +11 until the 5th of April, +10 from then on.
    expect(open('+61291234567', '2026-04-04T21:00:00Z')).toBe(false);
    expect(open('+61291234567', '2026-04-04T22:00:00Z')).toBe(true);
    expect(open('+61291234567', '2026-04-03T21:00:00Z')).toBe(true);
  });
});

describe('G20: a number that may be in several zones', () => {
  it('must be legal in all: 850 is in Florida’s Eastern and Central time', () => {
    // 8 to 20 Eastern is 13 to 01, Central 14 to 02: both from 14 to 01.
    expect(open('+18505550123', '2026-01-14T13:30:00Z')).toBe(false);
    expect(open('+18505550123', '2026-01-14T14:00:00Z')).toBe(true);
    expect(open('+18505550123', '2026-01-15T00:59:00Z')).toBe(true);
    expect(open('+18505550123', '2026-01-15T01:00:00Z')).toBe(false);
  });

  it('takes a toll-free number as anywhere in the country', () => {
    // From Hawaii’s 8 (18 UTC) to New York’s 21 (02 UTC).
    expect(openTimes('+18005550123', '2026-01-14')).toHaveLength(8 * 4);
  });

  it('asks the whole of Australia for a mobile number', () => {
    // Sydney 8:00 = 21 UTC, Perth 8:00 = 00 UTC, Sydney 20:30 = 09:30 UTC.
    expect(stretch('+61412345678', '2026-01-14')).toEqual(['00:00', '09:15']);
  });

  it('takes the contact’s own zone in place of all of them', () => {
    const places = placesOf('+61412345678', 'Australia/Perth');
    expect(open('+61412345678', '2026-01-14T11:30:00Z')).toBe(false);
    expect(open('+61412345678', '2026-01-14T11:30:00Z', { places })).toBe(true);
  });
});

describe('G20: narrower windows and the next opening', () => {
  const lunch: WeekWindow = [{ days: ['wed'], from: '12:00', to: '13:00' }];

  it('needs the national window and the agent’s own', () => {
    expect(openTimes(NEW_YORK, '2026-01-14', { narrower: [lunch] })).toHaveLength(4);
    expect(openTimes(NEW_YORK, '2026-01-15', { narrower: [lunch] })).toHaveLength(0);
  });

  it('lets the workspace replace a country’s window, and a part’s', () => {
    const countries = { 'US-NY': lunch };
    expect(openTimes(NEW_YORK, '2026-01-14', { countries })).toHaveLength(4);
    expect(openTimes('+14155550123', '2026-01-14', { countries })).toHaveLength(13 * 4);
  });

  it.each([
    [NEW_YORK, '2026-01-14T03:00:00Z', '2026-01-14T13:00:00.000Z'],
    // The night in which an hour is missing.
    [NEW_YORK, '2026-03-08T04:00:00Z', '2026-03-08T12:00:00.000Z'],
    // The night that has an hour twice.
    [NEW_YORK, '2026-11-01T04:00:00Z', '2026-11-01T13:00:00.000Z'],
    [DELHI, '2026-01-14T16:00:00Z', '2026-01-15T03:30:00.000Z'],
    ['+18505550123', '2026-01-15T01:30:00Z', '2026-01-15T14:00:00.000Z'],
  ])('tells %s refused at %s to come back at %s', (to, at, retryAt) => {
    const refusal = checkWindow(facts(to), new Date(at));
    expect(refusal?.rule).toBe('G20');
    expect(refusal?.retryAt?.toISOString()).toBe(retryAt);
    expect(open(to, retryAt)).toBe(true);
  });

  it('skips a weekend, and lunch', () => {
    const french = facts('+33142685300', { purpose: 'promotional' });
    const friday = checkWindow(french, new Date('2026-01-16T19:30:00Z'));
    expect(friday?.retryAt?.toISOString()).toBe('2026-01-19T09:00:00.000Z');
    const noon = checkWindow(french, new Date('2026-01-14T12:15:00Z'));
    expect(noon?.retryAt?.toISOString()).toBe('2026-01-14T13:00:00.000Z');
  });

  it('says so when no time of a week is legal', () => {
    const never: WeekWindow = [{ days: ['wed'], from: '03:00', to: '04:00' }];
    const refusal = checkWindow(
      facts(NEW_YORK, { narrower: [never] }),
      new Date('2026-01-14T12:00:00Z'),
    );
    expect(refusal?.retryAt).toBeNull();
  });
});
