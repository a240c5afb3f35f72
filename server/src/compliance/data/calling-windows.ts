export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Hours of some weekdays, in local time; `to` is the first minute that is outside, at most 24:00. */
export interface WindowSpan {
  days: readonly Weekday[];
  /** `HH:MM`. */
  from: string;
  to: string;
}

/** When calls may be made in a week; no span on a day: not at all. */
export type WeekWindow = readonly WindowSpan[];

export const WEEKDAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

const WORKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
const WEEKEND = ['sat', 'sun'] as const;

/** Windows of a country or of a part of it, for calls of service and for calls that sell. */
export interface NationalWindow {
  service: WeekWindow;
  promotional: WeekWindow;
}

const daily = (from: string, to: string): WeekWindow => [{ days: WEEKDAYS, from, to }];
const on = (days: readonly Weekday[], from: string, to: string): WindowSpan => ({ days, from, to });
const both = (window: WeekWindow): NationalWindow => ({ service: window, promotional: window });

/** Where nothing is known. */
export const DEFAULT_WINDOW: NationalWindow = both(daily('08:00', '21:00'));

/**
 * Defaults by destination, to be confirmed by counsel before a campaign. Keys are ISO countries, or
 * `US-FL` for a part that is stricter than its country. A workspace replaces an entry in
 * `calling_windows.countries`.
 */
export const CALLING_WINDOWS: Readonly<Record<string, NationalWindow>> = {
  // 47 CFR 64.1200(c)(1).
  US: both(daily('08:00', '21:00')),
  'US-AL': both([on([...WORKDAYS, 'sat'], '08:00', '20:00')]),
  'US-CT': both(daily('09:00', '20:00')),
  'US-FL': both(daily('08:00', '20:00')),
  'US-KY': both(daily('10:00', '21:00')),
  'US-LA': both([on([...WORKDAYS, 'sat'], '08:00', '20:00')]),
  'US-MA': both(daily('08:00', '20:00')),
  'US-MD': both(daily('08:00', '20:00')),
  'US-MN': both(daily('09:00', '21:00')),
  'US-MS': both([on([...WORKDAYS, 'sat'], '08:00', '20:00')]),
  'US-NM': both(daily('09:00', '21:00')),
  'US-NV': both(daily('09:00', '20:00')),
  'US-OK': both(daily('08:00', '20:00')),
  'US-RI': both([on(WORKDAYS, '09:00', '18:00'), on(['sat'], '10:00', '17:00')]),
  'US-SD': both([on([...WORKDAYS, 'sat'], '09:00', '21:00')]),
  'US-TX': both([on([...WORKDAYS, 'sat'], '09:00', '21:00'), on(['sun'], '12:00', '21:00')]),
  'US-WA': both(daily('08:00', '20:00')),
  'US-WY': both(daily('08:00', '20:00')),
  // CRTC Unsolicited Telecommunications Rules, part III.
  CA: both([on(WORKDAYS, '09:00', '21:30'), on(WEEKEND, '10:00', '18:00')]),
  // TCCCPR 2018: calls that sell 10 to 21; any commercial call 9 to 21 (TRAI 2010).
  IN: { service: daily('09:00', '21:00'), promotional: daily('10:00', '21:00') },
  GB: both([on(WORKDAYS, '08:00', '21:00'), on(WEEKEND, '09:00', '20:00')]),
  // Décret 2022-1313: selling on workdays only, not over lunch.
  FR: {
    service: daily('08:00', '20:00'),
    promotional: [on(WORKDAYS, '10:00', '13:00'), on(WORKDAYS, '14:00', '20:00')],
  },
  // Telecommunications (Telemarketing and Research Calls) Industry Standard 2017.
  AU: {
    service: daily('08:00', '20:30'),
    promotional: [on(WORKDAYS, '09:00', '20:00'), on(['sat'], '09:00', '17:00')],
  },
  BR: {
    service: daily('08:00', '21:00'),
    promotional: [on(WORKDAYS, '09:00', '21:00'), on(['sat'], '10:00', '16:00')],
  },
  ES: {
    service: daily('09:00', '21:00'),
    promotional: [on(WORKDAYS, '09:00', '15:00'), on(WORKDAYS, '16:00', '21:00')],
  },
  IT: {
    service: daily('08:00', '21:00'),
    promotional: [on(WORKDAYS, '09:00', '20:00'), on(['sat'], '10:00', '19:00')],
  },
};
