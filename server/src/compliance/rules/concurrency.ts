import { refuse, type Refusal } from '../guardrail-types.ts';

/** Live calls besides the one that is judged, and how many there may be; null: any number. */
export interface ConcurrencyFacts {
  scope: 'workspace' | 'trunk' | 'agent' | 'destination';
  live: number;
  max: number | null;
}

/** A call that waits for another one to end looks again after so long. */
const RETRY_MS: Record<ConcurrencyFacts['scope'], number> = {
  workspace: 2_000,
  trunk: 2_000,
  agent: 2_000,
  destination: 60_000,
};

/** G05. */
export function checkConcurrency(
  counts: readonly ConcurrencyFacts[],
  nowMs: number,
): Refusal | null {
  const full = counts.find(({ live, max }) => max !== null && live >= max);
  if (!full) return null;
  const retryAt = new Date(nowMs + RETRY_MS[full.scope]);
  return full.scope === 'destination'
    ? refuse(
        'G05',
        'destination-in-call',
        `the number is in a call of this workspace already, and ${full.max} at once is the limit; wait until that call is over`,
        retryAt,
      )
    : refuse(
        'G05',
        `${full.scope}-concurrency`,
        `the ${full.scope} has ${full.live} live calls and ${full.max} is its limit; wait, or raise concurrency.${full.scope} of /v1/guardrails`,
        retryAt,
      );
}
