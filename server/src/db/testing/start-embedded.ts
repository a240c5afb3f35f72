import { Client } from 'pg';
import { systemClock } from '../../shared/clock.ts';
import { silentLogger } from '../../shared/logger.ts';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';

/** Run as a program of its own by tests that kill it: prints the server's pid when it has written. */
const server = await startEmbeddedPostgres({
  directory: process.argv[2] ?? '',
  logger: silentLogger,
  clock: systemClock,
});
const client = new Client({ connectionString: server.url });
await client.connect();
await client.query('create table written as select 1 as value');
console.log(server.pid);
