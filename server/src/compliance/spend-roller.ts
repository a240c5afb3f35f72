import * as queries from '../db/queries/guardrails.ts';
import type { Queryable } from '../db/queries/queryable.ts';

const HOUR_MS = 3_600_000;
const MAX_WORKSPACES = 10_000;

/** Adds up each workspace's past hours, once an hour. */
export function createSpendRoller(): {
  roll(client: Queryable, workspaceId: string, month: Date, nowMs: number): Promise<void>;
} {
  const rolledHours = new Map<string, number>();
  return {
    async roll(client, workspaceId, month, nowMs) {
      const hour = Math.floor(nowMs / HOUR_MS);
      if (rolledHours.get(workspaceId) === hour) return;
      // Forgetting costs one statement more.
      if (rolledHours.size >= MAX_WORKSPACES) rolledHours.clear();
      await queries.rollUpSpend(client, workspaceId, month, new Date(nowMs));
      rolledHours.set(workspaceId, hour);
    },
  };
}
