/**
 * Tables whose rows change many times in their short lives. Room in their pages lets an update of
 * columns without an index stay beside its row (PostgreSQL's HOT) instead of being entered into
 * every index; vacuum comes after a share of rows that stays small when tables are large.
 */
export const sql = `
alter table calls set (fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.05);
alter table attempts set (fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table holds set (fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table post_call_steps set (fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
alter table ledger_accounts set (fillfactor = 20,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table trunk_pacing set (fillfactor = 20,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table nodes set (fillfactor = 20,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index calls_by_answerer on calls (workspace_id, answered_by, id desc)
  where answered_by is not null;
`;
