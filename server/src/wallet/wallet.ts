import type { Database } from '../db/database.ts';
import * as holds from '../db/queries/holds.ts';
import * as ledger from '../db/queries/ledger.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as rates from '../db/queries/rates.ts';
import { estimateCost, type CostEstimate } from './estimate.ts';
import { crossedThresholds } from './low-balance.ts';
import type { CostProviders } from './price-call.ts';
import { releaseHold } from './release-hold.ts';
import { WalletError } from './wallet-error.ts';

export interface WalletBalance {
  /** What was paid in less what calls cost; held money included. */
  balanceMicros: number;
  heldMicros: number;
  /** What new calls can reserve. */
  availableMicros: number;
  mode: 'unlimited' | 'prepaid';
  currency: string;
  thresholdsMicros: number[];
}

export type HoldResult = { ok: true } | { ok: false; balanceMicros: number; neededMicros: number };

/** Money that comes in, or back. */
export interface Credit {
  workspaceId: string;
  micros: number;
  description?: string | null | undefined;
  /** The same reference books once. */
  reference?: string | null | undefined;
}

export interface BookedCredit {
  transaction: ledger.LedgerTransactionRow & { amountMicros: number };
  /** False: it was booked before under the same reference. */
  created: boolean;
}

/** Tells the outside that a balance fell; in the transaction that made it fall. */
export type AppendWalletEvent = (
  client: Queryable,
  event: {
    workspaceId: string;
    orderKey: string;
    type: 'wallet.low-balance';
    data: {
      balance_micros: number;
      threshold_micros: number;
      currency: string;
      mode: WalletBalance['mode'];
    };
  },
) => Promise<unknown>;

export interface WalletOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  appendEvent?: AppendWalletEvent | undefined;
}

/**
 * The workspace's money. Amounts are whole micros of its currency. What takes a `client` is part of
 * the caller's transaction.
 */
export interface Wallet {
  /** What the next period of a call may cost, by the workspace's rates. */
  estimate(
    client: Queryable,
    call: { workspaceId: string; providers: CostProviders; destination: string },
  ): Promise<CostEstimate>;
  /**
   * Reserves a call's first period. A prepaid wallet that does not cover it refuses; nothing is
   * booked then. Doing it twice reserves once; a call whose money was released reserves anew.
   */
  hold(
    client: Queryable,
    call: {
      workspaceId: string;
      callId: string;
      estimate: CostEstimate;
      /** Stored in this very transaction: nothing can be reserved for it yet. */
      isNew?: boolean;
    },
  ): Promise<HoldResult>;
  /** Reserves a live call's next period. False: the money is gone, and the call must end. */
  extend(callId: string): Promise<boolean>;
  /** Gives back what a call has reserved. Harmless when it has reserved nothing. */
  release(client: Queryable, callId: string): Promise<void>;
  /** Charges a call, once, and gives back the rest of what it had reserved. */
  settle(
    client: Queryable,
    call: { workspaceId: string; callId: string; micros: number },
  ): Promise<void>;
  /** @throws WalletError */
  topUp(credit: Credit): Promise<BookedCredit>;
  /**
   * Gives back what a call was charged (`micros` 0: all that is left of it), or, without a call,
   * part of what all calls were charged.
   * @throws WalletError
   */
  refund(credit: Credit & { callId?: string | null | undefined }): Promise<BookedCredit>;
  balance(workspaceId: string, client?: Queryable): Promise<WalletBalance>;
  configure(
    workspaceId: string,
    patch: { mode?: WalletBalance['mode'] | undefined; thresholdsMicros?: number[] | undefined },
  ): Promise<WalletBalance>;
}

/** Far below what a JavaScript number holds exactly. */
export const MAX_BALANCE_MICROS = 1_000_000_000_000_000;

/** Bookings that the program makes by itself. */
const UNNAMED = { reference: null, description: null };

export function createWallet({ db, appendEvent }: WalletOptions): Wallet {
  async function balance(workspaceId: string, client: Queryable = db.pool): Promise<WalletBalance> {
    const wallet = await ledger.findWallet(client, workspaceId);
    const { available, held } = await ledger.balances(client, workspaceId);
    return {
      balanceMicros: available + held,
      heldMicros: held,
      availableMicros: available,
      mode: wallet.mode,
      currency: await ledger.currencyOf(client, workspaceId),
      thresholdsMicros: wallet.thresholdsMicros,
    };
  }

  /** The wallet is locked first, so that what is read here is what is booked upon. */
  async function reserve(
    client: Queryable,
    kind: 'hold' | 'extend',
    hold: Omit<holds.HoldRow, 'updatedAt'>,
  ): Promise<HoldResult> {
    const { workspaceId, callId, periodMicros } = hold;
    const wallet = await ledger.lockWallet(client, workspaceId);
    if (wallet.mode === 'prepaid') {
      const { available } = await ledger.balances(client, workspaceId);
      if (available < periodMicros) {
        return { ok: false, balanceMicros: available, neededMicros: periodMicros };
      }
    }
    const amounts = { available: -periodMicros, held: periodMicros };
    await ledger.post(client, { ...UNNAMED, workspaceId, kind, callId, amounts });
    await holds.put(client, {
      ...hold,
      state: 'held',
      heldMicros: hold.heldMicros + periodMicros,
    });
    return { ok: true };
  }

  async function tellLowBalance(
    client: Queryable,
    wallet: ledger.WalletRow,
    before: number,
    after: number,
  ): Promise<void> {
    if (!appendEvent) return;
    const crossed = crossedThresholds(wallet.thresholdsMicros, before, after);
    if (crossed.length === 0) return;
    const { workspaceId, mode } = wallet;
    const currency = await ledger.currencyOf(client, workspaceId);
    for (const threshold of crossed) {
      await appendEvent(client, {
        workspaceId,
        orderKey: `wallet:${workspaceId}`,
        type: 'wallet.low-balance',
        data: { balance_micros: after, threshold_micros: threshold, currency, mode },
      });
    }
  }

  /** Books money that comes in under its reference, once. */
  async function credit(
    wanted: Credit & { kind: 'top-up' | 'refund'; callId: string | null },
    amountOf: (client: Queryable, balances: ledger.LedgerBalances) => Promise<number>,
  ): Promise<BookedCredit> {
    const { workspaceId, kind, callId, reference = null, description = null } = wanted;
    return db.transaction(async (client) => {
      // In the order of a call's own bookings, so that none waits for the other.
      if (callId !== null) await holds.lock(client, callId);
      await ledger.lockWallet(client, workspaceId);
      const earlier =
        reference === null ? null : await ledger.findByReference(client, workspaceId, reference);
      if (earlier) {
        const transaction = await ledger.getTransaction(client, workspaceId, earlier.id);
        const same =
          transaction?.kind === kind &&
          transaction.callId === callId &&
          (wanted.micros === 0 || transaction.amountMicros === wanted.micros);
        if (!transaction || !same) {
          throw new WalletError(
            'reference-taken',
            'the reference was used before for another booking',
          );
        }
        return { transaction, created: false };
      }
      const found = await ledger.balances(client, workspaceId);
      const micros = await amountOf(client, found);
      if (found.available + micros > MAX_BALANCE_MICROS) {
        throw new WalletError('too-much', `a wallet holds at most ${MAX_BALANCE_MICROS} micros`);
      }
      const from = kind === 'top-up' ? 'funding' : 'revenue';
      const id = await ledger.post(client, {
        workspaceId,
        kind,
        callId,
        reference,
        description,
        amounts: { [from]: -micros, available: micros },
      });
      const transaction = await ledger.getTransaction(client, workspaceId, id);
      if (!transaction) throw new Error('expected the transaction that was just booked, got none');
      return { transaction, created: true };
    });
  }

  return {
    balance,
    async estimate(client, { workspaceId, providers, destination }) {
      return estimateCost(providers, await rates.effective(client, workspaceId), destination);
    },

    async hold(client, { workspaceId, callId, estimate, isNew = false }) {
      const { periodMicros } = estimate;
      const hold = isNew ? null : await holds.lock(client, callId);
      // A call that costs nothing needs no row.
      if (hold?.state === 'held' || hold?.state === 'settled' || periodMicros === 0) {
        return { ok: true };
      }
      return reserve(client, 'hold', {
        callId,
        workspaceId,
        state: 'held',
        heldMicros: 0,
        periodMicros,
        settledMicros: 0,
      });
    },

    async extend(callId) {
      return db.transaction(async (client) => {
        const hold = await holds.lock(client, callId);
        // Nothing was reserved: the call costs nothing. Or it is charged, and ends by itself.
        if (hold === null || hold.state === 'settled') return true;
        const { ok } = await reserve(client, 'extend', hold);
        return ok;
      });
    },

    release: releaseHold,

    async settle(client, { workspaceId, callId, micros }) {
      const hold = await holds.lock(client, callId);
      if (hold?.state === 'settled') return;
      const heldMicros = hold?.state === 'held' ? hold.heldMicros : 0;
      if (micros === 0 && heldMicros === 0) return;
      const wallet = await ledger.lockWallet(client, workspaceId);
      const before = await ledger.balances(client, workspaceId);
      const amounts = { held: -heldMicros, available: heldMicros - micros, revenue: micros };
      await ledger.post(client, { ...UNNAMED, workspaceId, kind: 'settle', callId, amounts });
      await holds.put(client, {
        callId,
        workspaceId,
        state: 'settled',
        heldMicros: 0,
        periodMicros: hold?.periodMicros ?? 0,
        settledMicros: micros,
      });
      const balanceMicros = before.available + before.held;
      await tellLowBalance(client, wallet, balanceMicros, balanceMicros - micros);
    },

    topUp(wanted) {
      return credit({ ...wanted, kind: 'top-up', callId: null }, () =>
        Promise.resolve(wanted.micros),
      );
    },

    refund(wanted) {
      const callId = wanted.callId ?? null;
      return credit({ ...wanted, kind: 'refund', callId }, async (client, { revenue }) => {
        const left =
          callId === null ? revenue : await leftOfCharge(client, wanted.workspaceId, callId);
        const micros = wanted.micros === 0 ? left : wanted.micros;
        if (micros > left || micros === 0) {
          throw new WalletError(
            'nothing-to-refund',
            callId === null
              ? `calls were charged ${left} micros that were not given back, less than ${micros}`
              : left === 0
                ? `call ${callId} was charged nothing that was not given back`
                : `${left} micros are left of the charge of call ${callId}, less than ${micros}`,
          );
        }
        return micros;
      });
    },

    configure(workspaceId, { mode, thresholdsMicros }) {
      return db.transaction(async (client) => {
        const wallet = await ledger.lockWallet(client, workspaceId);
        await ledger.updateWallet(client, {
          workspaceId,
          mode: mode ?? wallet.mode,
          thresholdsMicros: thresholdsMicros ?? wallet.thresholdsMicros,
        });
        return balance(workspaceId, client);
      });
    },
  };
}

/** What a call was charged, less what was given back. */
async function leftOfCharge(
  client: Queryable,
  workspaceId: string,
  callId: string,
): Promise<number> {
  const hold = await holds.lock(client, callId);
  if (hold?.state !== 'settled' || hold.workspaceId !== workspaceId) return 0;
  return hold.settledMicros - (await ledger.refundedMicros(client, callId));
}
