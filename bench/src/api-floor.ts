/** The least that an answer over HTTP with one statement costs: fastify and `select 1`. */
import { fastify } from 'fastify';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.argv[2], max: 20 });
const app = fastify();
app.get('/', async () => (await pool.query('select 1 as one')).rows[0]);
await app.listen({ host: '127.0.0.1', port: Number(process.argv[3]) });
process.send?.('ready');
process.once('disconnect', () => void app.close().then(() => pool.end()));
