import type { PoolClient } from 'pg';

/** Texts beyond are planned each time: a connection's memory of plans stays bounded. */
const MAX_STATEMENTS = 200;
const names = new Map<string, string>();

/**
 * Marks the text of a statement that every call runs, and whose planning takes longer than its
 * execution: a connection plans it once. Only for texts of which there are few: made of constants,
 * or of the columns that one kind of change sets.
 */
export function hot(text: string): string {
  if (!names.has(text) && names.size < MAX_STATEMENTS) names.set(text, `hot_${names.size}`);
  return text;
}

/**
 * Lets a connection keep the plans of hot statements. Not for connections through a pooler such as
 * PgBouncer, whose next statement may meet another server process.
 */
export function keepPlans(client: PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const keeping = (text: unknown, values: unknown, ...rest: unknown[]): unknown => {
    const name = typeof text === 'string' && Array.isArray(values) ? names.get(text) : undefined;
    return name === undefined
      ? query(text, values, ...rest)
      : query({ name, text, values }, ...rest);
  };
  Object.assign(client, { query: keeping });
}
