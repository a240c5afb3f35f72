/** How long the signalling of calls is kept. */
export const sql = `
alter table retention_settings add column sip_days integer check (sip_days between 0 and 3650);
create index sip_traces_by_age on sip_traces (created_at);
`;
