import { Duration, Timestamp } from '@bufbuild/protobuf';
import { TwirpError } from './twirp-error.ts';

/** Whole milliseconds of a Duration; undefined where none, or nothing, is given. */
export function millisecondsOf(duration: Duration | undefined, field: string): number | undefined {
  if (duration === undefined) return undefined;
  const ms = Number(duration.seconds) * 1_000 + Math.round(duration.nanos / 1_000_000);
  if (ms < 0) throw new TwirpError('invalid_argument', `${field} is negative`, { argument: field });
  return ms === 0 ? undefined : ms;
}

export function durationOf(ms: number): Duration {
  return new Duration({
    seconds: BigInt(Math.floor(ms / 1_000)),
    nanos: (ms % 1_000) * 1_000_000,
  });
}

export function timestampOf(date: Date): Timestamp {
  return Timestamp.fromDate(date);
}

/** Nanoseconds since the Unix epoch, as LiveKit's recordings count. */
export function nanosecondsOf(iso: string | null): bigint {
  return iso === null ? 0n : BigInt(Date.parse(iso)) * 1_000_000n;
}
