/**
 * Wallets, a double-entry ledger and rates by prefix and workspace. `available` and `held` are the
 * workspace's money, `revenue` what its calls were charged, `funding` (negative) what was paid in:
 * together they are always zero.
 */
export const sql = `
create table wallets (
  workspace_id text primary key references workspaces,
  mode text not null default 'unlimited' check (mode in ('unlimited', 'prepaid')),
  thresholds_micros jsonb not null default '[]',
  updated_at timestamptz not null default now()
);

create table ledger_accounts (
  workspace_id text not null references workspaces,
  account text not null check (account in ('available', 'held', 'revenue', 'funding')),
  balance_micros bigint not null,
  primary key (workspace_id, account)
);

create table ledger_transactions (
  id text primary key,
  workspace_id text not null references workspaces,
  kind text not null check (kind in ('top-up', 'hold', 'extend', 'release', 'settle', 'refund')),
  call_id text,
  reference text,
  description text,
  created_at timestamptz not null default now(),
  unique (workspace_id, reference)
);
create unique index ledger_transactions_settle_once on ledger_transactions (call_id)
  where kind = 'settle';
create index ledger_transactions_by_call on ledger_transactions (call_id) where call_id is not null;

create table ledger_entries (
  id bigserial primary key,
  workspace_id text not null references workspaces,
  transaction_id text not null references ledger_transactions,
  account text not null check (account in ('available', 'held', 'revenue', 'funding')),
  amount_micros bigint not null check (amount_micros <> 0),
  created_at timestamptz not null default now()
);
create index ledger_entries_by_workspace on ledger_entries (workspace_id, id desc);
create index ledger_entries_by_transaction on ledger_entries (transaction_id);

-- The entries of a transaction are written in one statement, so that this sees all of them.
create function ledger_entries_balance() returns trigger language plpgsql as $$
begin
  if exists (
    select from added join ledger_entries using (transaction_id)
    group by transaction_id, added.id having sum(ledger_entries.amount_micros) <> 0
  ) then
    raise exception 'the entries of a ledger transaction must add up to zero';
  end if;
  return null;
end $$;
create trigger ledger_entries_balance after insert on ledger_entries
  referencing new table as added for each statement execute function ledger_entries_balance();

-- What was booked stays: a mistake is put right by another transaction.
create function ledger_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only';
end $$;
create trigger ledger_entries_append_only before update or delete on ledger_entries
  for each row execute function ledger_is_append_only();
create trigger ledger_transactions_append_only before update or delete on ledger_transactions
  for each row execute function ledger_is_append_only();

-- What a call has reserved. Its row outlives the reservation: it says that the call was charged.
create table holds (
  call_id text primary key,
  workspace_id text not null references workspaces,
  state text not null check (state in ('held', 'released', 'settled')),
  held_micros bigint not null check (held_micros >= 0),
  period_micros bigint not null check (period_micros >= 0),
  settled_micros bigint not null default 0,
  updated_at timestamptz not null default now()
);
create index holds_open on holds (updated_at) where state = 'held';
create index holds_by_workspace on holds (workspace_id);

alter table rates drop constraint rates_pkey;
alter table rates add column prefix text not null default '';
alter table rates add column id text not null
  default 'rate_' || replace(gen_random_uuid()::text, '-', '');
alter table rates add primary key (id);
alter table rates add unique (kind, provider, prefix, unit);

-- Prices of one workspace, in place of the platform's.
create table workspace_rates (
  id text primary key,
  workspace_id text not null references workspaces,
  kind text not null check (kind in ('platform', 'network', 'transcriber', 'model', 'synthesizer')),
  provider text not null,
  prefix text not null default '',
  unit text not null check (unit in ('minute', 'character', 'input_token', 'output_token')),
  micros_per_unit bigint not null,
  unique (workspace_id, kind, provider, prefix, unit)
);
`;
