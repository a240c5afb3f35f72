import type { AgentConfig } from '../agents/agent-config.ts';
import type * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { CostEstimate } from '../wallet/estimate.ts';
import type { HoldResult } from '../wallet/wallet.ts';
import type { CallContext } from './call-context.ts';
import { costProviders } from './cost-providers.ts';

/**
 * Reserves what a call's first minute may cost, in the caller's transaction.
 * @param options `isNew`: the call was stored in it.
 */
export async function holdMoney(
  { wallet }: Pick<CallContext, 'wallet'>,
  client: Queryable,
  call: calls.CallRow,
  agent: Pick<AgentConfig, 'type' | 'stt' | 'tts' | 'llm'> | null,
  { isNew = false }: { isNew?: boolean } = {},
): Promise<HoldResult> {
  const { workspaceId, id: callId } = call;
  const estimate = await estimateFor(wallet, client, call, agent);
  return wallet.hold(client, { workspaceId, callId, estimate, isNew });
}

/** What a call's first minute may cost. */
export function estimateFor(
  wallet: Pick<CallContext['wallet'], 'estimate'>,
  client: Queryable,
  { workspaceId, trunkId, toNumber }: Pick<calls.CallRow, 'workspaceId' | 'trunkId' | 'toNumber'>,
  agent: Pick<AgentConfig, 'type' | 'stt' | 'tts' | 'llm'> | null,
): Promise<CostEstimate> {
  return wallet.estimate(client, {
    workspaceId,
    providers: costProviders(agent, trunkId),
    destination: toNumber,
  });
}
