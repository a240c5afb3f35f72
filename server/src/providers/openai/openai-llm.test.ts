import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import type { LlmEvent, LlmRequest } from '../llm.ts';
import { ProviderError } from '../provider-error.ts';
import {
  finishChunk,
  startFakeOpenAiServer,
  textChunk,
  usageChunk,
  type FakeAnswer,
  type FakeOpenAiServer,
} from '../testing/fake-openai-server.ts';
import { createOpenAiLlm } from './openai-llm.ts';

const KEY = 'sk-a-secret';
const TIMEOUT_MS = 5_000;
const HELLO: FakeAnswer = {
  type: 'stream',
  chunks: [textChunk('Hello '), textChunk('there.'), finishChunk(), usageChunk(12, 3)],
  end: 'done',
};
const status = (code: number, body?: unknown): FakeAnswer => ({
  type: 'status',
  status: code,
  body,
});
const stream = (chunks: unknown[], end: 'done' | 'without-done' | 'cut' | 'hang'): FakeAnswer => ({
  type: 'stream',
  chunks,
  end,
});

let server: FakeOpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function setUp(...answers: FakeAnswer[]) {
  const started = await startFakeOpenAiServer(answers);
  server = started;
  const clock = new FakeClock();
  const llm = createOpenAiLlm({
    baseUrl: started.url,
    apiKey: KEY,
    model: 'test-model',
    clock,
    timeoutMs: TIMEOUT_MS,
  });
  return { server: started, clock, llm };
}

const request = (changes: Partial<LlmRequest> = {}): LlmRequest => ({
  messages: [
    { role: 'system', content: 'You are brief.' },
    { role: 'user', content: 'Hi.' },
  ],
  tools: [],
  temperature: 0.3,
  maxTokens: 50,
  signal: new AbortController().signal,
  ...changes,
});

/** Reads to the end; errors are values. */
function read(events: AsyncIterable<LlmEvent>) {
  const seen: LlmEvent[] = [];
  const outcome = (async () => {
    try {
      for await (const event of events) seen.push(event);
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  return { seen, outcome };
}

/** Lets the pause before the second try pass, once the first request has been answered. */
async function afterRetryPause(clock: FakeClock, server: FakeOpenAiServer): Promise<void> {
  const first = await server.nextRequest();
  await first.closed;
  while (clock.pendingCount === 0 || server.requestCount < 2) await clock.advance(250);
}

describe('createOpenAiLlm', () => {
  it('streams text as it comes, then usage', async () => {
    const { llm, server } = await setUp(HELLO);
    const { seen, outcome } = read(llm.stream(request()));
    expect(await outcome).toBeUndefined();
    expect(seen).toEqual([
      { type: 'text', delta: 'Hello ' },
      { type: 'text', delta: 'there.' },
      { type: 'done', usage: { inputTokens: 12, outputTokens: 3 } },
    ]);
    const received = await server.nextRequest();
    expect(received.path).toBe('/v1/chat/completions');
    expect(received.authorization).toBe(`Bearer ${KEY}`);
    expect(received.body).toMatchObject({
      model: 'test-model',
      stream: true,
      temperature: 0.3,
      max_tokens: 50,
    });
    expect(received.body).not.toHaveProperty('tools');
  });

  it('sends tools, tool calls and their results in the endpoint’s shape', async () => {
    const { llm, server } = await setUp(HELLO);
    const tool = { name: 'lookup', description: 'Finds.', parameters: { type: 'object' } };
    const { outcome } = read(
      llm.stream(
        request({
          tools: [tool],
          messages: [
            { role: 'user', content: 'Find it.' },
            {
              role: 'assistant',
              content: '',
              toolCalls: [{ id: 'call_1', name: 'lookup', argumentsJson: '{"a":1}' }],
            },
            { role: 'tool', toolCallId: 'call_1', content: 'found' },
          ],
        }),
      ),
    );
    expect(await outcome).toBeUndefined();
    const { body } = await server.nextRequest();
    expect(body['tools']).toEqual([{ type: 'function', function: tool }]);
    expect(body['messages']).toEqual([
      { role: 'user', content: 'Find it.' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '{"a":1}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'found' },
    ]);
  });

  it('puts tool calls together from fragments that are interleaved', async () => {
    const part = (index: number, rest: object) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index, ...rest }] }, finish_reason: null }],
    });
    const { llm } = await setUp(
      stream(
        [
          part(0, { id: 'call_a', function: { name: 'book', arguments: '' } }),
          part(0, { function: { arguments: '{"day":' } }),
          part(1, { function: { name: 'notify' } }),
          part(0, { function: { arguments: '"monday"}' } }),
          finishChunk('tool_calls'),
        ],
        'done',
      ),
    );
    const { seen, outcome } = read(llm.stream(request()));
    expect(await outcome).toBeUndefined();
    expect(seen).toEqual([
      {
        type: 'tool-call',
        call: { id: 'call_a', name: 'book', argumentsJson: '{"day":"monday"}' },
      },
      {
        type: 'tool-call',
        call: { id: expect.stringMatching(/^call_\w+$/), name: 'notify', argumentsJson: '{}' },
      },
      { type: 'done', usage: null },
    ]);
  });

  it.each([
    [401, false, 'key was refused'],
    [403, false, 'key was refused'],
    [404, false, 'no such model or endpoint (404): the model `x` does not exist'],
    [400, false, 'answered 400'],
  ])('does not repeat a request that was answered %i', async (code, retryable, message) => {
    const text = code === 404 ? 'the model `x` does not exist' : `your key ${KEY} is wrong`;
    const { llm, server } = await setUp(
      status(code, { error: { message: code === 400 ? 'bad' : text } }),
    );
    const error = await read(llm.stream(request())).outcome;
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ provider: 'openai', statusCode: code, retryable });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain(KEY);
    expect(server.requestCount).toBe(1);
  });

  it.each([429, 500, 503])('repeats a request once that was answered %i', async (code) => {
    const { llm, clock, server } = await setUp(status(code), HELLO);
    const { seen, outcome } = read(llm.stream(request()));
    await afterRetryPause(clock, server);
    expect(await outcome).toBeUndefined();
    expect(seen.map(({ type }) => type)).toEqual(['text', 'text', 'done']);
    expect(server.requestCount).toBe(2);
  });

  it('gives up after the second failure and says that it may pass', async () => {
    const { llm, clock, server } = await setUp(status(429));
    const { outcome } = read(llm.stream(request()));
    await afterRetryPause(clock, server);
    expect(await outcome).toMatchObject({ statusCode: 429, retryable: true });
    expect(server.requestCount).toBe(2);
  });

  it('gives up an endpoint whose first byte is late, and closes the connection', async () => {
    const { llm, clock, server } = await setUp({ type: 'silence' });
    const { outcome } = read(llm.stream(request()));
    const first = await server.nextRequest();
    await clock.advance(TIMEOUT_MS);
    await first.closed;
    while (clock.pendingCount === 0) await clock.advance(0);
    await clock.advance(250);
    const second = await server.nextRequest();
    await clock.advance(TIMEOUT_MS);
    await second.closed;
    const error = await outcome;
    expect(error).toMatchObject({ retryable: true, statusCode: 0 });
    expect((error as Error).message).toContain('kept silent for 5000 ms');
  });

  it('gives up a half-open stream without repeating what was said', async () => {
    const { llm, clock, server } = await setUp(stream([textChunk('Hello ')], 'hang'));
    const { seen, outcome } = read(llm.stream(request()));
    const received = await server.nextRequest();
    while (seen.length === 0) await clock.advance(0);
    await clock.advance(TIMEOUT_MS);
    await received.closed;
    expect(await outcome).toMatchObject({ retryable: true });
    expect(seen).toEqual([{ type: 'text', delta: 'Hello ' }]);
    expect(server.requestCount).toBe(1);
  });

  it.each<[string, FakeAnswer]>([
    ['a chunk that is no JSON', stream([textChunk('Hello '), '{"choices": oops'], 'done')],
    ['a chunk without choices', stream([textChunk('Hello '), { object: 'nonsense' }], 'done')],
    ['a stream that ends too early', stream([textChunk('Hello ')], 'without-done')],
    ['a connection that breaks', stream([textChunk('Hello ')], 'cut')],
    ['an error in the stream', stream([textChunk('Hello '), { error: { message: 'x' } }], 'done')],
  ])('reports %s', async (_what, answer) => {
    const { llm, server } = await setUp(answer);
    const { seen, outcome } = read(llm.stream(request()));
    const error = await outcome;
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ provider: 'openai', retryable: true });
    expect(seen).toEqual([{ type: 'text', delta: 'Hello ' }]);
    expect(server.requestCount).toBe(1);
  });

  it('never repeats a key that the endpoint quotes, before a stream or within', async () => {
    const quoted = `bad header "Authorization: Bearer ${KEY}", or ${KEY}, or Bearer other`;
    const body = { error: { message: quoted } };
    const { llm } = await setUp(
      status(400, body),
      status(404, body),
      stream([textChunk('Hm.'), { error: { message: quoted, code: KEY } }], 'done'),
    );
    for (let n = 0; n < 3; n++) {
      const error = await read(llm.stream(request())).outcome;
      expect(error).toBeInstanceOf(ProviderError);
      expect((error as ProviderError).message).toContain('bad header');
      const everything = inspect(error, { depth: 9, showHidden: true });
      expect(everything).not.toContain(KEY);
      expect(everything).not.toContain('other');
    }
  });

  it('reports an endpoint that is not there', async () => {
    const { llm, clock, server } = await setUp(HELLO);
    await server.close();
    const { outcome } = read(llm.stream(request()));
    const errors: unknown[] = [];
    const settled = outcome.then((error) => errors.push(error));
    while (errors.length === 0) await clock.advance(250);
    await settled;
    expect(errors).toMatchObject([{ retryable: true, statusCode: 0 }]);
  });

  it('stops the request when aborted in the middle of an answer', async () => {
    const { llm, clock, server } = await setUp(stream([textChunk('Hello ')], 'hang'));
    const controller = new AbortController();
    const { seen, outcome } = read(llm.stream(request({ signal: controller.signal })));
    const received = await server.nextRequest();
    while (seen.length === 0) await clock.advance(0);
    const reason = new Error('the caller went on');
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    await received.closed;
    expect(server.requestCount).toBe(1);
    expect(clock.pendingCount).toBe(0);
  });

  it('stops the request when its reader leaves', async () => {
    const { llm, server } = await setUp(stream([textChunk('Hello ')], 'hang'));
    for await (const event of llm.stream(request())) {
      expect(event).toEqual({ type: 'text', delta: 'Hello ' });
      break;
    }
    await (
      await server.nextRequest()
    ).closed;
  });

  it('asks nothing when it is aborted beforehand', async () => {
    const { llm, server } = await setUp(HELLO);
    const reason = new Error('too late');
    const { outcome } = read(llm.stream(request({ signal: AbortSignal.abort(reason) })));
    expect(await outcome).toBe(reason);
    expect(server.requestCount).toBe(0);
  });
});
