import { sql as firstCall } from './0001-first-call.ts';

export interface Migration {
  /** Applied in this order; never reused, never changed once released. */
  version: number;
  name: string;
  sql: string;
}

/** Every migration, oldest first. */
export const migrationList: readonly Migration[] = [
  { version: 1, name: 'first-call', sql: firstCall },
];
