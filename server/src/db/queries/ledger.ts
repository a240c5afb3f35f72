import { randomText } from '../../shared/ids.ts';
import type { Queryable } from './queryable.ts';
import { requireOne, selectOne, selectRows } from './row.ts';
import { storableText } from './storable-text.ts';

export type LedgerAccount = 'available' | 'held' | 'revenue' | 'funding';
export type LedgerKind = 'top-up' | 'hold' | 'extend' | 'release' | 'settle' | 'refund';

/** What a workspace has and where it is; all four add up to zero. */
export type LedgerBalances = Record<LedgerAccount, number>;

export interface WalletRow {
  workspaceId: string;
  /** `prepaid`: a call must be covered. `unlimited`: the ledger is kept and nothing is refused. */
  mode: 'unlimited' | 'prepaid';
  /** Balances below which somebody wants to be told. */
  thresholdsMicros: number[];
}

export interface LedgerTransactionRow {
  id: string;
  workspaceId: string;
  kind: LedgerKind;
  callId: string | null;
  /** Names a request, so that it is booked once. */
  reference: string | null;
  description: string | null;
  createdAt: Date;
}

export interface LedgerEntryRow extends Omit<LedgerTransactionRow, 'id' | 'reference'> {
  id: number;
  transactionId: string;
  account: LedgerAccount;
  amountMicros: number;
}

export type NewTransaction = Omit<LedgerTransactionRow, 'id' | 'createdAt'> & {
  amounts: Partial<LedgerBalances>;
};

/** The wallet of a workspace, made where there is none, locked until the end of the transaction. */
export async function lockWallet(client: Queryable, workspaceId: string): Promise<WalletRow> {
  const text = `select workspace_id, mode, thresholds_micros from wallets
    where workspace_id = $1 for update`;
  const found = await selectOne<WalletRow>(client, text, [workspaceId]);
  if (found) return found;
  await client.query(
    'insert into wallets (workspace_id) values ($1) on conflict (workspace_id) do nothing',
    [workspaceId],
  );
  return requireOne(client, text, [workspaceId]);
}

export async function findWallet(client: Queryable, workspaceId: string): Promise<WalletRow> {
  const found = await selectOne<WalletRow>(
    client,
    'select workspace_id, mode, thresholds_micros from wallets where workspace_id = $1',
    [workspaceId],
  );
  return found ?? { workspaceId, mode: 'unlimited', thresholdsMicros: [] };
}

export async function updateWallet(
  client: Queryable,
  wallet: Pick<WalletRow, 'workspaceId' | 'mode' | 'thresholdsMicros'>,
): Promise<void> {
  await client.query(
    `update wallets set mode = $2, thresholds_micros = $3::jsonb, updated_at = now()
     where workspace_id = $1`,
    [wallet.workspaceId, wallet.mode, JSON.stringify(wallet.thresholdsMicros)],
  );
}

export async function balances(client: Queryable, workspaceId: string): Promise<LedgerBalances> {
  const rows = await selectRows<{ account: LedgerAccount; balanceMicros: number }>(
    client,
    'select account, balance_micros from ledger_accounts where workspace_id = $1',
    [workspaceId],
  );
  const found: LedgerBalances = { available: 0, held: 0, revenue: 0, funding: 0 };
  for (const { account, balanceMicros } of rows) found[account] = balanceMicros;
  return found;
}

/**
 * Books a transaction: its entries, in one statement as the database's check wants it, and the
 * balances of their accounts. Amounts of zero are left out. The wallet must be locked. Answers its id.
 */
export async function post(client: Queryable, transaction: NewTransaction): Promise<string> {
  const id = `txn_${randomText(26)}`;
  const { workspaceId, kind, callId, reference, description, amounts } = transaction;
  const lines = Object.entries(amounts).filter(([, micros]) => micros !== 0);
  if (lines.length === 0) return id;
  await client.query(
    `with booked as (
       insert into ledger_transactions (id, workspace_id, kind, call_id, reference, description)
       values ($1, $2, $3, $4, $5, $6) returning id, workspace_id),
     lines as (
       select * from unnest($7::text[], $8::bigint[]) as line (account, amount_micros)),
     entries as (
       insert into ledger_entries (workspace_id, transaction_id, account, amount_micros)
       select workspace_id, id, account, amount_micros from booked, lines)
     insert into ledger_accounts (workspace_id, account, balance_micros)
     select workspace_id, account, amount_micros from booked, lines
     on conflict (workspace_id, account)
     do update set balance_micros = ledger_accounts.balance_micros + excluded.balance_micros`,
    [
      id,
      workspaceId,
      kind,
      callId,
      reference,
      description === null ? null : storableText(description),
      lines.map(([account]) => account),
      lines.map(([, micros]) => micros),
    ],
  );
  return id;
}

export async function findByReference(
  client: Queryable,
  workspaceId: string,
  reference: string,
): Promise<LedgerTransactionRow | null> {
  return selectOne(
    client,
    'select * from ledger_transactions where workspace_id = $1 and reference = $2',
    [workspaceId, reference],
  );
}

export async function getTransaction(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<(LedgerTransactionRow & { amountMicros: number }) | null> {
  return selectOne(
    client,
    `select ledger_transactions.*, coalesce((select amount_micros from ledger_entries
       where transaction_id = ledger_transactions.id and account = 'available'), 0) as amount_micros
     from ledger_transactions where workspace_id = $1 and id = $2`,
    [workspaceId, id],
  );
}

/** What was given back of a call's charge so far. */
export async function refundedMicros(client: Queryable, callId: string): Promise<number> {
  const { micros } = await requireOne<{ micros: number }>(
    client,
    `select coalesce(sum(amount_micros), 0)::bigint as micros from ledger_entries
     join ledger_transactions on ledger_transactions.id = transaction_id
     where call_id = $1 and kind = 'refund' and account = 'available'`,
    [callId],
  );
  return micros;
}

export interface EntryFilter {
  callId?: string | undefined;
  account?: LedgerAccount | undefined;
  kind?: LedgerKind | undefined;
}

/** Newest first. */
export async function listEntries(
  client: Queryable,
  workspaceId: string,
  filter: EntryFilter,
  page: { limit: number; beforeId: number | null },
): Promise<{ data: LedgerEntryRow[]; nextId: number | null }> {
  const rows = await selectRows<LedgerEntryRow>(
    client,
    `select entry.id, entry.workspace_id, entry.transaction_id, entry.account,
       entry.amount_micros, entry.created_at, made.kind, made.call_id, made.description
     from ledger_entries as entry
     join ledger_transactions as made on made.id = entry.transaction_id
     where entry.workspace_id = $1 and ($2::bigint is null or entry.id < $2)
       and ($3::text is null or made.call_id = $3)
       and ($4::text is null or entry.account = $4)
       and ($5::text is null or made.kind = $5)
     order by entry.id desc limit $6`,
    [
      workspaceId,
      page.beforeId,
      filter.callId ?? null,
      filter.account ?? null,
      filter.kind ?? null,
      page.limit + 1,
    ],
  );
  const data = rows.slice(0, page.limit);
  return { data, nextId: rows.length > page.limit ? (data.at(-1)?.id ?? null) : null };
}

/** The currency that a workspace's micros are millionths of. */
export async function currencyOf(client: Queryable, workspaceId: string): Promise<string> {
  const row = await selectOne<{ currency: string | null }>(
    client,
    `select to_jsonb(workspaces) ->> 'currency' as currency from workspaces where id = $1`,
    [workspaceId],
  );
  return row?.currency ?? 'USD';
}
