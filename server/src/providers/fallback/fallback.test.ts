import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { createFakeStt } from '../fake/fake-stt.ts';
import { createFakeTts } from '../fake/fake-tts.ts';
import { createFakeVad } from '../fake/fake-vad.ts';
import type { LlmEvent } from '../llm.ts';
import type { ProviderConfig } from '../provider-config.ts';
import { createProviders, type ProviderSet } from '../provider-set.ts';
import { never, SECRET_KEY } from '../testing/conformance.ts';
import { pushAll, SPEECH } from '../testing/conformance-stt.ts';
import type { FakeBehaviour } from '../testing/fake-behaviour.ts';
import { startFakeHttpVendor, type FakeHttpVendor } from '../testing/fake-http-vendor.ts';
import { answerAsModel, talkOf } from '../testing/fake-llm-vendors.ts';
import { startFakeSttVendor, type FakeSttVendor } from '../testing/fake-stt-vendor.ts';
import { answerAsVoice, fakeVoice, spokenText } from '../testing/fake-tts-vendors.ts';
import type { ProviderFailure } from './candidate-list.ts';
import { textAfter } from './fallback-tts.ts';

const TIMEOUT_MS = 300;
/** What a caller bears between a failure and the answer of the next. */
const HEARD_WITHIN_MS = 1_500;
const DEATHS: FakeBehaviour[] = [
  { type: 'dies-at-once' },
  { type: 'dies-in-the-middle' },
  { type: 'hangs' },
  { type: 'hangs-in-the-middle' },
  { type: 'babbles' },
  { type: 'status', status: 401 },
  { type: 'status', status: 429 },
  { type: 'status', status: 500 },
];

const clock = systemClock;
const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((vendor) => vendor.close()));
});

function keep<T extends { close: () => Promise<void> }>(vendor: T): T {
  open.push(vendor);
  return vendor;
}

function create(config: Partial<ProviderConfig>): {
  set: ProviderSet;
  failures: ProviderFailure[];
} {
  const failures: ProviderFailure[] = [];
  const set = createProviders({
    config: {
      type: 'llm',
      stt: { provider: 'fake' },
      tts: { provider: 'fake' },
      llm: { provider: 'fake', model: 'm' },
      ...config,
    },
    speech: {
      vad: createFakeVad(),
      stt: createFakeStt({ clock }),
      tts: createFakeTts({ clock }),
      close: () => undefined,
    },
    secrets: { DEEPGRAM_API_KEY: SECRET_KEY, ELEVENLABS_API_KEY: SECRET_KEY },
    defaults: { openaiBaseUrl: 'https://api.openai.com/v1', openaiApiKey: null },
    clock,
    onFailure: (failure) => failures.push(failure),
  });
  return { set, failures };
}

describe('a recogniser with another one in line', () => {
  async function setUp(): Promise<{
    first: FakeSttVendor;
    second: FakeSttVendor;
    set: ProviderSet;
    failures: ProviderFailure[];
  }> {
    const first = keep(await startFakeSttVendor('deepgram', { transcripts: ['From the first.'] }));
    const second = keep(await startFakeSttVendor('soniox', { transcripts: ['From the second.'] }));
    const stt = {
      provider: 'deepgram' as const,
      base_url: first.url,
      timeout_ms: TIMEOUT_MS,
      fallbacks: [{ provider: 'soniox' as const, base_url: second.url }],
    };
    return { first, second, ...create({ stt }) };
  }

  it.each(DEATHS)('is followed by it in the same turn: $type $status', async (behaviour) => {
    const { first, set, failures } = await setUp();
    first.behaviours.set(behaviour);
    const session = set.stt.open({ language: 'en' });
    session.begin();
    pushAll(session, SPEECH);
    const { text } = await session.transcribe({ expectDigits: false, signal: never() });
    const [failure] = failures;
    expect(text).toBe('From the second.');
    expect(failures).toHaveLength(1);
    expect(failure).toMatchObject({ part: 'stt', provider: 'deepgram', next: 'soniox' });
    expect(failure?.message).not.toContain(SECRET_KEY);
    // For the rest of the call nobody asks the dead one again.
    const asked = first.askedCount;
    session.begin();
    pushAll(session, SPEECH);
    await session.transcribe({ expectDigits: false, signal: never() });
    session.close();
    expect(first.askedCount).toBe(asked);
    expect(failures).toHaveLength(1);
  });
});

describe('a voice with another one in line', () => {
  async function setUp(): Promise<{
    first: FakeHttpVendor;
    second: FakeHttpVendor;
    set: ProviderSet;
    failures: ProviderFailure[];
  }> {
    const first = keep(await startFakeHttpVendor(answerAsVoice));
    const second = keep(await startFakeHttpVendor(answerAsVoice));
    const tts = {
      provider: 'elevenlabs' as const,
      voice: 'rachel',
      base_url: first.url,
      timeout_ms: TIMEOUT_MS,
      fallbacks: [{ provider: 'deepgram' as const, base_url: second.url }],
    };
    return { first, second, ...create({ tts }) };
  }

  it.each(DEATHS)('is followed by it in the same sentence: $type $status', async (behaviour) => {
    const { first, second, set, failures } = await setUp();
    first.behaviours.set(behaviour);
    const text = 'We have a table for two on Monday at seven.';
    const request = { text, voice: 'rachel', speed: 1, signal: never() };
    let sampleCount = 0;
    for await (const samples of set.tts.synthesize(request)) sampleCount += samples.length;
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ part: 'tts', provider: 'elevenlabs', next: 'deepgram' });
    const [asked] = second.requests;
    const said = asked && spokenText(asked);
    // Its own voice, and the words from where the first one fell silent.
    expect(said?.voice).toBe('aura-2-thalia-en');
    expect(text.endsWith(said?.text ?? '?')).toBe(true);
    expect(sampleCount).toBeGreaterThanOrEqual(fakeVoice(said?.text ?? '').length);
    const before = first.requests.length;
    for await (const samples of set.tts.synthesize(request)) sampleCount += samples.length;
    expect(first.requests).toHaveLength(before);
    expect(failures).toHaveLength(1);
  });

  it('is not followed by it when the caller interrupts', async () => {
    const { first, second, set, failures } = await setUp();
    first.behaviours.set({ type: 'hangs' });
    const abort = new AbortController();
    const request = { text: 'Hello.', voice: 'rachel', speed: 1, signal: abort.signal };
    const next = set.tts.synthesize(request)[Symbol.asyncIterator]().next();
    await expect.poll(() => first.requests.length).toBe(1);
    abort.abort(new Error('the caller spoke'));
    await expect(next).rejects.toThrow('the caller spoke');
    expect([failures.length, second.requests.length]).toEqual([0, 0]);
  });

  it('goes on after the words that were said, never in the middle of one', () => {
    expect(textAfter('one two three', 0)).toBe('one two three');
    expect(textAfter('one two three', 5)).toBe('two three');
    expect(textAfter('one two three', 9)).toBe('three');
    expect(textAfter('one two three', 13)).toBe('');
    expect(textAfter('extraordinarily', 4)).toBe('extraordinarily');
  });
});

describe('a language model with another one in line', () => {
  async function setUp(): Promise<{
    first: FakeHttpVendor;
    second: FakeHttpVendor;
    set: ProviderSet;
    failures: ProviderFailure[];
  }> {
    const first = keep(
      await startFakeHttpVendor((request) =>
        answerAsModel('openai', request, { text: ['We have a table', ' on Monday.'] }),
      ),
    );
    const second = keep(
      await startFakeHttpVendor((request) =>
        answerAsModel('anthropic', request, { text: ['for you, ', 'of course.'] }),
      ),
    );
    const llm = {
      provider: 'openai' as const,
      model: 'm',
      base_url: first.url,
      timeout_ms: TIMEOUT_MS,
      fallbacks: [{ provider: 'anthropic' as const, model: 'claude-m', base_url: second.url }],
    };
    return { first, second, ...create({ llm }) };
  }

  async function ask(set: ProviderSet, events: LlmEvent[]): Promise<void> {
    const stream = set.llm?.stream({
      messages: [{ role: 'user', content: 'A table?' }],
      tools: [],
      temperature: 0,
      maxTokens: 50,
      signal: never(),
    });
    for await (const event of stream ?? []) events.push(event);
  }

  it.each(DEATHS)('is followed by it in the same answer: $type $status', async (behaviour) => {
    const { first, second, set, failures } = await setUp();
    first.behaviours.set(behaviour);
    const events: LlmEvent[] = [];
    const startedAtMs = performance.now();
    await ask(set, events);
    expect(performance.now() - startedAtMs).toBeLessThan(TIMEOUT_MS + HEARD_WITHIN_MS);
    const text = events.map((event) => (event.type === 'text' ? event.delta : '')).join('');
    const isHalf = behaviour.type.endsWith('in-the-middle');
    expect(text).toBe(`${isHalf ? 'We have a table ' : ''}for you, of course.`);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ part: 'llm', provider: 'openai', next: 'anthropic' });
    const [asked] = second.requests;
    const talk = asked ? talkOf('anthropic', asked) : [];
    expect(talk.map(({ role }) => role)).toEqual(isHalf ? ['user', 'assistant', 'user'] : ['user']);
    if (isHalf) expect(talk[1]?.text).toBe('We have a table');
    const before = first.requests.length;
    await ask(set, events);
    expect(first.requests).toHaveLength(before);
    expect(failures).toHaveLength(1);
  });

  it('throws when the last one dies too, and asks it again the next time', async () => {
    const { first, second, set, failures } = await setUp();
    first.behaviours.set({ type: 'status', status: 401 });
    second.behaviours.set({ type: 'status', status: 400 }, { type: 'works' });
    await expect(ask(set, [])).rejects.toMatchObject({ provider: 'anthropic', statusCode: 400 });
    const events: LlmEvent[] = [];
    await ask(set, events);
    expect(events.at(-1)).toMatchObject({ type: 'done' });
    expect(failures).toHaveLength(1);
  });
});
