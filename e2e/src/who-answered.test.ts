import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Call } from '@trunkline/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStereoWav } from './harness/audio.ts';
import { shareOf, startJudge, type Judge } from './harness/judge.ts';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

/** What a call shows of who answered. */
interface Answered extends Call {
  answering: {
    reason: string;
    action: string;
    decided_ms: number;
    evidence: { text: string | null; words: string | null; tones: unknown[] };
    message: { started_ms: number; beep_ended_ms: number; after: string; complete: boolean } | null;
    keys: { keys: string; by: string }[];
    screening_answered_ms: number | null;
    person_ms: number | null;
  };
  turn_latency: { turns: number; p50_ms: number; p95_ms: number } | null;
}

const AUDIBLE = 300;

let program: Program;
let judge: Judge;
beforeAll(async () => {
  program = await startProgram();
  judge = await startJudge();
});
afterAll(async () => {
  await judge.close();
  await program.stop();
});

async function call(to: string, agentId?: string): Promise<Answered> {
  const body = { to, ...(agentId !== undefined && { agent_id: agentId }) };
  return (await callAndWait(program, body)) as Answered;
}

async function agentWith(answering: Record<string, unknown>): Promise<string> {
  const { body, status } = await program.fetch('POST', '/v1/agents', {
    body: JSON.stringify({
      name: 'Caller',
      greeting: 'Hello, this is the library, calling about the book that you ordered last week.',
      script: {
        start: 'ask',
        fallback: 'end',
        states: {
          ask: { say: 'Would you like to keep it?', expects: { yes: 'end', no: 'end' } },
          end: { say: 'Thank you. Goodbye.', end: { reason: 'agent-goodbye' } },
        },
      },
      answering,
    }),
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return (body as { id: string }).id;
}

const saidBy = (call: Call, who: 'agent' | 'caller'): string =>
  call.turns.flatMap(({ speaker, text }) => (speaker === who ? [text] : [])).join(' ');

describe('who answers', () => {
  it('+15005550104: a mailbox gets the whole message right behind its beep', async () => {
    const found = await call('+15005550104');
    expect(found).toMatchObject({
      status: 'completed',
      end_reason: 'voicemail',
      ended_by: 'agent',
      answered_by: 'voicemail',
      answering: { action: 'leave-message', message: { after: 'beep', complete: true } },
    });
    const { message, evidence } = found.answering;
    expect(evidence.text).not.toBeNull();
    const delayMs = (message?.started_ms ?? 0) - (message?.beep_ended_ms ?? 0);
    expect(delayMs).toBeGreaterThan(0);
    expect(delayMs).toBeLessThanOrEqual(600);

    const folder = path.join(program.dataDir, 'voicemail');
    const [file = ''] = await readdir(folder);
    const { left } = readStereoWav(await readFile(path.join(folder, file)));
    const firstMs = left.findIndex((sample) => Math.abs(sample) > AUDIBLE) / 8;
    expect(firstMs).toBeGreaterThan(0);
    expect(firstMs).toBeLessThanOrEqual(900);
    const heard = (await judge.transcribe(left)).join(' ');
    const leftThere = found.turns.at(-1)?.text ?? '';
    expect(leftThere).toMatch(/^Hello\. This is a message .* Goodbye\.$/);
    expect(shareOf(leftThere, heard), heard).toBeGreaterThan(0.7);
    expect(heard).toMatch(/message/i);
    expect(heard).toMatch(/bye/i);
  });

  it('+15005550104: is hung up on where the agent says so, and nothing is said to it', async () => {
    const found = await call('+15005550104', await agentWith({ voicemail: 'hang-up' }));
    expect(found).toMatchObject({ end_reason: 'voicemail', answered_by: 'voicemail' });
    expect(found.answering).toMatchObject({ action: 'hang-up', message: null });
    expect(saidBy(found, 'agent')).not.toMatch(/keep it/);
  });

  it('+15005550108: a menu is answered by a key, and the person behind it is talked with', async () => {
    const found = await call('+15005550108');
    expect(found).toMatchObject({
      answered_by: 'ivr',
      outcome: { outcome: 'confirmed' },
      answering: { action: 'navigate', keys: [{ keys: '1', by: 'rule' }] },
    });
    expect(found.answering.keys).toHaveLength(1);
    expect(found.answering.person_ms).not.toBeNull();
    expect(saidBy(found, 'caller')).not.toBe('');
  });

  it('+15005550109: call screening is told who is calling, and the person comes', async () => {
    const found = await call('+15005550109');
    expect(found).toMatchObject({
      answered_by: 'call-screening',
      outcome: { outcome: 'confirmed' },
      answering: { action: 'answer' },
    });
    const { screening_answered_ms: answered, person_ms: person } = found.answering;
    expect(answered).not.toBeNull();
    expect(person).toBeGreaterThan(answered ?? Infinity);
  });

  it('+15005550101: a person is one, the greeting was not held back, and turns say how fast they were', async () => {
    const found = await call('+15005550101');
    expect(found).toMatchObject({
      answered_by: 'human',
      answering: { reason: 'short-greeting', action: 'none' },
    });
    const { answered_at: answered, first_agent_audio_at: audio } = found.timestamps;
    expect(Date.parse(audio ?? '') - Date.parse(answered ?? '')).toBeLessThanOrEqual(3_000);
    const latency = found.turn_latency;
    expect(latency?.turns).toBeGreaterThanOrEqual(2);
    expect(latency?.p95_ms).toBeGreaterThanOrEqual(latency?.p50_ms ?? Infinity);
    const answer = found.turns.find(({ latency: measured }) => measured !== null) as unknown as {
      evidence: Record<string, number>;
    };
    const { speech_ended_ms, endpoint_ms, first_audio_ms } = answer.evidence;
    expect(endpoint_ms).toBeGreaterThan(speech_ended_ms ?? Infinity);
    expect(first_audio_ms).toBeGreaterThanOrEqual(endpoint_ms ?? Infinity);
    const { body } = await program.fetch('GET', '/v1/calls?answered_by=human');
    expect((body as { data: { id: string }[] }).data.map(({ id }) => id)).toContain(found.id);
  });

  it('an agent that cannot do what it is told to is refused', async () => {
    const { status, body } = await program.fetch('POST', '/v1/agents', {
      body: JSON.stringify({ name: 'x', type: 'llm', answering: { voicemail: 'leave-message' } }),
    });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('answering.message');
  });
});
