import type { CalleePlaces } from './callee-places.ts';
import { placesOf } from './callee-places.ts';
import { ASK_BEFORE_RECORDING } from './data/recording-consent.ts';

/**
 * How somebody learns of a recording. `announce`: the agent says so first. `ask`: nothing is stored
 * until the person agreed. `off`: nothing is said.
 */
export type RecordingMode = 'announce' | 'ask' | 'off';

/** G26: the stricter of both ends, by their regions. */
export function recordingMode(to: string, from: string): RecordingMode {
  return asksIn(placesOf(to)) || asksIn(placesOf(from)) ? 'ask' : 'announce';
}

function asksIn({ country, region }: CalleePlaces): boolean {
  return [country, region].some((place) => place !== null && ASK_BEFORE_RECORDING.has(place));
}
