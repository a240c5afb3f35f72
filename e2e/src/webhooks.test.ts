import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, it } from 'vitest';
import { finalCall, startProgram, type Program } from './harness/program.ts';

interface Message {
  id: string;
  body: string;
  headers: Record<string, string>;
  json: { type: string; call_id: string; sequence: number; data: Record<string, unknown> };
}

/** Somebody's server, which the test can take down. */
interface Receiver {
  url: string;
  messages: Message[];
  status: number;
  got(isEnough: (messages: Message[]) => boolean): Promise<void>;
}

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(dataDir: string): Promise<Program> {
  const program = await startProgram({ dataDir, env: { ALLOW_PRIVATE_TARGETS: '127.0.0.1/32' } });
  closers.push(() => program.stop());
  return program;
}

async function receiver(): Promise<Receiver> {
  const waiters = new Set<() => void>();
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      const id = headers['webhook-id'] ?? '';
      const json = JSON.parse(body) as Message['json'];
      if (made.status === 200) made.messages.push({ id, body, headers, json });
      response.writeHead(made.status).end();
      for (const waiter of waiters) waiter();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const made: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    messages: [],
    status: 200,
    async got(isEnough) {
      while (!isEnough(made.messages)) {
        await new Promise<void>((resolve) => {
          const waiter = (): void => {
            waiters.delete(waiter);
            resolve();
          };
          waiters.add(waiter);
        });
      }
    },
  };
  return made;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-webhooks-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const isEnd =
  (callId: string) =>
  ({ json }: Message): boolean =>
    json.call_id === callId && json.type === 'call.status';

it('sends a call in order and signed; what a kill -9 left on the outbox comes after the restart', async () => {
  const dataDir = await newFolder();
  const sink = await receiver();
  const first = await start(dataDir);
  const { secret } = await first.client.request<{ secret: string }>('POST', '/v1/webhooks', {
    url: sink.url,
  });
  const busy = await first.client.placeCall({ to: '+15005550102' });
  await sink.got((messages) => messages.some(isEnd(busy.id)));
  expect(sink.messages.map(({ json }) => json.type)).toEqual([
    'call.queued',
    'call.initiated',
    'call.status',
  ]);
  expect(sink.messages.map(({ json }) => json.sequence)).toEqual([1, 2, 3]);
  const verifier = new Webhook(secret);
  for (const { body, headers } of sink.messages) verifier.verify(body, headers);
  const last = sink.messages.at(-1)?.json.data;
  expect(last).toMatchObject({ status: 'busy', call: { id: busy.id, status: 'busy' } });

  sink.status = 503;
  const missed = await first.client.placeCall({ to: '+15005550102' });
  expect(await finalCall(first, missed.id)).toMatchObject({ status: 'busy' });
  await first.kill();
  sink.status = 200;
  await start(dataDir);
  await sink.got((messages) => messages.some(isEnd(missed.id)));
  const sequences = sink.messages
    .filter(({ json }) => json.call_id === missed.id)
    .map(({ json }) => json.sequence);
  expect(sequences).toEqual([1, 2, 3]);
});

it('refuses an address of the inside that nobody has allowed', async () => {
  const program = await start(await newFolder());
  for (const url of ['http://169.254.169.254/', 'http://[::1]/', 'http://0x0a000001/']) {
    const body = JSON.stringify({ url });
    const answer = await program.fetch('POST', '/v1/webhooks', { body });
    expect(answer.status, url).toBe(400);
  }
});
