import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMasterKey } from './master-key.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'trunkline key '));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

describe('the master key', () => {
  it('is made once, readable for its owner only, and found again', async () => {
    const first = await loadMasterKey({ text: null, dataDir });
    expect(first).toHaveLength(32);
    expect((await stat(path.join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await loadMasterKey({ text: null, dataDir })).toEqual(first);
  });

  it('is the same for everybody when several start at once', async () => {
    const keys = await Promise.all(
      Array.from({ length: 8 }, () => loadMasterKey({ text: null, dataDir })),
    );
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(['master.key']);
  });

  it('closes a file that others could read', async () => {
    await loadMasterKey({ text: null, dataDir });
    await chmod(path.join(dataDir, 'master.key'), 0o644);
    await loadMasterKey({ text: null, dataDir });
    expect((await stat(path.join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
  });

  it('never replaces a file that holds something else', async () => {
    await writeFile(path.join(dataDir, 'master.key'), 'oops');
    await expect(loadMasterKey({ text: null, dataDir })).rejects.toThrow(/64 hex digits/);
  });

  it('is the same with the line break that a file ends with', async () => {
    const text = 'a phrase that is long enough';
    expect(await loadMasterKey({ text: `${text}\n`, dataDir })).toEqual(
      await loadMasterKey({ text, dataDir }),
    );
  });

  it('is taken from the setting as hex, base64 or a long phrase', async () => {
    const hex = 'ab'.repeat(32);
    expect((await loadMasterKey({ text: hex, dataDir })).toString('hex')).toBe(hex);
    const base64 = Buffer.alloc(32, 7).toString('base64');
    expect(await loadMasterKey({ text: base64, dataDir })).toEqual(Buffer.alloc(32, 7));
    const phrase = 'correct horse battery staple';
    expect(await loadMasterKey({ text: phrase, dataDir })).toEqual(
      await loadMasterKey({ text: phrase, dataDir }),
    );
    await expect(loadMasterKey({ text: 'short', dataDir })).rejects.toThrow(/16 characters, got 5/);
    expect(await readdir(dataDir)).toEqual([]);
  });
});
