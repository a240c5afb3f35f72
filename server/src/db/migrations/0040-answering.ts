/** Who answered, with the evidence; and what made each turn as fast as it was. */
export const sql = `
alter table calls add column answering jsonb;
alter table turns add column evidence jsonb;
`;
