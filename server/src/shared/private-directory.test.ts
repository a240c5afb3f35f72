import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivateDirectory } from './private-directory.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-private-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe('private directory', () => {
  it('is made for its user only, and so is what was missing above it', async () => {
    makePrivateDirectory(join(folder, 'a', 'b'));
    expect(await modeOf(join(folder, 'a'))).toBe(0o700);
    expect(await modeOf(join(folder, 'a', 'b'))).toBe(0o700);
  });

  it('lets others pass, but not look, only where root asks for that', async () => {
    makePrivateDirectory(join(folder, 'a'), { enterable: true });
    expect(await modeOf(join(folder, 'a'))).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
  });

  it('leaves one that exists as its owner made it', async () => {
    await mkdir(join(folder, 'a'));
    await chmod(join(folder, 'a'), 0o750);
    makePrivateDirectory(join(folder, 'a'));
    expect(await modeOf(join(folder, 'a'))).toBe(0o750);
  });
});
