/** A NOTIFY is lost on whoever does not listen at that moment; a row waits for the call's node. */
export const sql = `
create table stop_requests (
  call_id text primary key references calls on delete cascade,
  requested_at timestamptz not null default now()
);
`;
