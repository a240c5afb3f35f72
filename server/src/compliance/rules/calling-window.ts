import { DateTime } from 'luxon';
import type { CalleePlaces } from '../callee-places.ts';
import {
  CALLING_WINDOWS,
  DEFAULT_WINDOW,
  WEEKDAYS,
  type WeekWindow,
} from '../data/calling-windows.ts';
import { refuse, type CallPurpose, type Refusal } from '../guardrail-types.ts';

export interface WindowFacts {
  places: CalleePlaces;
  purpose: CallPurpose;
  /** Windows that the workspace set, by country or `US-FL`. */
  countries: Readonly<Record<string, WeekWindow>>;
  /** Windows of the agent and of the request: each narrows the national one. */
  narrower: readonly WeekWindow[];
}

/** How far ahead an opening is looked for: a week has every weekday, and one day for its edges. */
const SEARCH_DAYS = 9;

/**
 * G20: the moment is inside the window in every zone that the callee may be in. Local times are
 * wall-clock times, so a day of 23 or 25 hours opens and closes by what the clock on the wall says.
 */
export function checkWindow(facts: WindowFacts, at: Date): Refusal | null {
  const windows = windowsFor(facts);
  const { zones } = facts.places;
  if (isOpen(windows, zones, at)) return null;
  const retryAt = nextOpening(windows, zones, at);
  const where = facts.places.region ?? facts.places.country ?? 'an unknown country';
  return refuse(
    'G20',
    'outside-calling-window',
    retryAt
      ? `it is outside the calling window of ${where} (${zones.join(', ')}); call again at ${retryAt.toISOString()}`
      : `the calling windows of ${where}, of the agent and of the request leave no time in a week; widen calling_windows or the request’s window`,
    retryAt,
  );
}

/** All windows that must be open at once. */
export function windowsFor(facts: WindowFacts): WeekWindow[] {
  return [nationalWindow(facts), ...facts.narrower];
}

/** The part's window before its country's; the workspace's own before the data. */
function nationalWindow({ places, purpose, countries }: WindowFacts): WeekWindow {
  for (const key of [places.region, places.country]) {
    if (key === null) continue;
    const own = countries[key];
    if (own) return own;
    const data = CALLING_WINDOWS[key];
    if (data) return data[purpose];
  }
  return DEFAULT_WINDOW[purpose];
}

function isOpen(windows: readonly WeekWindow[], zones: readonly string[], at: Date): boolean {
  return zones.every((zone) => {
    const local = DateTime.fromJSDate(at, { zone });
    const day = WEEKDAYS[local.weekday - 1] ?? 'mon';
    const time = local.toFormat('HH:mm');
    return windows.every((window) =>
      window.some((span) => span.days.includes(day) && span.from <= time && time < span.to),
    );
  });
}

/** The first moment from which it is open; null: never within a week. */
export function nextOpening(
  windows: readonly WeekWindow[],
  zones: readonly string[],
  after: Date,
): Date | null {
  // It can only open when some span begins in some zone, or a gap of summer time jumps past one.
  const candidates: number[] = [];
  for (const zone of zones) {
    const start = DateTime.fromJSDate(after, { zone }).startOf('day');
    for (let offset = 0; offset < SEARCH_DAYS; offset++) {
      const date = start.plus({ days: offset });
      for (const from of new Set(windows.flat().map((span) => span.from))) {
        const [hour = 0, minute = 0] = from.split(':').map(Number);
        const opening = date.set({ hour, minute, second: 0, millisecond: 0 });
        if (opening.toMillis() > after.getTime()) candidates.push(opening.toMillis());
      }
    }
  }
  candidates.sort((a, b) => a - b);
  for (const candidate of candidates) {
    const date = new Date(candidate);
    if (isOpen(windows, zones, date)) return date;
  }
  return null;
}
