import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './harness/free-port.ts';
import { startPeer } from './harness/peer-process.ts';
import { programEnv, REPOSITORY, startProgram } from './harness/program.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-starting-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Starts a program that cannot run; its exit code and what it says about it. */
async function failedStart(
  dataDir: string,
  env: Record<string, string>,
): Promise<{ code: number | null; complaint: string; output: string }> {
  const program = startPeer(process.execPath, ['server/src/main.ts'], {
    cwd: REPOSITORY,
    env: programEnv(dataDir, env),
  });
  const code = await program.exited;
  const output = program.output();
  const complaint = output.slice(output.indexOf('trunkline: ')).trimEnd();
  return { code, complaint, output };
}

function expectOneSentence(complaint: string, output: string): void {
  expect(complaint, output).toMatch(/^trunkline: \S/);
  expect(complaint, output).not.toMatch(/\n/);
  expect(output).not.toMatch(/^\s+at /m);
}

it('a second start on the same data directory says who has it, and harms nobody', async () => {
  const dataDir = path.join(folder, 'shared');
  const first = await startProgram({ dataDir });
  try {
    const { code, complaint, output } = await failedStart(dataDir, {});
    expect(code).toBeGreaterThan(0);
    expectOneSentence(complaint, output);
    expect(complaint).toContain(dataDir);
    expect(complaint).toContain(String(first.pid));
    expect((await first.fetch('GET', '/v1/calls')).status).toBe(200);
  } finally {
    await first.stop();
  }
});

describe('a port that somebody else has is named together with its variable', () => {
  it.concurrent.each(['HTTP_PORT', 'SIP_PORT', 'CARRIER_SIP_PORT'])('%s', async (variable) => {
    const port = await freePort();
    const tcp = net.createServer().listen(port, '127.0.0.1');
    const udp = createSocket('udp4').bind(port, '127.0.0.1');
    await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
    try {
      const dataDir = path.join(folder, variable.toLowerCase());
      const { code, complaint, output } = await failedStart(dataDir, { [variable]: String(port) });
      expect(code).toBeGreaterThan(0);
      expectOneSentence(complaint, output);
      expect(complaint).toMatch(new RegExp(`port ${port}\\b.*\\b${variable}=`));
      // Not a variable whose name only ends like it.
      expect(complaint).not.toMatch(new RegExp(`\\w${variable}`));
    } finally {
      tcp.close();
      udp.close();
    }
  });
});

it('a setting that cannot be used is named', async () => {
  const { code, output } = await failedStart(path.join(folder, 'setting'), { SIP_PORT: 'many' });
  expect(code).toBe(78);
  expect(output).toMatch(/SIP_PORT/);
  expect(output).not.toMatch(/^\s+at /m);
});

it('no deletion of what the sandbox is made of keeps the next start from working', async () => {
  const dataDir = path.join(folder, 'sandbox-deleted');
  const first = await startProgram({ dataDir });
  const agents = (await first.fetch('GET', '/v1/agents')).body as { data: { id: string }[] };
  const numbers = (await first.fetch('GET', '/v1/numbers')).body as { data: { id: string }[] };
  try {
    for (const door of ['/v1/trunks/trunk_sandbox', '/sip-trunks/trunks/trunk_sandbox']) {
      const refused = await first.fetch('DELETE', door);
      expect(refused.status, door).toBe(409);
      expect(JSON.stringify(refused.body)).toContain('SANDBOX=off');
    }
    for (const { id } of agents.data) {
      expect((await first.fetch('DELETE', `/v1/agents/${id}`)).status).toBe(204);
    }
    for (const { id } of numbers.data) {
      expect((await first.fetch('DELETE', `/v1/numbers/${id}`)).status).toBe(204);
    }
  } finally {
    await first.stop();
  }
  // Without the sandbox its trunk may go; with it the trunk is there again.
  const without = await startProgram({ dataDir, env: { SANDBOX: 'off' } });
  try {
    expect((await without.fetch('DELETE', '/v1/trunks/trunk_sandbox')).status).toBe(204);
  } finally {
    await without.stop();
  }
  const again = await startProgram({ dataDir });
  try {
    const body = JSON.stringify({ to: '+15005550102' });
    expect((await again.fetch('POST', '/v1/calls', { body })).status).toBe(201);
  } finally {
    await again.stop();
  }
});
