import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  startFakeHttpVendor,
  type FakeHttpVendor,
} from '../../server/src/providers/testing/fake-http-vendor.ts';
import { answerAsModel, talkOf } from '../../server/src/providers/testing/fake-llm-vendors.ts';
import {
  startFakeSttVendor,
  type FakeSttVendor,
} from '../../server/src/providers/testing/fake-stt-vendor.ts';
import { answerAsVoice, spokenText } from '../../server/src/providers/testing/fake-tts-vendors.ts';
import type { CallEvent } from '@trunkline/sdk';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

const KEYS = {
  DEEPGRAM_API_KEY: 'dg-key-of-the-agent',
  ELEVENLABS_API_KEY: 'el-key-of-the-agent',
  ANTHROPIC_API_KEY: 'an-key-of-the-agent',
};

let program: Program;
let stt: FakeSttVendor;
let tts: FakeHttpVendor;
let claude: FakeHttpVendor;
let gemini: FakeHttpVendor;

beforeAll(async () => {
  stt = await startFakeSttVendor('deepgram', {
    transcripts: ['Yes, that works for me.', 'No, that is all. Thank you.'],
  });
  tts = await startFakeHttpVendor(answerAsVoice);
  // It answers once; whoever has heard that answer finds the model gone.
  claude = await startFakeHttpVendor((request) => {
    const isOver = talkOf('anthropic', request).some(({ text }) => text.includes('anything else'));
    const text = ['Wonderful. ', 'Is there anything else?'];
    return isOver ? null : answerAsModel('anthropic', request, { text });
  });
  gemini = await startFakeHttpVendor((request) =>
    answerAsModel('google', request, {
      text: ['Thank you. Have a lovely day.'],
      calls: [{ id: 'call_1', name: 'end_call', args: { reason: 'agent-goodbye' } }],
    }),
  );
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await Promise.all([stt, tts, claude, gemini].map((vendor) => vendor.close()));
});

it('an agent of three vendors talks, and another model answers in the turn in which the first dies', async () => {
  const agent = await program.client.request<{ id: string; secrets: string[] }>(
    'POST',
    '/v1/agents',
    {
      name: 'Three vendors',
      type: 'llm',
      greeting: 'Hello. Can you confirm your appointment?',
      prompt: 'You work at the front desk.',
      analysis: { by: 'rules' },
      stt: { provider: 'deepgram', base_url: stt.url },
      tts: { provider: 'elevenlabs', voice: 'rachel', base_url: tts.url },
      llm: {
        provider: 'anthropic',
        model: 'claude-haiku-4-5',
        base_url: claude.url,
        fallbacks: [{ provider: 'google', model: 'gemini-2.5-flash', base_url: gemini.url }],
      },
      secrets: KEYS,
    },
  );
  expect(agent.secrets.toSorted()).toEqual(Object.keys(KEYS).toSorted());
  const call = await callAndWait(program, { to: '+15005550101', agent_id: agent.id });
  expect(call, call.transcript ?? '').toMatchObject({
    status: 'completed',
    end_reason: 'agent-goodbye',
    ended_by: 'agent',
  });
  const said = (speaker: string): string =>
    call.turns
      .filter((turn) => turn.speaker === speaker)
      .map((turn) => turn.text)
      .join(' ');
  expect(said('caller')).toContain('Yes, that works for me.');
  expect(said('agent')).toMatch(/anything else\?.*lovely day/is);
  expect(stt.connections[0]?.headers.authorization).toBe(`Token ${KEYS.DEEPGRAM_API_KEY}`);
  expect(stt.connections[0]?.audioBytes).toBeGreaterThan(4_000);
  expect(tts.requests.map((request) => spokenText(request)?.voice)).toContain('rachel');
  expect(claude.requests[0]?.headers['x-api-key']).toBe(KEYS.ANTHROPIC_API_KEY);
  const [asked] = gemini.requests;
  expect(asked && talkOf('google', asked).map(({ text }) => text)).toContain(
    'Yes, that works for me.',
  );
  const events: CallEvent[] = [];
  for await (const event of program.client.callEvents(call.id)) events.push(event);
  const warnings = events.filter((event) => event.type === 'call.warning');
  expect(warnings.map(({ data }) => [data['code'], data['message']])).toEqual([
    [
      'provider-failed',
      'llm anthropic: no such model, voice or endpoint (404): scripted failure; google answers for the rest of the call',
    ],
  ]);
  expect(JSON.stringify(events)).not.toMatch(/key-of-the-agent/);
});

it('an agent without the key of its provider is refused when it should call', async () => {
  const agent = await program.client.request<{ id: string }>('POST', '/v1/agents', {
    name: 'No key',
    type: 'llm',
    greeting: 'Hello.',
    stt: { provider: 'soniox' },
  });
  const refused = program.client.request('POST', '/v1/calls', {
    to: '+15005550101',
    agent_id: agent.id,
  });
  await expect(refused).rejects.toThrow(/agent needs a Soniox key: set SONIOX_API_KEY/);
});
