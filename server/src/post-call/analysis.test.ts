import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../db/queries/agents.ts';
import {
  finishChunk,
  startFakeOpenAiServer,
  textChunk,
  usageChunk,
  type FakeAnswer,
} from '../providers/testing/fake-openai-server.ts';
import { systemClock as clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { CallCost } from '../wallet/price-call.ts';
import { runPostCall } from './run-post-call.ts';
import {
  openCallLab,
  postCallContext,
  storeOverCall,
  type CallLab,
} from './testing/post-call-lab.ts';

let lab: CallLab;
let folder: string;

beforeAll(async () => {
  lab = await openCallLab();
  folder = await mkdtemp(path.join(tmpdir(), 'trunkline-analysis-'));
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

const says = (text: string): FakeAnswer => ({
  type: 'stream',
  chunks: [textChunk(text), finishChunk(), usageChunk(200, 20)],
  end: 'done',
});
const GOOD = '```json\n{"summary": "Maria confirms.", "data": {"confirmed": true}}\n```';

const EXTRACTION = {
  schema: {
    type: 'object',
    properties: { confirmed: { type: 'boolean', description: 'Is the appointment confirmed' } },
    required: ['confirmed'],
  },
  instructions: 'Be strict.',
};

/** Finishes a call of an agent whose model answers so; the call, and what the model was asked. */
async function finish(
  answers: readonly FakeAnswer[],
  analysis: Record<string, unknown> = {},
): Promise<{ call: CallRow; prompts: unknown[][] }> {
  const prompts: unknown[][] = [];
  let position = 0;
  const server = await startFakeOpenAiServer(({ body }) => {
    prompts.push(body['messages'] as unknown[]);
    return answers[Math.min(position++, answers.length - 1)] ?? { type: 'silence' };
  });
  try {
    const { id: agentId } = await agents.insert(lab.db.pool, {
      id: newId('agent', clock.now()),
      workspaceId: lab.workspaceId,
      config: {
        name: 'x',
        type: 'llm',
        llm: { base_url: server.url, model: 'm1' },
        analysis: { extraction: EXTRACTION, ...analysis },
      },
    });
    const callId = await storeOverCall(lab, { status: 'call-disconnected', agentId });
    await runPostCall(postCallContext(lab, folder), callId);
    return { call: await lab.call(callId), prompts };
  } finally {
    await server.close();
  }
}

describe('the analysis by a language model', () => {
  it('gives a summary and data that fulfil the schema, from the transcript', async () => {
    const { call, prompts } = await finish([says(GOOD)]);
    expect(call).toMatchObject({
      status: 'completed',
      summary: 'Maria confirms.',
      extractedData: { confirmed: true },
      analysis: { by: 'llm', model: 'm1', attempts: 1, valid: true, input_tokens: 200 },
    });
    const asked = JSON.stringify(prompts[0]);
    expect(asked).toContain('caller: Yes, that is right.');
    expect(asked).toContain('Be strict.');
  });

  it('is asked again with what the schema has against its answer', async () => {
    const { call, prompts } = await finish([
      says('Sure! They said yes.'),
      says('{"summary": "x", "data": {"confirmed": "yes"}}'),
      says(GOOD),
    ]);
    expect(call).toMatchObject({
      extractedData: { confirmed: true },
      analysis: { by: 'llm', attempts: 3, output_tokens: 60 },
    });
    expect(JSON.stringify(prompts[1]?.at(-1))).toContain('not one JSON object');
    expect(JSON.stringify(prompts[2]?.at(-1))).toContain('/data/confirmed must be boolean');
  });

  it.each<[string, FakeAnswer[], Record<string, unknown>, RegExp]>([
    ['never fits the schema', [says('{"data": {}}')], {}, /did not fit the schema in 3 attempts/],
    ['fails', [{ type: 'status', status: 401 }], {}, /401/],
    ['keeps silent', [{ type: 'silence' }], { timeout_ms: 1_000 }, /1000 ms/],
  ])(
    'leaves it to rules, and says so, when the model %s',
    async (_name, answers, analysis, why) => {
      const { call } = await finish(answers, analysis);
      expect(call).toMatchObject({
        status: 'completed',
        extractedData: { confirmed: true },
        analysis: { by: 'rules', llm_error: expect.stringMatching(why) as string },
      });
      expect(call.summary).toContain('"Yes, that is right."');
    },
  );

  it('is charged as tokens of the model, answers that could not be used included', async () => {
    await lab.db.pool.query(
      `insert into rates (kind, provider, unit, micros_per_unit)
       values ('model', 'openai', 'input_token', 2), ('model', 'openai', 'output_token', 5)`,
    );
    const used = await finish([says('Sure!'), says(GOOD)]);
    const modelOf = ({ call }: { call: CallRow }) =>
      (call.cost as CallCost).lines.find(({ kind }) => kind === 'model');
    expect(modelOf(used)).toMatchObject({ provider: 'openai', micros: 2 * (400 + 100) });
    const unfit = await finish([says('{"data": {}}')]);
    expect(unfit.call.analysis).toMatchObject({ by: 'rules', input_tokens: 600 });
    expect(modelOf(unfit)?.micros).toBe(3 * (400 + 100));
    const { rows } = await lab.db.pool.query<{ micros: string }>(
      `select sum(amount_micros) as micros from ledger_entries where account = 'revenue'`,
    );
    expect(Number(rows[0]?.micros)).toBe(5 * (400 + 100));
    await lab.db.pool.query(`delete from rates where kind = 'model'`);
  });

  it('is not asked where the agent goes by rules, or wants nothing', async () => {
    const byRules = await finish([says(GOOD)], { by: 'rules' });
    expect(byRules.prompts).toEqual([]);
    expect(byRules.call.analysis).toMatchObject({ by: 'rules', llm_error: null });
    const nothing = await finish([says(GOOD)], { summary: false, extraction: null });
    expect(nothing.prompts).toEqual([]);
    expect(nothing.call).toMatchObject({ summary: null, extractedData: null, analysis: null });
  });
});
