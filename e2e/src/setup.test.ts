import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { TrunklineClient } from '@trunkline/sdk';
import { expect, it } from 'vitest';
import { startPeer } from './harness/peer-process.ts';
import { programEnv, REPOSITORY } from './harness/program.ts';

const STOP_LIMIT_MS = 30_000;

/** The Node and npm of the host, not those that this clone has brought along. */
function hostPath(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.filter((folder) => !folder.startsWith(REPOSITORY)).join(path.delimiter);
}

// Downloads everything that a fresh machine needs: minutes, so only where it is asked for.
it.skipIf(process.env['E2E_CLONE'] !== '1')(
  'git clone into a path with a space, npm start, first call',
  async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline clone '));
    const clone = path.join(folder, 'trunk line');
    try {
      const git = startPeer('git', ['clone', '-q', REPOSITORY, clone]);
      expect(await git.exited, git.output()).toBe(0);
      const startedAt = performance.now();
      const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1);
      const { TRUNKLINE_API_KEY: _key, ...settings } = programEnv(path.join(clone, 'data'));
      const env = { ...settings, PATH: hostPath() };
      const host = startPeer('node', ['--version'], { env });
      await host.exited;
      const program = startPeer('npm', ['start'], { cwd: clone, env });
      try {
        await program.waitFor(/Trunkline is up[^]*npx trunkline call/);
        console.log(`up after ${seconds()} s, started with Node ${host.output().trim()}`);
        const printed = (pattern: RegExp): string => pattern.exec(program.output())?.[1] ?? '';
        const client = new TrunklineClient({
          baseUrl: printed(/Dashboard\s+(http:\S+)/),
          token: () => printed(/API key\s+(\S+)/),
        });
        const placed = await client.placeCall({ to: '+15005550101' });
        for await (const event of client.callEvents(placed.id)) {
          if (event.type === 'call.answered') console.log(`answered after ${seconds()} s`);
        }
        expect(await client.getCall(placed.id)).toMatchObject({
          status: 'completed',
          outcome: { outcome: 'confirmed' },
        });
        console.log(`first call over after ${seconds()} s`);
      } finally {
        program.signal('SIGTERM');
        // npm ends at once; what it started holds its output until it has ended as well.
        const late = new Promise<string>((resolve) =>
          setTimeout(resolve, STOP_LIMIT_MS, 'runs on'),
        );
        expect(await Promise.race([program.exited.then(() => 'ended'), late])).toBe('ended');
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  900_000,
);
