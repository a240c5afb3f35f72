/** Whether a trunk's far end moves calls by REFER, and whether ours are moved by it. */
export const sql = `
alter table trunks add column transfer_by_refer boolean not null default false;
alter table trunks add column accepts_refer boolean not null default false;
`;
