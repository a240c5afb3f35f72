import { describe, expect, it } from 'vitest';
import { scheduleTime } from './schedule-time.ts';

const at = (text: string, zone?: string): string => scheduleTime(text, zone).toISOString();

describe('the time of a scheduled call', () => {
  it('may have any offset', () => {
    expect(at('2027-03-01T09:00:00Z')).toBe('2027-03-01T09:00:00.000Z');
    expect(at('2027-03-01T09:00:00+05:30')).toBe('2027-03-01T03:30:00.000Z');
    expect(at('2027-03-01T09:00:00-08:00', 'Europe/Berlin')).toBe('2027-03-01T17:00:00.000Z');
  });

  it('may be local time of a named zone, in summer and in winter', () => {
    expect(at('2027-01-15T09:00:00', 'Europe/Berlin')).toBe('2027-01-15T08:00:00.000Z');
    expect(at('2027-07-15T09:00:00', 'Europe/Berlin')).toBe('2027-07-15T07:00:00.000Z');
  });

  it('is refused without offset and zone, in no zone, and in the hour that clocks leave out', () => {
    expect(() => at('2027-01-15T09:00:00')).toThrow('expected an offset');
    expect(() => at('2027-01-15T09:00:00', 'Mars/Base')).toThrow('expected an IANA time zone');
    expect(() => at('tomorrow at nine', 'Europe/Berlin')).toThrow('expected a time in ISO 8601');
    expect(() => at('2027-03-28T02:30:00', 'Europe/Berlin')).toThrow('there is no such time');
  });
});
