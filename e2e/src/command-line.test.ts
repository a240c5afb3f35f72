import { afterAll, beforeAll, expect, it } from 'vitest';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readStereoWav } from './harness/audio.ts';
import { startPeer } from './harness/peer-process.ts';
import { REPOSITORY, startProgram, type Program } from './harness/program.ts';

let program: Program;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-cli-'));
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});

/** `npx trunkline ...` as a user runs it; `signIn` is what it knows of the program. */
async function trunkline(
  args: readonly string[],
  signIn: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const { TRUNKLINE_API_KEY: _key, ...inherited } = process.env;
  const child = startPeer('npx', ['--no-install', 'trunkline', ...args], {
    cwd: REPOSITORY,
    env: { ...inherited, TRUNKLINE_URL: program.url, ...signIn },
  });
  return { code: await child.exited, output: child.output() };
}

it.concurrent(
  'call --watch shows each status, both sides, the latency and what came of it',
  async () => {
    const { code, output } = await trunkline(['call', '+15005550101', '--watch'], {
      TRUNKLINE_API_KEY: program.apiKey,
    });
    expect(code, output).toBe(0);
    expect(output).toMatch(/call_\w+ .*\+15005550199 -> \+15005550101/);
    const order = ['queued', 'ringing', 'in-progress', 'completed'].map((s) =>
      output.search(`\\b${s}\\b`),
    );
    expect(order, output).toEqual([...order].sort((a, b) => a - b));
    expect(order[0]).toBeGreaterThan(0);
    expect(output).toMatch(/agent.*bright smile/i);
    // Whatever was made of what the person said.
    expect(output).toMatch(/\bcaller: +\w/);
    expect(output).toMatch(/\d+ ms/);
    expect(output).toMatch(/latency.*median \d+ ms/);
    expect(output).toMatch(/confirmed/);
    expect(output).toMatch(/SIP.*200 OK/);

    const id = /call_\w+/.exec(output)?.[0] ?? '';
    const file = path.join(folder, 'a recording.wav');
    const saved = await trunkline(['calls', 'recording', id, '-o', file], {
      TRUNKLINE_API_KEY: program.apiKey,
    });
    expect(saved.code, saved.output).toBe(0);
    expect(readStereoWav(await readFile(file)).sampleRateHz).toBe(8_000);
  },
);

it.concurrent('the operator of the machine needs no key: the data directory signs in', async () => {
  const { code, output } = await trunkline(['calls', 'list'], {
    TRUNKLINE_DATA_DIR: program.dataDir,
  });
  expect(code, output).toBe(0);
});

it.concurrent(
  'a wrong key, a wrong address and a wrong number each are one clear sentence',
  async () => {
    const [key, address, number] = await Promise.all([
      trunkline(['calls', 'list'], { TRUNKLINE_API_KEY: 'tl_wrong' }),
      trunkline(['calls', 'list'], {
        TRUNKLINE_API_KEY: program.apiKey,
        TRUNKLINE_URL: 'http://127.0.0.1:9',
      }),
      trunkline(['call', '12345'], { TRUNKLINE_API_KEY: program.apiKey }),
    ]);
    for (const { code, output } of [key, address, number]) {
      expect(code, output).toBeGreaterThan(0);
      expect(output).not.toMatch(/^\s+at /m);
    }
    expect(key.output).toMatch(/key/i);
    expect(address.output).toMatch(/127\.0\.0\.1:9/);
    expect(number.output).toMatch(/12345/);
  },
);
