import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { LocalSpeech } from './local/local-speech.ts';
import { createFakeVad } from './fake/fake-vad.ts';
import { createFakeStt } from './fake/fake-stt.ts';
import { createFakeTts } from './fake/fake-tts.ts';
import type { ProviderConfig } from './provider-config.ts';
import { createProviders, type ProviderSet } from './provider-set.ts';
import {
  finishChunk,
  startFakeOpenAiServer,
  type FakeOpenAiServer,
} from './testing/fake-openai-server.ts';

const clock = new FakeClock();
const SPEECH: LocalSpeech = {
  vad: createFakeVad(),
  stt: createFakeStt({ clock }),
  tts: createFakeTts({ clock }),
  close: () => undefined,
};
const FAKE: ProviderConfig = {
  type: 'llm',
  stt: { provider: 'fake' },
  tts: { provider: 'fake' },
  llm: { provider: 'fake', model: 'any' },
};
const OPENAI_URL = 'https://api.openai.com/v1';

function create(
  config: Partial<ProviderConfig>,
  more: {
    speech?: LocalSpeech | null;
    secrets?: Record<string, string>;
    openaiBaseUrl?: string;
    openaiApiKey?: string;
  } = {},
): ProviderSet {
  return createProviders({
    config: { ...FAKE, ...config },
    speech: more.speech ?? null,
    secrets: more.secrets ?? {},
    defaults: {
      openaiBaseUrl: more.openaiBaseUrl ?? OPENAI_URL,
      openaiApiKey: more.openaiApiKey ?? null,
    },
    clock,
  });
}

let server: FakeOpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** The key that the set's language model sends. */
async function keySent(set: ProviderSet, at: FakeOpenAiServer): Promise<string | undefined> {
  const events = set.llm?.stream({
    messages: [{ role: 'user', content: 'Hi.' }],
    tools: [],
    temperature: 0,
    maxTokens: 5,
    signal: new AbortController().signal,
  });
  for await (const event of events ?? []) expect(event.type).toBe('done');
  return (await at.nextRequest()).authorization;
}

const startServer = async (): Promise<FakeOpenAiServer> => {
  server = await startFakeOpenAiServer([{ type: 'stream', chunks: [finishChunk()], end: 'done' }]);
  return server;
};

describe('createProviders', () => {
  it('gives fakes without embedded speech', () => {
    const set = create({});
    expect([set.stt.name, set.tts.name, set.llm?.name]).toEqual([
      'fake-stt',
      'fake-tts',
      'fake-llm',
    ]);
    expect(set.vad.frameMs).toBe(32);
  });

  it('listens with the embedded model where there is one', () => {
    const set = create(
      { stt: { provider: 'local' }, tts: { provider: 'local' } },
      { speech: SPEECH },
    );
    expect(set).toMatchObject({ vad: SPEECH.vad, stt: SPEECH.stt, tts: SPEECH.tts });
  });

  it('says so when an agent needs embedded speech that is switched off', () => {
    expect(() => create({ tts: { provider: 'local' } })).toThrow('embedded speech is switched off');
  });

  it('gives a scripted agent no language model, and asks for no key', () => {
    expect(create({ type: 'scripted', llm: { provider: 'openai', model: 'm' } }).llm).toBeNull();
    expect(create({ llm: null }).llm).toBeNull();
  });

  it('says which settings are missing when OpenAI is asked for without a key', () => {
    const llm = { provider: 'openai' as const, model: 'gpt-4o-mini' };
    expect(() => create({ llm })).toThrow(
      'agent needs an OpenAI key: set OPENAI_API_KEY or llm.base_url',
    );
    expect(create({ llm }, { openaiApiKey: 'sk-server' }).llm?.name).toBe('openai');
    expect(create({ llm }, { secrets: { OPENAI_API_KEY: 'sk-own' } }).llm?.name).toBe('openai');
  });

  it('needs no key for an endpoint of one’s own', async () => {
    const { url: base_url } = await startServer();
    const set = create({ llm: { provider: 'openai', model: 'm', base_url } });
    expect(await keySent(set, server as FakeOpenAiServer)).toBe('Bearer none');
  });

  it('does not send the server’s key to an endpoint that an agent names', async () => {
    const { url: base_url } = await startServer();
    const llm = { provider: 'openai' as const, model: 'm', base_url };
    const set = create({ llm }, { openaiApiKey: 'sk-server' });
    expect(await keySent(set, server as FakeOpenAiServer)).toBe('Bearer none');
  });

  it('asks the endpoint that a sub-account named through the guard, and not at all without one', async () => {
    const { url: base_url } = await startServer();
    const config = { ...FAKE, llm: { provider: 'openai' as const, model: 'm', base_url } };
    const defaults = { openaiBaseUrl: OPENAI_URL, openaiApiKey: null };
    const options = { config, speech: null, secrets: {}, clock, guarded: true };
    expect(() => createProviders({ ...options, defaults })).toThrow(/cannot be asked from here/);
    const asked: string[] = [];
    const guardedFetch: typeof fetch = (input, init) => {
      asked.push(input instanceof Request ? input.url : String(input));
      return fetch(input, init);
    };
    const set = createProviders({ ...options, defaults: { ...defaults, guardedFetch } });
    await keySent(set, server as FakeOpenAiServer);
    expect(asked).toEqual([`${base_url}/chat/completions`]);
  });

  it('sends the server’s key to the server’s endpoint, and the workspace’s own before it', async () => {
    const { url: openaiBaseUrl } = await startServer();
    const llm = { provider: 'openai' as const, model: 'm' };
    const defaults = { openaiBaseUrl, openaiApiKey: 'sk-server' };
    const at = server as FakeOpenAiServer;
    expect(await keySent(create({ llm }, defaults), at)).toBe('Bearer sk-server');
    const own = create({ llm }, { ...defaults, secrets: { OPENAI_API_KEY: 'sk-own' } });
    expect(await keySent(own, at)).toBe('Bearer sk-own');
  });
});
