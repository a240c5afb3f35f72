import type { CountRow } from '../db/queries/guardrails.ts';
import type { EarlierAttempt } from './rules/attempts.ts';

const LIVE: ReadonlySet<string> = new Set(['initiated', 'ringing', 'in-progress']);

/** Calls that reached the person's phone, newest first; one that the carrier lost is no attempt. */
export function earlierAttempts(rows: CountRow['attempts']): EarlierAttempt[] {
  return rows.flatMap((row) => {
    const outcome = outcomeOf(row);
    return outcome === null ? [] : [{ atMs: row.atMs, outcome }];
  });
}

function outcomeOf(row: CountRow['attempts'][number]): EarlierAttempt['outcome'] | null {
  if (LIVE.has(row.status)) return 'live';
  if (row.answered) return 'answered';
  if (row.status === 'busy') return 'busy';
  if (row.endReason === 'declined') return 'declined';
  return row.status === 'no-answer' || row.rang ? 'no-answer' : null;
}
