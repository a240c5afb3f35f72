import type { PoolClient } from 'pg';

/** What tenants' statements run as; the policies know it by this name. */
const TENANT_ROLE = 'trunkline_tenant';
/** Roles belong to the whole server: two databases on it may start at the same time. */
const MADE_BY_ANOTHER = new Set(['42710', '23505', 'XX000']);
const NOT_ALLOWED = '42501';

/**
 * Fences every table by workspace and says as which role tenants' statements run: one of its own
 * where the database's user may have it (it need not own tables and bypasses nothing); null where
 * it may not: then the user itself is bound, because the tables force their policies on their owner.
 * @throws Error where neither binds: a user that bypasses row security and may not change roles.
 */
export async function fenceTables(client: PoolClient): Promise<string | null> {
  const role = (await hasTenantRole(client)) ? TENANT_ROLE : null;
  await client.query('select trunkline_fence_tables()');
  if (role === null) await requireBoundUser(client);
  return role;
}

async function hasTenantRole(client: PoolClient): Promise<boolean> {
  await client
    .query(
      `do $$ begin
         if not exists (select from pg_roles where rolname = '${TENANT_ROLE}') then
           create role ${TENANT_ROLE} nologin nosuperuser nobypassrls;
         end if;
       end $$`,
    )
    .catch(tolerate);
  if (await maySetRole(client)) return true;
  await client.query(`grant ${TENANT_ROLE} to current_user`).catch(tolerate);
  return maySetRole(client);
}

async function maySetRole(client: PoolClient): Promise<boolean> {
  try {
    await client.query(`set role ${TENANT_ROLE}`);
    await client.query('reset role');
    return true;
  } catch (error) {
    // There is no such role, or it is not this user's to take.
    if (['22023', NOT_ALLOWED].includes(codeOf(error))) return false;
    throw error;
  }
}

async function requireBoundUser(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ bypasses: boolean }>(
    'select rolsuper or rolbypassrls as bypasses from pg_roles where rolname = current_user',
  );
  if (rows[0]?.bypasses !== false) {
    throw new Error(
      `the user of DATABASE_URL bypasses row security and may not use the role ${TENANT_ROLE}; ` +
        `grant it: grant ${TENANT_ROLE} to that user, or take BYPASSRLS away`,
    );
  }
}

function tolerate(error: unknown): void {
  const code = codeOf(error);
  if (code === NOT_ALLOWED || code === '42704' || MADE_BY_ANOTHER.has(code)) return;
  throw error;
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
