import { DateTime, IANAZone } from 'luxon';
import { AdmissionError } from './admission-error.ts';

const WITH_OFFSET = /(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$/;

/**
 * A moment from ISO 8601 with an offset, or without one as the time of day in a named zone.
 * @throws AdmissionError where it is neither, and where the zone has no such time (clocks that go
 *   forward leave an hour out).
 */
export function scheduleTime(text: string, timezone: string | undefined): Date {
  const refuse = (message: string): AdmissionError =>
    new AdmissionError('invalid-schedule', message, 'scheduled_at');
  const hasOffset = WITH_OFFSET.test(text.slice(10));
  if (!hasOffset && timezone === undefined) {
    throw refuse('expected an offset, such as +02:00 or Z, or a timezone beside it');
  }
  if (!hasOffset && !IANAZone.isValidZone(timezone ?? '')) {
    throw new AdmissionError(
      'invalid-option',
      'expected an IANA time zone, such as Europe/Berlin',
      'timezone',
    );
  }
  const zone = hasOffset ? 'UTC' : (timezone ?? 'UTC');
  const moment = DateTime.fromISO(text, { zone });
  if (!moment.isValid) throw refuse('expected a time in ISO 8601, such as 2027-01-31T09:30:00Z');
  const wanted = DateTime.fromISO(text, { zone: 'UTC' });
  if (!hasOffset && (moment.hour !== wanted.hour || moment.minute !== wanted.minute)) {
    throw refuse(`there is no such time in ${zone}: clocks go forward then`);
  }
  return moment.toJSDate();
}
