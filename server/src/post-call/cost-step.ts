import { agentConfigSchema } from '../agents/agent-config.ts';
import { costProviders } from '../calls/cost-providers.ts';
import type { TransactionClient } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as rates from '../db/queries/rates.ts';
import { priceCall, type CallCost, type CallUsage } from '../wallet/price-call.ts';
import type { PostCallStep } from './post-call-step.ts';

/** Prices the call and charges its workspace, in one transaction. */
export const costStep: PostCallStep<null> = {
  name: 'cost',
  prepare: () => Promise.resolve(null),
  async commit(ctx, client, call) {
    const cost = (call.cost as CallCost | null) ?? (await costOf(client, call));
    await calls.update(client, call.id, { cost });
    const micros = cost.total_micros;
    await ctx.wallet.settle(client, { workspaceId: call.workspaceId, callId: call.id, micros });
    return { detail: { micros } };
  },
};

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
