import { agentConfigSchema } from '../agents/agent-config.ts';
import { costProviders } from '../calls/cost-providers.ts';
import type { TransactionClient } from '../db/database.ts';
import * as calls from '../db/queries/calls.ts';
import * as holds from '../db/queries/holds.ts';
import * as rates from '../db/queries/rates.ts';
import { costWithin, priceCall, type CallCost, type CallUsage } from '../wallet/price-call.ts';
import type { AnalysisRecord } from './analysis/call-analysis.ts';
import type { PostCallStep } from './post-call-step.ts';

/** Prices the call, its analysis included, and charges its workspace, in one transaction. */
export const costStep: PostCallStep<null> = {
  name: 'cost',
  prepare: () => Promise.resolve(null),
  async commit(ctx, client, call) {
    const cost = (call.cost as CallCost | null) ?? (await chargeOf(client, call));
    await calls.update(client, call.id, { cost });
    const micros = cost.total_micros;
    await ctx.wallet.settle(client, { workspaceId: call.workspaceId, callId: call.id, micros });
    return { detail: { micros } };
  },
};

/** The call of a node that died ran unwatched: it costs no more than was reserved for it. */
async function chargeOf(client: TransactionClient, call: calls.CallRow): Promise<CallCost> {
  const cost = await costOf(client, call);
  if (call.endReason !== 'node-lost') return cost;
  const hold = await holds.lock(client, call.id);
  return costWithin(cost, hold?.state === 'held' ? hold.heldMicros : 0);
}

async function costOf(client: TransactionClient, call: calls.CallRow): Promise<CallCost> {
  const { rows } = await client.query<{ config: unknown }>(
    'select config from agents where id = $1',
    [call.agentId],
  );
  // The agent may have been deleted since; its document is still there.
  const agent = agentConfigSchema.safeParse(rows[0]?.config).data ?? null;
  const prices = await rates.effective(client, call.workspaceId);
  const providers = costProviders(agent, call.trunkId);
  const talk = priceCall(usageOf(call), providers, prices, call.toNumber);
  const used = analysisUsage(call);
  if (!agent || used.llmInputTokens + used.llmOutputTokens === 0) return talk;
  // A scripted agent may have its calls read by a model all the same.
  const reader = { ...providers, model: agent.llm.provider };
  return withModel(talk, priceCall(used, reader, prices, call.toNumber));
}

/** A cost with what a model made after the call on its line of the model. */
function withModel(talk: CallCost, analysis: CallCost): CallCost {
  const added = analysis.lines.find(({ kind }) => kind === 'model');
  if (!added || added.micros === 0) return talk;
  return {
    total_micros: talk.total_micros + added.micros,
    lines: talk.lines.map((line) =>
      line.kind === 'model'
        ? { ...line, provider: added.provider, micros: line.micros + added.micros }
        : line,
    ),
  };
}

/** Tokens that the model read and wrote after the call; nobody is on the line meanwhile. */
function analysisUsage({ analysis }: calls.CallRow): CallUsage {
  const stored = (analysis ?? {}) as Partial<Record<keyof AnalysisRecord, unknown>>;
  return {
    durationMs: 0,
    sttMs: 0,
    ttsCharacters: 0,
    llmInputTokens: Math.ceil(amount(stored.input_tokens)),
    llmOutputTokens: Math.ceil(amount(stored.output_tokens)),
  };
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
