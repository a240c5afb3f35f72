/** A PostgreSQL server for the tests, with the right to make databases; unset: an embedded one. */
export const testDatabaseUrl: string | undefined = process.env['TEST_DATABASE_URL'];
