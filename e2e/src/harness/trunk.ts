import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Program } from './program.ts';

const PEERS = path.resolve(import.meta.dirname, '../../peers');
let nextNumber = 0;

export interface TrunkParts {
  gateways: { host: string; port: number; transport?: 'udp' | 'tcp' | 'tls' }[];
  /** Further fields of the trunk. */
  media_encryption?: 'none' | 'optional' | 'required';
  codecs?: ('PCMU' | 'PCMA' | 'G722' | 'OPUS')[];
  auth?: { username: string; password: string };
  /** Who speaks in calls from and to the number. Default: the demo agent. */
  agentId?: string;
}

/** A trunk with one number of its own, made through the API. */
export async function createTrunk(
  program: Program,
  parts: TrunkParts,
): Promise<{ trunkId: string; from: string }> {
  const from = `+1415555${String(2000 + nextNumber++)}`;
  const trunk = await program.client.request<{ id: string }>('POST', '/v1/trunks', {
    name: `e2e ${from}`,
    gateways: parts.gateways.map((gateway) => ({ transport: 'udp', ...gateway })),
    // A far end that expects one INVITE would take an OPTIONS for its call.
    qualify_frequency_s: 0,
    ...(parts.media_encryption && { media_encryption: parts.media_encryption }),
    ...(parts.codecs && { codecs: parts.codecs }),
    ...(parts.auth && {
      auth_username: parts.auth.username,
      auth_password: parts.auth.password,
    }),
  });
  await program.client.request('POST', '/v1/numbers', {
    number: from,
    trunk_id: trunk.id,
    agent_id: parts.agentId ?? (await demoAgentId(program)),
  });
  return { trunkId: trunk.id, from };
}

async function demoAgentId(program: Program): Promise<string> {
  const { data } = await program.client.request<{ data: { id: string; name: string }[] }>(
    'GET',
    '/v1/agents',
  );
  const demo = data.find(({ name }) => /demo/i.test(name));
  if (!demo) throw new Error('there is no demo agent');
  return demo.id;
}

/** Puts a sipp scenario into `folder`, with `__AUDIO__` replaced by a headerless mu-law file. */
export async function sippScenario(folder: string, name: string, audio?: string): Promise<string> {
  const target = path.join(folder, name);
  if (audio === undefined) {
    await copyFile(path.join(PEERS, name), target);
    return target;
  }
  const text = await readFile(path.join(PEERS, name), 'utf8');
  await writeFile(target, text.replaceAll('__AUDIO__', audio));
  return target;
}
