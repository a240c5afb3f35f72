import { Anthropic } from '@anthropic-ai/sdk';
import { Cartesia } from '@cartesia/cartesia-js';
import { DeepgramClient } from '@deepgram/sdk';
import {
  AudioFormat,
  CommitStrategy,
  ElevenLabsClient,
  RealtimeEvents,
} from '@elevenlabs/elevenlabs-js';
import { GoogleGenAI } from '@google/genai';
import { OpenAI } from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeMulaw } from '../audio/g711.ts';
import { SPEECH } from './testing/conformance-stt.ts';
import { startFakeHttpVendor, type FakeHttpVendor } from './testing/fake-http-vendor.ts';
import { answerAsModel, type LlmDialect } from './testing/fake-llm-vendors.ts';
import { answerAsRecogniser } from './testing/fake-stt-http.ts';
import { startFakeSttVendor, type FakeSttVendor } from './testing/fake-stt-vendor.ts';
import { answerAsVoice, fakeVoice } from './testing/fake-tts-vendors.ts';
import { wavOf } from './net/wav-of.ts';

const KEY = 'a-key';
const TEXT = 'Hello there, how are you?';
const CALL = { id: 'call_7', name: 'book', args: { day: 'monday' } };
const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((vendor) => vendor.close()));
});

function keep<T extends { close: () => Promise<void> }>(vendor: T): T {
  open.push(vendor);
  return vendor;
}

async function voices(): Promise<FakeHttpVendor> {
  return keep(await startFakeHttpVendor(answerAsVoice));
}

async function model(dialect: LlmDialect): Promise<FakeHttpVendor> {
  const answer = { text: ['Hello ', 'there.'], calls: [CALL] };
  return keep(await startFakeHttpVendor((request) => answerAsModel(dialect, request, answer)));
}

async function recogniser(
  vendor: Parameters<typeof startFakeSttVendor>[0],
): Promise<FakeSttVendor> {
  return keep(await startFakeSttVendor(vendor));
}

const pieces = (): Uint8Array[] => {
  const bytes = encodeMulaw(SPEECH);
  return Array.from({ length: bytes.length / 800 }, (_, n) => bytes.slice(n * 800, (n + 1) * 800));
};

describe('the fakes, asked by the vendors’ own clients', () => {
  it('speak as ElevenLabs', async () => {
    const { url } = await voices();
    const client = new ElevenLabsClient({ apiKey: KEY, baseUrl: url });
    const stream = await client.textToSpeech.stream('rachel', {
      text: TEXT,
      modelId: 'eleven_flash_v2_5',
      outputFormat: 'ulaw_8000',
    });
    const bytes = await new Response(stream).bytes();
    expect(bytes).toHaveLength(fakeVoice(TEXT).length);
  });

  it('speak as Cartesia', async () => {
    const { url } = await voices();
    const client = new Cartesia({ apiKey: KEY, baseURL: url });
    const response = await client.tts.generate({
      model_id: 'sonic-3',
      transcript: TEXT,
      voice: { id: 'v1' },
      output_format: { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8_000 },
    });
    expect((await response.arrayBuffer()).byteLength).toBe(fakeVoice(TEXT).length);
  });

  it('speak as OpenAI', async () => {
    const { url } = await voices();
    const client = new OpenAI({ apiKey: KEY, baseURL: `${url}/v1` });
    const response = await client.audio.speech.create({
      model: 'gpt-4o-mini-tts',
      voice: 'alloy',
      input: TEXT,
      response_format: 'pcm',
    });
    expect((await response.arrayBuffer()).byteLength).toBe(2 * 3 * fakeVoice(TEXT).length);
  });

  it('listen as OpenAI', async () => {
    const vendor = keep(
      await startFakeHttpVendor((request) => answerAsRecogniser('Hello there.', request)),
    );
    const client = new OpenAI({ apiKey: KEY, baseURL: `${vendor.url}/v1` });
    const file = new File([wavOf(SPEECH)], 'speech.wav', { type: 'audio/wav' });
    const answer = await client.audio.transcriptions.create({
      file,
      model: 'gpt-4o-mini-transcribe',
    });
    expect(answer.text).toBe('Hello there.');
  });

  it('think as Anthropic', async () => {
    const { url } = await model('anthropic');
    const client = new Anthropic({ apiKey: KEY, baseURL: url });
    const stream = client.messages.stream({
      model: 'claude-haiku-4-5',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hi.' }],
    });
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([
      { type: 'text', text: 'Hello there.' },
      { type: 'tool_use', id: 'call_7', name: 'book', input: { day: 'monday' } },
    ]);
    expect(message.usage).toMatchObject({ input_tokens: 12, output_tokens: 3 });
  });

  it('think as Google', async () => {
    const { url } = await model('google');
    const client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: url } });
    const stream = await client.models.generateContentStream({
      model: 'gemini-2.5-flash',
      contents: 'Hi.',
    });
    let text = '';
    let call: unknown;
    for await (const chunk of stream) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        text += part.text ?? '';
        call = part.functionCall ?? call;
      }
    }
    expect(text).toBe('Hello there.');
    expect(call).toEqual(CALL);
  });

  it('think as OpenAI', async () => {
    const { url } = await model('openai');
    const client = new OpenAI({ apiKey: KEY, baseURL: `${url}/v1` });
    const runner = client.chat.completions.stream({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hi.' }],
      stream_options: { include_usage: true },
    });
    const { message } = (await runner.finalChatCompletion()).choices[0] ?? {};
    expect(message?.content).toBe('Hello there.');
    expect(message?.tool_calls).toMatchObject([{ id: 'call_7', function: { name: 'book' } }]);
  });

  it('listen as Deepgram', async () => {
    const { url } = await recogniser('deepgram');
    const wss = url.replace('http', 'ws');
    const client = new DeepgramClient({
      apiKey: KEY,
      environment: { base: url, production: wss, agent: wss, agentRest: url },
    });
    const socket = await client.listen.v1.connect({
      model: 'nova-3',
      encoding: 'mulaw',
      sample_rate: 8_000,
      interim_results: 'true',
      Authorization: `Token ${KEY}`,
    });
    const heard = new Promise<string>((resolve) => {
      socket.on('message', (message) => {
        if (message.type !== 'Results' || message.from_finalize !== true) return;
        resolve(message.channel.alternatives[0]?.transcript ?? '');
      });
    });
    socket.connect();
    await socket.waitForOpen();
    for (const piece of pieces()) socket.sendMedia(piece);
    socket.sendFinalize({ type: 'Finalize' });
    expect(await heard).toBe('Hello there.');
    socket.close();
  });

  it('listen as ElevenLabs', async () => {
    const { url } = await recogniser('elevenlabs');
    const client = new ElevenLabsClient({ apiKey: KEY, baseUrl: url });
    const connection = await client.speechToText.realtime.connect({
      modelId: 'scribe_v2_realtime',
      audioFormat: AudioFormat.ULAW_8000,
      sampleRate: 8_000,
      commitStrategy: CommitStrategy.MANUAL,
    });
    const heard = new Promise<string>((resolve) => {
      connection.on(RealtimeEvents.COMMITTED_TRANSCRIPT, (data) =>
        resolve((data as { text: string }).text),
      );
    });
    await new Promise<void>((resolve) =>
      connection.on(RealtimeEvents.SESSION_STARTED, () => resolve()),
    );
    for (const piece of pieces()) {
      connection.send({ audioBase64: Buffer.from(piece).toString('base64') });
    }
    connection.commit();
    expect(await heard).toBe('Hello there.');
    connection.close();
  });
});
