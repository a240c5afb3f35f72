import type { Database } from '../db/database.ts';
import * as queries from '../db/queries/guardrails.ts';
import * as traffic from '../db/queries/traffic.ts';
import { appendEvent } from '../events/outbox.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { firstIdAt } from '../shared/ids.ts';
import type { Logger } from '../shared/logger.ts';
import { anomalySignals, type AnomalySignal } from './rules/anomaly.ts';
import { readSettings } from './settings.ts';

declare module '../events/event-type.ts' {
  interface PlatformEventData {
    /** Traffic looks like fraud or like a broken list. */
    'guardrail.anomaly': { signals: { code: string; message: string }[]; paused: boolean };
  }
}

export interface AnomalyWatchOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  clock: Clock;
  logger: Logger;
}

export interface AnomalyWatch {
  /** Looks at every workspace that called lately, now. */
  sweep(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

const PERIOD_MS = 60_000;
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/**
 * G07: once a minute, on one node, looks at the traffic of each workspace that calls over real
 * trunks; tells of what is unusual, and pauses its calls where the workspace wants that.
 */
export function startAnomalyWatch(options: AnomalyWatchOptions): AnomalyWatch {
  const { db, clock, logger } = options;
  /** What was told already, by workspace: the same signals are not told every minute. */
  const told = new Map<string, string>();
  let timer: TimerHandle | null = null;
  let closed = false;

  async function sweep(): Promise<void> {
    const sinceMs = clock.now() - 2 * PERIOD_MS;
    const sinceId = firstIdAt('call', sinceMs);
    const calling = await traffic.callingWorkspaces(db.pool, sinceId, new Date(sinceMs));
    for (const workspaceId of calling) {
      const now = new Date(clock.now());
      if (!(await traffic.takeAnomalyTurn(db.pool, workspaceId, now))) continue;
      await look(workspaceId, now);
    }
  }

  async function look(workspaceId: string, now: Date): Promise<void> {
    const row = await queries.getSettings(db.pool, workspaceId);
    const { anomaly } = readSettings(row?.settings ?? null);
    if (anomaly.action === 'off') return;
    const facts = await traffic.loadAnomalies(db.pool, {
      workspaceId,
      sampleCalls: anomaly.sample_calls,
      shortCallS: anomaly.short_call_s,
      hour: new Date(now.getTime() - HOUR_MS),
      week: new Date(now.getTime() - WEEK_MS),
      weekId: firstIdAt('call', now.getTime() - WEEK_MS),
    });
    const signals = anomalySignals(facts, anomaly, now.getTime());
    const codes = signals.map(({ code }) => code).join();
    const isNews = signals.length > 0 && told.get(workspaceId) !== codes;
    told.set(workspaceId, codes);
    if (signals.length === 0) told.delete(workspaceId);
    if (!isNews) return;
    const pause = anomaly.action === 'pause' && row?.pausedAt == null;
    await tell(workspaceId, signals, pause ? now : null);
  }

  function tell(workspaceId: string, signals: AnomalySignal[], pauseAt: Date | null) {
    logger.warn({ workspaceId, signals, paused: pauseAt !== null }, 'unusual traffic');
    return db.transaction(async (client) => {
      if (pauseAt) {
        const reason = signals.map(({ message }) => message).join('; ');
        await queries.setPaused(client, workspaceId, { at: pauseAt, reason });
      }
      await appendEvent(client, {
        workspaceId,
        orderKey: `guardrails:${workspaceId}`,
        type: 'guardrail.anomaly',
        data: { signals, paused: pauseAt !== null },
      });
    });
  }

  function arm(): void {
    timer = clock.setTimer(PERIOD_MS, () => {
      sweep()
        .catch((error: unknown) => logger.warn({ err: error }, 'traffic was not looked at'))
        .finally(() => {
          if (!closed) arm();
        });
    });
  }

  arm();
  return {
    sweep,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
