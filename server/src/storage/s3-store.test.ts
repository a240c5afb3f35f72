import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { createRecordingLibrary } from './recording-library.ts';
import { createRecordingStore } from './recordings.ts';
import { createS3Store } from './s3-store.ts';
import { startFakeS3, type FakeS3 } from './testing/fake-s3.ts';

let s3: FakeS3;
let folder: string;
const KEY = 'ws_1/call_1.wav';

beforeEach(async () => {
  s3 = await startFakeS3();
  folder = await mkdtemp(path.join(tmpdir(), 'trunkline-s3-'));
  await mkdir(path.join(folder, 'ws_1'));
  await writeFile(path.join(folder, KEY), 'RIFFdata of the call');
});
afterEach(async () => {
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

const store = () => createS3Store(s3.settings, systemClock);

describe('a store in a bucket', () => {
  it('signs what it sends, and gives it back whole and in part', async () => {
    await store().putFile(KEY, path.join(folder, KEY), 'audio/wav');
    expect(s3.objects.get(KEY)?.toString()).toBe('RIFFdata of the call');
    const whole = await store().open(KEY);
    expect(whole?.sizeBytes).toBe(20);
    expect(whole && (await text(whole.stream))).toBe('RIFFdata of the call');
    const part = await store().open(KEY, { startByte: 4, endByte: 7 });
    expect(part?.sizeBytes).toBe(20);
    expect(part && (await text(part.stream))).toBe('data');
    await store().delete(KEY);
    await store().delete(KEY);
    expect(await store().open(KEY)).toBeNull();
    expect(s3.requests.map(({ status }) => status)).toEqual([200, 200, 206, 204, 204, 404]);
  });

  it('makes links that anybody can follow until they end, and nobody can change', async () => {
    await store().putFile(KEY, path.join(folder, KEY), 'audio/wav');
    const link = await store().presign(KEY, 60);
    const followed = await fetch(link);
    expect([followed.status, await followed.text()]).toEqual([200, 'RIFFdata of the call']);
    const changed = await fetch(link.replace('call_1', 'call_2'));
    expect([changed.status, await changed.text()]).toEqual([
      403,
      expect.stringContaining('SignatureDoesNotMatch'),
    ]);
    const past = new FakeClock(systemClock.now() - 120_000);
    const ended = await createS3Store(s3.settings, past).presign(KEY, 60);
    expect((await fetch(ended)).status).toBe(403);
  });

  it.each([
    ['secretAccessKey', 'SignatureDoesNotMatch'],
    ['accessKeyId', 'InvalidAccessKeyId'],
    ['region', 'InvalidAccessKeyId'],
  ] as const)('says what the store has against a wrong %s, without it', async (field, code) => {
    const wrong = createS3Store({ ...s3.settings, [field]: 'wrong-one' }, systemClock);
    const failure: unknown = await wrong
      .putFile(KEY, path.join(folder, KEY), 'audio/wav')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'S3Error', status: 403 });
    expect(String(failure)).toContain(code);
    expect(String(failure)).not.toContain('wrong-one');
    expect(s3.objects.size).toBe(0);
  });

  it('says that the store does not answer', async () => {
    const nobody = createS3Store({ ...s3.settings, endpoint: 'http://127.0.0.1:9' }, systemClock);
    await expect(nobody.open(KEY)).rejects.toThrow('does not answer');
  });
});

describe('the recording library', () => {
  const library = () => createRecordingLibrary(createRecordingStore(folder), store());

  it('moves a recording into the bucket, again without harm, and finds it there', async () => {
    expect(await library().archive(KEY)).toBe('s3');
    expect(await library().archive(KEY)).toBe('s3');
    await library().forgetFile(KEY);
    expect(await readdir(path.join(folder, 'ws_1'))).toEqual([]);
    expect(await library().archive(KEY)).toBe('missing');
    const stored = { recordingKey: KEY, recordingStore: 's3' } as const;
    const opened = await library().open(stored);
    expect(opened && (await text(opened.stream))).toBe('RIFFdata of the call');
    expect((await fetch((await library().presign(stored, 60)) ?? '')).status).toBe(200);
    await library().delete(stored);
    expect(s3.objects.size).toBe(0);
  });

  it('leaves recordings on the disk where there is no bucket', async () => {
    const onDisk = createRecordingLibrary(createRecordingStore(folder), null);
    expect(await onDisk.archive(KEY)).toBe('disk');
    expect(await onDisk.presign({ recordingKey: KEY, recordingStore: 'disk' }, 60)).toBeNull();
    await expect(
      Promise.resolve().then(() => onDisk.open({ recordingKey: KEY, recordingStore: 's3' })),
    ).rejects.toThrow('S3_BUCKET');
  });
});
