import type { CallRow } from '../db/queries/calls.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { CallContext } from './call-context.ts';

/**
 * A live call's next period: covered by the wallet, and within the spend caps (G04), which a call
 * that is admitted can use up while it lasts.
 * @param onCapped told once per refusal, before the call ends.
 */
export function cappedWallet(
  ctx: Pick<CallContext, 'db' | 'guardrails'>,
  wallet: Pick<Wallet, 'extend'>,
  call: Pick<CallRow, 'id' | 'workspaceId' | 'trunkId' | 'apiKeyId'>,
  onCapped: (message: string) => void,
): Pick<Wallet, 'extend'> {
  return {
    async extend(callId) {
      const refusal = await ctx.guardrails?.checkLiveSpend(ctx.db.pool, {
        workspaceId: call.workspaceId,
        trunkId: call.trunkId ?? '',
        keyId: call.apiKeyId,
        callId,
      });
      if (!refusal) return wallet.extend(callId);
      onCapped(`${refusal.rule}: ${refusal.message}`);
      return false;
    },
  };
}
