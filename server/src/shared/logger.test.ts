import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createLogger } from './logger.ts';

let folder: string | null = null;

afterEach(async () => {
  if (folder) await rm(folder, { recursive: true });
});

it('writes JSON lines without the values of secrets', async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-log-'));
  const destination = path.join(folder, 'a b', 'trunkline.log');
  const logger = createLogger({ level: 'info', destination }).child({ call_id: 'call_1' });
  logger.debug({}, 'not written');
  logger.info({ trunk: { auth_password: 'hunter2', name: 'main' }, api_key: 'tl_x' }, 'saved');
  const text = await readFile(destination, 'utf8');
  const lines = text.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    call_id: 'call_1',
    msg: 'saved',
    trunk: { auth_password: '[redacted]', name: 'main' },
    api_key: '[redacted]',
  });
  expect(text).not.toContain('hunter2');
});

it('lets nobody else read the file, nor enter the folder that it makes', async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-log-'));
  const destination = path.join(folder, 'logs', 'trunkline.log');
  createLogger({ level: 'info', destination }).info({ pii: { to: '+15005550101' } }, 'dialled');
  expect((await stat(destination)).mode & 0o777).toBe(0o600);
  expect((await stat(path.dirname(destination))).mode & 0o777).toBe(0o700);
});

it('writes what is wrong with a database connection, not the connection itself', async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-log-'));
  const destination = path.join(folder, 'trunkline.log');
  const client = { secretKey: 4711, queue: [] };
  const err = Object.assign(new Error('terminating connection'), { code: '57P01', client });
  createLogger({ level: 'info', destination }).warn({ err }, 'lost');
  const line = JSON.parse(await readFile(destination, 'utf8')) as { err: object };
  expect(line.err).toMatchObject({ message: 'terminating connection', code: '57P01' });
  expect(line.err).not.toHaveProperty('client');
});
