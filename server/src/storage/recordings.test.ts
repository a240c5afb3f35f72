import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRecordingStore, type RecordingStore } from './recordings.ts';

let dir: string;
let store: RecordingStore;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'recordings test-'));
  store = createRecordingStore(join(dir, 'recordings'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

describe('recording store', () => {
  it('opens what was written under the key, whole and in part', async () => {
    const path = await store.pathFor('ws_1', 'call_1');
    await writeFile(path, 'RIFFdata');
    const key = store.keyOf('ws_1', 'call_1');
    const whole = await store.open(key);
    expect(whole?.sizeBytes).toBe(8);
    expect(whole && (await text(whole.stream))).toBe('RIFFdata');
    const part = await store.open(key, { startByte: 4, endByte: 5 });
    expect(part?.sizeBytes).toBe(8);
    expect(part && (await text(part.stream))).toBe('da');
  });

  it('keeps the folder of a workspace closed to other users of the machine', async () => {
    const path = await store.pathFor('ws_1', 'call_1');
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  });

  it('answers null for a recording that was deleted or never made, or is a folder', async () => {
    const key = store.keyOf('ws_1', 'call_1');
    expect(await store.open(key)).toBeNull();
    await writeFile(await store.pathFor('ws_1', 'call_1'), 'x');
    await store.delete(key);
    await store.delete(key);
    expect(await store.open(key)).toBeNull();
    await mkdir(await store.pathFor('ws_1', 'call_2'));
    expect(await store.open(store.keyOf('ws_1', 'call_2'))).toBeNull();
  });

  it.each([
    '../secret.wav',
    'ws_1/../../secret.wav',
    'ws_1/..%2fsecret.wav',
    '/etc/passwd',
    'ws_1/call_1.wav/../../secret.wav',
    'ws_1/call_1.wav\0',
    'ws_1\\..\\secret.wav',
    'ws_1/call_1.wav\n',
    '',
    'secret',
  ])('never leaves its folder for the key %j', async (key) => {
    const secret = join(dir, 'secret.wav');
    await writeFile(secret, 'secret');
    expect(await store.open(key)).toBeNull();
    await store.delete(key);
    expect(await readFile(secret, 'utf8')).toBe('secret');
  });

  it('refuses ids that are no ids', async () => {
    await expect(store.pathFor('..', 'call_1')).rejects.toThrow('expected ids');
    expect(() => store.keyOf('ws_1', 'a/b')).toThrow('expected ids');
  });
});
