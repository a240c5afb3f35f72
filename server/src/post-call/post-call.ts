import { agentConfigSchema } from '../agents/agent-config.ts';
import { statusAfterAnswer } from '../calls/call-end.ts';
import { FINAL_STATUSES } from '../calls/call-status.ts';
import { isEndReason } from '../calls/end-reasons.ts';
import { recordStatus } from '../calls/record-status.ts';
import type { Database, TransactionClient } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as rates from '../db/queries/rates.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { Clock } from '../shared/clock.ts';
import { costProviders } from '../calls/cost-providers.ts';
import { priceCall, type CallCost, type CallUsage } from '../wallet/price-call.ts';

export interface PostCallOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  jobs: Pick<JobQueue, 'work'>;
  feed: { publish(event: CallEvent): void };
  clock: Clock;
}

const CONCURRENCY = 5;

/** What is done when calls are over. */
export interface PostCall {
  /** Gives every call that is over its final status, without waiting for its job. */
  settleAll(): Promise<void>;
  close(): Promise<void>;
}

/** Works on calls that were answered and are over, until closed. */
export async function startPostCall(options: PostCallOptions): Promise<PostCall> {
  const stop = await options.jobs.work('call.post', { concurrency: CONCURRENCY }, (job) =>
    settleCall(options, job.data.callId),
  );
  return {
    async settleAll() {
      for (const call of await calls.listDisconnected(options.db.pool)) {
        await settleCall(options, call.id);
      }
    },
    close: stop,
  };
}

/**
 * Stores what an answered call cost and gives it its final status. One transaction that does
 * nothing the second time: it may be interrupted and delivered again at any point.
 */
export async function settleCall(
  options: Pick<PostCallOptions, 'db' | 'feed' | 'clock'>,
  callId: string,
): Promise<void> {
  const { db, feed, clock } = options;
  const event = await db.transaction(async (client) => {
    await client.query('select from calls where id = $1 for update', [callId]);
    const call = await calls.get(client, callId);
    if (!call) return null;
    if (call.status === 'call-disconnected') {
      const recorded = await recordStatus(client, callId, finalStatusOf(call), {
        cost: await costOf(client, call),
        endedAt: new Date(clock.now()),
      });
      return recorded?.event ?? null;
    }
    // A lost node's call has its final status already and lacks its cost only.
    if (FINAL_STATUSES.has(call.status) && call.cost === null) {
      await calls.update(client, callId, { cost: await costOf(client, call) });
    }
    return null;
  });
  if (event) feed.publish(event);
}

function finalStatusOf(call: calls.CallRow): ReturnType<typeof statusAfterAnswer> {
  return call.endReason !== null && isEndReason(call.endReason)
    ? statusAfterAnswer(call.endReason)
    : 'error';
}

async function costOf(client: TransactionClient, call: calls.CallRow): Promise<CallCost> {
  const { rows } = await client.query<{ config: unknown }>(
    'select config from agents where id = $1',
    [call.agentId],
  );
  // The agent may have been deleted since; its document is still there.
  const agent = agentConfigSchema.safeParse(rows[0]?.config).data ?? null;
  return priceCall(
    usageOf(call),
    costProviders(agent, call.trunkId),
    await rates.effective(client, call.workspaceId),
    call.toNumber,
  );
}

function usageOf(call: calls.CallRow): CallUsage {
  const { answeredAt, disconnectedAt, durationMs } = call;
  const stored = (call.usage ?? {}) as Partial<Record<keyof CallUsage, unknown>>;
  return {
    durationMs:
      durationMs ??
      // Its node died and measured nothing.
      (answeredAt && disconnectedAt
        ? Math.max(0, disconnectedAt.getTime() - answeredAt.getTime())
        : 0),
    sttMs: amount(stored.sttMs),
    ttsCharacters: Math.ceil(amount(stored.ttsCharacters)),
    llmInputTokens: Math.ceil(amount(stored.llmInputTokens)),
    llmOutputTokens: Math.ceil(amount(stored.llmOutputTokens)),
  };
}

function amount(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
}
