import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { explainStartFailure } from './database-start-error.ts';
import { isProcessAlive } from './directory-lock.ts';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded-postgres.ts';

const isRoot = process.getuid?.() === 0;
let parent: string;
const running: EmbeddedPostgres[] = [];

beforeEach(async () => {
  // A space in the path, as in many home folders.
  parent = await mkdtemp(join(tmpdir(), 'trunkline embedded-'));
  await chmod(parent, 0o755);
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  await rm(parent, { recursive: true, force: true });
});

async function start(over: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    directory: join(parent, 'postgres'),
    logger: silentLogger,
    clock: systemClock,
    settings: ['fsync=off'],
    ...over,
  });
  running.push(server);
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

// A start on a busy machine takes its time, and a test has several.
describe('embedded PostgreSQL', { timeout: 180_000 }, () => {
  it('starts, keeps its data over a restart and says what takes long only the first time', async () => {
    const progress: string[] = [];
    const onProgress = (message: string): void => void progress.push(message);
    const first = await start({ onProgress });
    await query(first.url, 'create table kept as select 7 as value');
    await first.close();
    await first.close();
    expect(isProcessAlive(first.pid)).toBe(false);
    const second = await start({ onProgress });
    expect(await query(second.url, 'select value from kept')).toEqual([{ value: 7 }]);
    expect(second.port).toBe(first.port);
    expect(progress).toEqual(['Creating the database (first start only)']);
  });

  it('takes connections with its password only, on the loopback interface only', async () => {
    const server = await start();
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    const settings = await query(
      server.url,
      `select name, setting from pg_settings where name in
         ('listen_addresses', 'unix_socket_directories', 'shared_buffers') order by name`,
    );
    expect(settings).toEqual([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'shared_buffers', setting: '8192' },
      { name: 'unix_socket_directories', setting: '' },
    ]);
    const password = await stat(join(parent, 'postgres', 'password'));
    expect(password.mode & 0o777).toBe(0o600);
    expect((await stat(join(parent, 'postgres', 'cluster'))).mode & 0o777).toBe(0o700);
  });

  it('refuses a second start on one directory and names the process that has it', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  });

  it('does the first start again when it was interrupted half-way', async () => {
    const draft = join(parent, 'postgres', 'cluster.new');
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'PG_VERSION'), '18\n');
    const server = await start();
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('leaves nothing behind that stops the next start when its process is killed', async () => {
    const child = await startInChild();
    expect(isProcessAlive(child.postgresPid)).toBe(true);
    child.kill();
    await child.exited;
    const next = await start();
    expect(await query(next.url, 'select value from written')).toEqual([{ value: 1 }]);
  });

  it('adopts a server that outlived its Trunkline, and stops it in the end', async () => {
    const first = await start();
    const { pid } = first;
    await query(first.url, 'create table kept as select 7 as value');
    // What a machine without parent-death signals is left with: the server runs, its owner is gone.
    await rm(join(parent, 'postgres', 'lock'));
    const adopted = await start();
    expect([adopted.origin, adopted.pid, adopted.port]).toEqual(['adopted', pid, first.port]);
    expect(await query(adopted.url, 'select value from kept')).toEqual([{ value: 7 }]);
    await adopted.close();
    expect(isProcessAlive(pid)).toBe(false);
  });

  it('starts a server that it adopted again when that dies, on the same port', async () => {
    const first = await start();
    const { pid, port } = first;
    await query(first.url, 'create table kept as select 7 as value');
    await rm(join(parent, 'postgres', 'lock'));
    const adopted = await start();
    expect(adopted.pid).toBe(pid);
    // Ends the server, as far as the second start knows by itself.
    await first.close();
    await expect.poll(() => adopted.pid, { timeout: 150_000 }).not.toBe(pid);
    expect(adopted.port).toBe(port);
    expect(await query(adopted.url, 'select value from kept')).toEqual([{ value: 7 }]);
  });

  it('starts over the lock file of a process that is now another program', async () => {
    await (await start()).close();
    const lockFile = join(parent, 'postgres', 'cluster', 'postmaster.pid');
    const lines = [process.pid, '/elsewhere', 1, 5432, '', '127.0.0.1', '', 'ready'];
    await writeFile(lockFile, `${lines.join('\n')}\n`, { mode: 0o644 });
    const server = await start();
    expect(server.origin).not.toBe('adopted');
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('says what is missing when no PostgreSQL is installed', async () => {
    await expect(start({ findBinaries: () => Promise.resolve([]) })).rejects.toMatchObject({
      code: 'no-binaries',
      message: expect.stringContaining('DATABASE_URL') as string,
    });
  });

  it('refuses a cluster of a version that is not installed, and says which it needs', async () => {
    await (await start()).close();
    const binaries = { binDir: '/nowhere', major: 12, origin: 'system' } as const;
    await expect(start({ findBinaries: () => Promise.resolve([binaries]) })).rejects.toMatchObject({
      code: 'wrong-version',
    });
  });

  it('says so when the directory cannot be made', async () => {
    await writeFile(join(parent, 'file'), '');
    await expect(start({ directory: join(parent, 'file', 'postgres') })).rejects.toMatchObject({
      code: 'not-writable',
    });
  });

  it.each([
    Object.assign(new Error('write failed'), { code: 'ENOSPC' }),
    new Error('initdb: error: could not write to file "x": No space left on device'),
  ])('says that the disk is full: %s', (error) => {
    const explained = explainStartFailure(error, '/data');
    expect(explained.code).toBe('disk-full');
    expect(explained.message).toContain('/data');
    expect(explained.message.split('\n')).toHaveLength(1);
  });
});

describe.runIf(isRoot)('embedded PostgreSQL as root', { timeout: 180_000 }, () => {
  it('runs as nobody, who owns the cluster', async () => {
    const server = await start();
    expect(server.account).toBe('owner');
    expect((await stat(join(parent, 'postgres', 'cluster'))).uid).toBe(65_534);
    expect(await uidOf(server.pid)).toBe(65_534);
  });

  it('runs in a folder that nobody can enter', async () => {
    await chmod(parent, 0o700);
    const server = await start();
    expect(['user-namespace', 'owner-with-capability']).toContain(server.account);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('runs as nobody below a data folder that others may only pass through', async () => {
    const directory = join(parent, 'data', 'postgres');
    const server = await start({ directory });
    expect(server.account).toBe('owner');
    for (const path of [join(parent, 'data'), directory]) {
      expect((await stat(path)).mode & 0o777).toBe(0o711);
    }
  });

  it('goes on with its data when the folder is closed to others, and opened again', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 7 as value');
    await first.close();
    for (const mode of [0o700, 0o755]) {
      await chmod(parent, mode);
      const next = await start();
      expect(await query(next.url, 'select value from kept')).toEqual([{ value: 7 }]);
      await next.close();
    }
  });
});

async function uidOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

/** Another Node process that starts the server, writes a row and waits to be killed. */
async function startInChild(): Promise<{
  postgresPid: number;
  kill: () => void;
  exited: Promise<unknown>;
}> {
  const script = fileURLToPath(new URL('testing/start-embedded.ts', import.meta.url));
  const child = spawn(process.execPath, [script, join(parent, 'postgres')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return { postgresPid: Number(line), kill: () => void child.kill('SIGKILL'), exited };
}
