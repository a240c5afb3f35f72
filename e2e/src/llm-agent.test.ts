import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  finishChunk,
  startFakeOpenAiServer,
  textChunk,
  type FakeAnswer,
  type FakeOpenAiServer,
  type FakeRequest,
} from '../../server/src/providers/testing/fake-openai-server.ts';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

interface ChatMessage {
  role: string;
  content: string;
}

let program: Program;
let endpoint: FakeOpenAiServer;
const requests: FakeRequest[] = [];

beforeAll(async () => {
  endpoint = await startFakeOpenAiServer(answerOf);
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
  await endpoint.close();
});

/** A model that asks one thing more, then says goodbye and hangs up. */
function answerOf(request: FakeRequest): FakeAnswer {
  requests.push(request);
  const asked = messagesOf(request).some(
    ({ role, content }) => role === 'assistant' && /anything else/i.test(content),
  );
  if (!asked) {
    const text = ['Wonderful, ', 'I have noted that. ', 'Is there anything else?'];
    return { type: 'stream', chunks: [...text.map(textChunk), finishChunk()], end: 'done' };
  }
  const call = {
    index: 0,
    id: 'call_1',
    type: 'function',
    function: { name: 'end_call', arguments: '{"reason":"agent-goodbye"}' },
  };
  const toolChunk = { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] };
  const chunks = [textChunk('Thank you. Have a lovely day.'), toolChunk, finishChunk('tool_calls')];
  return { type: 'stream', chunks, end: 'done' };
}

function messagesOf(request: FakeRequest): ChatMessage[] {
  return request.body['messages'] as ChatMessage[];
}

it.concurrent(
  'an agent with a language model greets, answers what it heard and hangs up by its tool',
  async () => {
    const agent = await program.client.request<{ id: string }>('POST', '/v1/agents', {
      name: 'Front desk',
      type: 'llm',
      greeting: 'Hello, this is the front desk of {hotel}. Can you confirm your appointment?',
      prompt: 'You work at the front desk of {hotel}.',
      variables: { hotel: 'Hotel Aurora' },
      llm: { model: 'small-model', base_url: endpoint.url },
    });
    const call = await callAndWait(program, { to: '+15005550101', agent_id: agent.id });
    expect(call, call.transcript ?? '').toMatchObject({
      status: 'completed',
      end_reason: 'agent-goodbye',
      ended_by: 'agent',
      agent_id: agent.id,
      outcome: { outcome: 'ended-by-agent', tools: ['end_call'] },
    });
    const said = (speaker: string): string[] =>
      call.turns.filter((turn) => turn.speaker === speaker).map((turn) => turn.text);
    expect(said('agent')[0]).toMatch(/hotel aurora/i);
    expect(said('agent').join(' ')).toMatch(/anything else/i);
    expect(said('agent').at(-1)).toMatch(/lovely day/i);
    expect(said('caller').join(' ')).toMatch(/\w/);
    const first = requests[0];
    expect(first?.path).toBe('/v1/chat/completions');
    expect(first?.body).toMatchObject({ model: 'small-model', stream: true });
    const firstMessages = first ? messagesOf(first) : [];
    expect(firstMessages[0]).toMatchObject({ role: 'system' });
    expect(firstMessages[0]?.content).toMatch(/Hotel Aurora/);
    expect(firstMessages.at(-1)).toMatchObject({ role: 'user' });
    // What was heard, whatever was made of it.
    expect(firstMessages.at(-1)?.content).toMatch(/\w/);
    const answered = call.turns.filter((turn) => turn.latency !== null);
    expect(answered.length).toBeGreaterThanOrEqual(2);
  },
);

it.concurrent('a model that always fails ends the call with a word to the caller', async () => {
  const failing = await startFakeOpenAiServer([{ type: 'status', status: 500 }]);
  try {
    const agent = await program.client.request<{ id: string }>('POST', '/v1/agents', {
      name: 'Broken',
      type: 'llm',
      greeting: 'Hello. Can you confirm your appointment?',
      llm: { model: 'small-model', base_url: failing.url },
    });
    const call = await callAndWait(program, { to: '+15005550101', agent_id: agent.id });
    expect(call).toMatchObject({ status: 'completed', sip: { code: 200 } });
    expect(call.transcript).toMatch(/problem/i);
    expect(call.end_reason, call.transcript ?? '').toBe('provider-error');
  } finally {
    await failing.close();
  }
});
