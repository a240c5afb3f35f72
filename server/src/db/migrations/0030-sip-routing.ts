/** How gateways are looked up (RFC 3263), and where redirected calls may go (RFC 3261 §8.1.3.4). */
export const sql = `
alter table gateways add column lookup text not null default 'address'
  check (lookup in ('address', 'srv', 'naptr'));
-- Hosts that a 3xx may send a call to; empty: redirections are not followed.
alter table trunks add column redirect_hosts text[] not null default '{}';
`;
