/**
 * A caller may send another INVITE with the same Call-ID, so that names no attempt; and how long a
 * call lasted does not follow from two readings of the wall clock.
 */
export const sql = `
alter table attempts drop constraint attempts_sip_call_id_key;
alter table attempts add column merge_key text unique;
create index attempts_by_sip_call_id on attempts (sip_call_id);

alter table calls add column duration_ms int;
`;
