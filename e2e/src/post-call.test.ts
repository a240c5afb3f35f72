import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventOf, finalCall, startProgram, type Program } from './harness/program.ts';

let folder: string;
let model: Server;
let modelUrl: string;
/** Answers the model; null: it keeps silent. */
let answer: ((response: ServerResponse) => void) | null;
let asked: PromiseWithResolvers<void>;
const running: Program[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'trunkline-post-call-'));
  answer = null;
  asked = Promise.withResolvers();
  model = createServer((request, response) => {
    request.resume().on('end', () => {
      asked.resolve();
      answer?.(response);
    });
  });
  model.listen(0, '127.0.0.1');
  await once(model, 'listening');
  modelUrl = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.stop()));
  model.closeAllConnections();
  model.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<Program> {
  const program = await startProgram({ dataDir: folder });
  running.push(program);
  return program;
}

async function ask<Body>(program: Program, method: string, url: string, body?: unknown) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const { status, body: answered } = await program.fetch(method, url, init);
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(answered)}`);
  return answered as Body;
}

function sayJson(response: ServerResponse): void {
  const data = { summary: 'The person confirmed.', data: { confirmed: true } };
  const delta = { role: 'assistant', content: JSON.stringify(data) };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const choice of [
    { index: 0, delta, finish_reason: null },
    { index: 0, delta: {}, finish_reason: 'stop' },
  ]) {
    response.write(
      `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [choice] })}\n\n`,
    );
  }
  response.end('data: [DONE]\n\n');
}

describe('after a call', () => {
  it('nothing is shown before it is complete, kill -9 loses nothing, and it completes once', async () => {
    const first = await start();
    const demo = await ask<{ data: { id: string; name: string }[] }>(first, 'GET', '/v1/agents');
    const agentId = demo.data[0]?.id ?? '';
    await ask(first, 'PATCH', `/v1/agents/${agentId}`, {
      llm: { base_url: modelUrl, model: 'm' },
      analysis: {
        by: 'llm',
        timeout_ms: 120_000,
        extraction: {
          schema: {
            type: 'object',
            properties: { confirmed: { type: 'boolean' } },
            required: ['confirmed'],
          },
        },
      },
    });
    await ask(first, 'POST', '/v1/rates', {
      kind: 'platform',
      unit: 'minute',
      micros_per_unit: 60_000,
    });
    const { id } = await first.client.placeCall({ to: '+15005550101' });
    await eventOf(first, id, (type) => type === 'call.disconnected');
    await asked.promise;
    expect(await ask(first, 'GET', `/v1/calls/${id}`)).toMatchObject({
      status: 'call-disconnected',
      duration_ms: null,
      cost: null,
      recording_url: null,
      summary: null,
      extracted_data: null,
    });
    await first.kill();

    answer = sayJson;
    const second = await start();
    await finalCall(second, id);
    const call = await ask<Record<string, unknown>>(second, 'GET', `/v1/calls/${id}`);
    expect(call).toMatchObject({
      status: 'completed',
      summary: 'The person confirmed.',
      extracted_data: { confirmed: true },
      analysis: { by: 'llm', model: 'm', valid: true },
    });
    expect(call['duration_ms']).toBeGreaterThan(1_000);
    const { total_micros: cost } = call['cost'] as { total_micros: number };
    expect(await ask(second, 'GET', '/v1/wallet')).toMatchObject({ balance_micros: -cost });

    const statuses: unknown[] = [];
    for await (const event of second.client.callEvents(id)) {
      if (event.type === 'call.status') statuses.push(event.data['status']);
    }
    expect(statuses).toEqual(['completed']);

    const recording = await fetch(String(call['recording_url']));
    expect([recording.status, recording.headers.get('content-type')]).toEqual([200, 'audio/wav']);
    expect((await recording.arrayBuffer()).byteLength).toBeGreaterThan(100_000);
    await ask(second, 'DELETE', `/v1/calls/${id}/recording`);
    expect((await fetch(String(call['recording_url']))).status).toBe(404);
  });
});
