import type { Database } from '../db/database.ts';
import * as queries from '../db/queries/guardrails.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as warnings from '../db/queries/spend-warnings.ts';
import { appendEvent } from '../events/outbox.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { SpendPeriod, SpendScope } from './guardrail-types.ts';
import type { ScopedSpendStop } from './guardrails.ts';
import { hasSpendCap, nextPeriod, periodStarts, spendSince } from './rules/spend-caps.ts';
import { spendThresholds, type SpendThreshold } from './rules/spend-thresholds.ts';
import { readSettings } from './settings.ts';

declare module '../events/event-type.ts' {
  interface PlatformEventData {
    /** Spending reached a share of its cap, or a call was refused or ended because of the cap. */
    'guardrail.spend': {
      scope: SpendScope;
      /** Id of the workspace, trunk or key. */
      scope_id: string;
      period: SpendPeriod;
      threshold_percent: number;
      /** Spent in the period, with what live and waiting calls have reserved. */
      spent_micros: number;
      cap_micros: number;
      period_started_at: string;
      resets_at: string;
    };
  }
}

export interface SpendWatchOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  clock: Clock;
  logger: Logger;
}

export interface SpendWatch {
  /** A cap refused or ended a call: 100 % is told of with the next look. */
  noteStop(stop: ScopedSpendStop): void;
  /** Looks at every workspace whose spending may have changed, now. */
  sweep(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

type Reached = Omit<SpendThreshold, 'reached'> & { periodStartedAtMs: number };

const PERIOD_MS = 2_000;
const MAX_STOPS = 10_000;

/**
 * G04: tells of spending that reaches 50, 80 and 100 % of a cap, once a period, within seconds and
 * whether or not calls come in. A row in the transaction of the event makes it once, on however many
 * nodes and whichever of them dies; one node at a time looks at a workspace.
 */
export function startSpendWatch({ db, clock, logger }: SpendWatchOptions): SpendWatch {
  /** Caps that stopped a call, by whose and when. A cap that stops goes on stopping: losing one is safe. */
  const stops = new Map<string, ScopedSpendStop>();
  let timer: TimerHandle | null = null;
  let closed = false;

  async function sweep(): Promise<void> {
    const now = new Date(clock.now());
    for (const workspaceId of await warnings.listSpending(db.pool, now, PERIOD_MS)) {
      await db.transaction((client) => look(client, workspaceId));
    }
    for (const [key, stop] of new Map(stops)) {
      const { workspaceId, ...cap } = stop;
      await db.transaction((client) =>
        tell(client, workspaceId, [{ ...cap, thresholdPercent: 100 }]),
      );
      stops.delete(key);
    }
  }

  async function look(client: Queryable, workspaceId: string): Promise<void> {
    const nowMs = clock.now();
    if (!(await warnings.takeSpendTurn(client, workspaceId, new Date(nowMs), PERIOD_MS))) return;
    const row = await queries.getSettings(client, workspaceId);
    const { spend_caps: caps } = readSettings(row?.settings ?? null);
    const scopes = (['workspace', 'trunk', 'key'] as const).filter((scope) =>
      hasSpendCap({ [scope]: caps[scope] }),
    );
    if (scopes.length === 0) return;
    const spends = await queries.loadSpends(client, workspaceId, scopes, spendSince(nowMs));
    const starts = periodStarts(nowMs);
    const thresholds = spendThresholds(spends, caps).map((threshold) => ({
      ...threshold,
      periodStartedAtMs: starts[threshold.period],
    }));
    const below = thresholds.filter(({ reached }) => !reached);
    await warnings.rearm(client, workspaceId, below.map(rowOf));
    const reached = thresholds.filter((threshold) => threshold.reached);
    await tell(client, workspaceId, reached);
  }

  /** Tells of what was not told before, lowest first. */
  async function tell(
    client: Queryable,
    workspaceId: string,
    reached: readonly Reached[],
  ): Promise<void> {
    const fresh = await warnings.insertNew(client, workspaceId, reached.map(rowOf));
    if (fresh.length === 0) return;
    const news = new Set(fresh.map(keyOf));
    for (const threshold of reached) {
      if (!news.has(keyOf(rowOf(threshold)))) continue;
      const { scope, scopeId, period, thresholdPercent, periodStartedAtMs } = threshold;
      const data = {
        scope,
        scope_id: scopeId,
        period,
        threshold_percent: thresholdPercent,
        spent_micros: threshold.spentMicros,
        cap_micros: threshold.capMicros,
        period_started_at: new Date(periodStartedAtMs).toISOString(),
        resets_at: nextPeriod(period, periodStartedAtMs).toISOString(),
      };
      logger.warn({ workspaceId, ...data }, 'spending reached a share of its cap');
      const orderKey = `guardrails:${workspaceId}`;
      await appendEvent(client, { workspaceId, orderKey, type: 'guardrail.spend', data });
    }
    const { hour, day, month } = periodStarts(clock.now());
    const starts = { hour: new Date(hour), day: new Date(day), month: new Date(month) };
    await warnings.removeOld(client, workspaceId, starts);
  }

  function arm(): void {
    timer = clock.setTimer(PERIOD_MS, () => {
      sweep()
        .catch((error: unknown) => logger.warn({ err: error }, 'spending was not looked at'))
        .finally(() => {
          if (!closed) arm();
        });
    });
  }

  arm();
  return {
    sweep,
    noteStop(stop) {
      const { workspaceId, scope, scopeId, period, periodStartedAtMs } = stop;
      const key = [workspaceId, scope, scopeId, period, periodStartedAtMs].join();
      if (stops.size < MAX_STOPS) stops.set(key, stop);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function rowOf(threshold: Reached): warnings.SpendWarningRow {
  const { scope, scopeId, period, thresholdPercent, capMicros } = threshold;
  return {
    scope: scope === 'workspace' ? scope : `${scope}:${scopeId}`,
    period,
    periodStartedAt: new Date(threshold.periodStartedAtMs),
    thresholdPercent,
    capMicros,
  };
}

function keyOf({
  scope,
  period,
  thresholdPercent,
}: Pick<warnings.SpendWarningRow, 'scope' | 'period' | 'thresholdPercent'>): string {
  return [scope, period, thresholdPercent].join();
}
