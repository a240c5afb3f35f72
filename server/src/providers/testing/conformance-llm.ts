import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import type { LlmEvent, LlmMessage, LlmProvider, LlmRequest } from '../llm.ts';
import type { HttpAccess } from '../net/http-request.ts';
import { failureOf, never, QUOTING_BODY, SECRET_KEY, STATUSES } from './conformance.ts';
import { startFakeHttpVendor, type FakeHttpVendor } from './fake-http-vendor.ts';
import { answerAsModel, talkOf, type LlmDialect, type ModelAnswer } from './fake-llm-vendors.ts';

type Create = (options: HttpAccess & { baseUrl: string; model: string }) => LlmProvider;

const PATIENT_MS = 5_000;
const IMPATIENT_MS = 150;
const CALL = { id: 'call_7', name: 'book', args: { day: 'monday', seats: 2 } };
const TOOL = {
  name: 'book',
  description: 'Books a table.',
  parameters: { type: 'object', properties: { day: { type: 'string' } } },
};

/** What every language model of the network does. */
export function describeLlm(name: string, dialect: LlmDialect, create: Create): void {
  describe(`the language model of ${name}`, () => {
    let vendor: FakeHttpVendor | undefined;
    let answer: ModelAnswer = { text: ['Hello ', 'there.'] };
    afterEach(async () => {
      answer = { text: ['Hello ', 'there.'] };
      await vendor?.close();
    });

    async function setUp(
      timeoutMs = PATIENT_MS,
    ): Promise<{ llm: LlmProvider; at: FakeHttpVendor }> {
      vendor = await startFakeHttpVendor((request) => answerAsModel(dialect, request, answer));
      const { url: baseUrl } = vendor;
      const options = { apiKey: SECRET_KEY, clock: systemClock, timeoutMs, baseUrl, model: 'm-1' };
      return { llm: create(options), at: vendor };
    }

    const request = (changes: Partial<LlmRequest> = {}): LlmRequest => ({
      messages: [
        { role: 'system', content: 'You are brief.' },
        { role: 'user', content: 'Hi.' },
      ],
      tools: [],
      temperature: 0.3,
      maxTokens: 50,
      signal: never(),
      ...changes,
    });

    async function read(llm: LlmProvider, changes: Partial<LlmRequest> = {}): Promise<LlmEvent[]> {
      const events: LlmEvent[] = [];
      for await (const event of llm.stream(request(changes))) events.push(event);
      return events;
    }

    it('streams text as it comes, then usage', async () => {
      const { llm, at } = await setUp();
      expect(llm.name).toBe(name);
      expect(await read(llm)).toEqual([
        { type: 'text', delta: 'Hello ' },
        { type: 'text', delta: 'there.' },
        { type: 'done', usage: { inputTokens: 12, outputTokens: 3 } },
      ]);
      expect(at.requests[0]?.body.toString('utf8')).toContain('You are brief.');
    });

    it('gives tool calls whole, and takes them back with their results', async () => {
      const { llm, at } = await setUp();
      answer = { text: ['One moment.'], calls: [CALL] };
      const events = await read(llm, { tools: [TOOL] });
      const call = events.find((event) => event.type === 'tool-call')?.call;
      expect(call).toMatchObject({ id: 'call_7', name: 'book' });
      expect(JSON.parse(call?.argumentsJson ?? '')).toEqual(CALL.args);
      const talk: LlmMessage[] = [
        { role: 'system', content: 'You are brief.' },
        { role: 'assistant', content: 'Good morning.' },
        { role: 'user', content: 'A table, please.' },
        { role: 'assistant', content: 'One moment.', toolCalls: call ? [call] : [] },
        { role: 'tool', toolCallId: 'call_7', content: 'booked for monday' },
      ];
      answer = { text: ['Done.'] };
      const after = await read(llm, { tools: [TOOL], messages: talk });
      expect(after[0]).toEqual({ type: 'text', delta: 'Done.' });
      const sent = at.requests[1]?.body.toString('utf8') ?? '';
      for (const part of ['Good morning.', 'A table, please.', 'book', 'booked for monday']) {
        expect(sent).toContain(part);
      }
    });

    it('takes an answer that is nothing but the end', async () => {
      const { llm } = await setUp();
      answer = { text: [] };
      const events = await read(llm);
      expect(events.filter(({ type }) => type !== 'done')).toEqual([]);
      expect(events.at(-1)).toMatchObject({ type: 'done' });
    });

    it('takes a long talk and a long answer', async () => {
      const { llm, at } = await setUp();
      answer = { text: Array.from({ length: 2_000 }, (_, n) => `word${n} `) };
      const messages: LlmMessage[] = Array.from({ length: 200 }, (_, n) => ({
        role: n % 2 === 0 ? 'user' : 'assistant',
        content: `turn ${n} ${'x'.repeat(500)}`,
      }));
      messages.push({ role: 'user', content: 'Well?' });
      const events = await read(llm, { messages });
      expect(events.filter(({ type }) => type === 'text')).toHaveLength(2_000);
      const [asked] = at.requests;
      expect(asked && talkOf(dialect, asked).at(-1)?.text).toContain('Well?');
    });

    it('stops the request when it is aborted, and throws the reason', async () => {
      const { llm, at } = await setUp();
      at.behaviours.set({ type: 'hangs-in-the-middle' });
      const abort = new AbortController();
      const reason = new Error('the caller spoke');
      const events = llm.stream(request({ signal: abort.signal }))[Symbol.asyncIterator]();
      const next = events.next();
      await expect.poll(() => at.requests.length).toBe(1);
      abort.abort(reason);
      const rest = (async () => {
        await next;
        await events.next();
      })();
      await expect(rest).rejects.toBe(reason);
      await expect.poll(() => at.abortedCount).toBe(1);
    });

    it('gives up a vendor that hangs, after a second try', async () => {
      const { llm, at } = await setUp(IMPATIENT_MS);
      at.behaviours.set({ type: 'hangs' });
      const error = await failureOf(read(llm));
      expect(error).toMatchObject({ provider: name, kind: 'timeout', retryable: true });
      expect(at.requests).toHaveLength(2);
      await expect.poll(() => at.abortedCount).toBe(2);
    });

    it('gives up a stream that hangs, without repeating what was said', async () => {
      const { llm, at } = await setUp(IMPATIENT_MS);
      answer = { text: ['Hello ', 'there.'] };
      at.behaviours.set({ type: 'hangs-in-the-middle' });
      expect(await failureOf(read(llm))).toMatchObject({ kind: 'timeout' });
      // Where the first event has no text in it, nothing was said: it may be asked again.
      expect(at.requests.length).toBeLessThanOrEqual(2);
    });

    it.each(STATUSES)('says what a %i means, without the key', async (status, kind, retryable) => {
      const { llm, at } = await setUp();
      at.behaviours.set({ type: 'status', status, body: QUOTING_BODY });
      const error = await failureOf(read(llm));
      expect(error).toMatchObject({ provider: name, statusCode: status, kind, retryable });
      expect(at.requests).toHaveLength(retryable ? 2 : 1);
    });

    it('is asked once more when a first failure may pass', async () => {
      const { llm, at } = await setUp();
      at.behaviours.set({ type: 'status', status: 503 }, { type: 'works' });
      expect((await read(llm)).at(-1)).toMatchObject({ type: 'done' });
      expect(at.requests).toHaveLength(2);
    });

    it.each([['dies-at-once'] as const, ['dies-in-the-middle'] as const])(
      'says so when the vendor %s',
      async (type) => {
        const { llm, at } = await setUp();
        at.behaviours.set({ type });
        const error = await failureOf(read(llm));
        expect(error).toMatchObject({ provider: name, retryable: true });
        expect(['network', 'server']).toContain(error.kind);
      },
    );

    it('holds several talks at once', async () => {
      const { llm } = await setUp();
      const all = await Promise.all([read(llm), read(llm), read(llm)]);
      expect(all.map((events) => events.length)).toEqual([3, 3, 3]);
    });
  });
}
