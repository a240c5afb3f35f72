import * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';

/** How many calls a filter finds. */
export interface CallCount {
  count: number;
  /** False: it is the planner's estimate. */
  exact: boolean;
}

/** Counting stops here: beyond it nobody pages, and every row costs. */
const EXACT_UP_TO = 10_000;
const ESTIMATE_TTL_MS = 30_000;
const MAX_KEPT = 1_000;

/** Counts calls for doors whose vendors promise totals; exact where that is cheap. */
export class CallCounter {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #kept = new Map<string, { count: number; untilMs: number }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  async count(
    client: Queryable,
    workspaceId: string,
    filter: calls.CallFilter = {},
  ): Promise<CallCount> {
    const key = JSON.stringify([workspaceId, filter]);
    const kept = this.#kept.get(key);
    if (kept && kept.untilMs > this.#clock.monotonicMs()) {
      return { count: kept.count, exact: false };
    }
    this.#kept.delete(key);
    const counted = await calls.countUpTo(client, workspaceId, filter, EXACT_UP_TO + 1);
    if (counted <= EXACT_UP_TO) return { count: counted, exact: true };
    const estimate = await calls.estimateCount(client, workspaceId, filter);
    const count = Math.max(Math.round(estimate), EXACT_UP_TO + 1);
    const oldest = this.#kept.size >= MAX_KEPT ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { count, untilMs: this.#clock.monotonicMs() + ESTIMATE_TTL_MS });
    return { count, exact: false };
  }
}
