import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import type { LlmEvent, LlmRequest } from '../llm.ts';
import { createFakeLlm } from './fake-llm.ts';
import { createFakeStt } from './fake-stt.ts';
import { createFakeTts } from './fake-tts.ts';
import { createFakeVad } from './fake-vad.ts';

const never = new AbortController().signal;
const ask = (turns: number, signal = never): LlmRequest => ({
  messages: Array.from({ length: turns }, () => ({ role: 'user' as const, content: 'hi there' })),
  tools: [],
  temperature: 0,
  maxTokens: 100,
  signal,
});
async function textOf(events: AsyncIterable<LlmEvent>): Promise<string> {
  let text = '';
  for await (const event of events) if (event.type === 'text') text += event.delta;
  return text;
}

describe('createFakeStt', () => {
  it('answers after its latency, one transcript an utterance', async () => {
    const clock = new FakeClock();
    const session = createFakeStt({ clock, latencyMs: 150, transcripts: ['one', 'two'] }).open({
      language: 'en',
    });
    const heard: string[] = [];
    for (let utterance = 0; utterance < 3; utterance++) {
      session.begin();
      session.push(new Int16Array(160));
      const pending = session.transcribe({ expectDigits: false, signal: never });
      void pending.then(({ text }) => heard.push(text));
      await clock.advance(149);
      expect(heard).toHaveLength(utterance);
      await clock.advance(1);
      expect(heard).toHaveLength(utterance + 1);
    }
    expect(heard).toEqual(['one', 'two', 'one']);
  });

  it('gives the same transcript when asked again within an utterance', async () => {
    const clock = new FakeClock();
    const session = createFakeStt({ clock, transcripts: ['one', 'two'] }).open({ language: 'en' });
    const ask = async (): Promise<string> => {
      const pending = session.transcribe({ expectDigits: false, signal: never });
      await clock.advance(0);
      return (await pending).text;
    };
    session.begin();
    expect(await ask()).toBe('');
    session.push(new Int16Array(160));
    expect([await ask(), await ask()]).toEqual(['one', 'one']);
    session.begin();
    session.push(new Int16Array(160));
    expect(await ask()).toBe('two');
  });

  it('rejects with the signal’s reason and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const session = createFakeStt({ clock, latencyMs: 150 }).open({ language: 'en' });
    session.begin();
    session.push(new Int16Array(160));
    const controller = new AbortController();
    const pending = session.transcribe({ expectDigits: false, signal: controller.signal });
    const reason = new Error('the caller went on');
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(clock.pendingCount).toBe(0);
  });

  it('rejects what is under way when the session is closed', async () => {
    const clock = new FakeClock();
    const session = createFakeStt({ clock, latencyMs: 150 }).open({ language: 'en' });
    session.begin();
    session.push(new Int16Array(160));
    const pending = session.transcribe({ expectDigits: false, signal: never });
    session.close();
    session.close();
    await expect(pending).rejects.toThrow('closed');
  });
});

describe('createFakeLlm', () => {
  it('gives the reply of the caller’s turn, however often the same is asked', async () => {
    const read = async (turns: number): Promise<string> => {
      const fake = new FakeClock();
      const provider = createFakeLlm({ clock: fake, replies: ['First one.', 'Second one.'] });
      const pending = textOf(provider.stream(ask(turns)));
      await fake.advance(0);
      return pending;
    };
    expect([await read(1), await read(1), await read(2), await read(3)]).toEqual([
      'First one.',
      'First one.',
      'Second one.',
      'First one.',
    ]);
  });

  it('streams word by word after its latency and ends with usage', async () => {
    const clock = new FakeClock();
    const events: LlmEvent[] = [];
    const provider = createFakeLlm({ clock, latencyMs: 350, replies: ['Hello to you.'] });
    const pending = (async () => {
      for await (const event of provider.stream(ask(1))) events.push(event);
    })();
    await clock.advance(349);
    expect(events).toEqual([]);
    await clock.advance(1);
    await pending;
    expect(events.slice(0, 3)).toEqual([
      { type: 'text', delta: 'Hello ' },
      { type: 'text', delta: 'to ' },
      { type: 'text', delta: 'you.' },
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'done', usage: { inputTokens: 3 } });
  });

  it('stops when aborted', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const pending = textOf(
      createFakeLlm({ clock, latencyMs: 350 }).stream(ask(1, controller.signal)),
    );
    controller.abort(new Error('dropped'));
    await expect(pending).rejects.toThrow('dropped');
    expect(clock.pendingCount).toBe(0);
  });
});

describe('createFakeTts', () => {
  async function speak(text: string, speed: number): Promise<Int16Array[]> {
    const clock = new FakeClock();
    const chunks: Int16Array[] = [];
    const request = { text, voice: 'slt', speed, signal: never };
    const pending = (async () => {
      for await (const chunk of createFakeTts({ clock, latencyMs: 120 }).synthesize(request)) {
        chunks.push(chunk);
      }
    })();
    await clock.advance(119);
    expect(chunks).toEqual([]);
    await clock.advance(1);
    await pending;
    return chunks;
  }

  it('hums 60 ms for every character after its latency, faster at a higher speed', async () => {
    const length = (chunks: Int16Array[]): number => chunks.reduce((sum, c) => sum + c.length, 0);
    expect(length(await speak('Ten chars.', 1))).toBe(10 * 480);
    expect(length(await speak('Ten chars.', 2))).toBe(5 * 480);
  });

  it('is audible all the way, without clipping and without steps between chunks', async () => {
    const samples = (await speak('A sentence of some length.', 1)).flatMap((c) => Array.from(c));
    for (let at = 0; at + 2_000 <= samples.length; at += 2_000) {
      const part = samples.slice(at, at + 2_000);
      const rms = Math.sqrt(part.reduce((sum, s) => sum + s * s, 0) / part.length);
      expect(rms).toBeGreaterThan(1_000);
    }
    expect(Math.max(...samples.map(Math.abs))).toBeLessThan(20_000);
    const steps = samples.slice(1).map((s, i) => Math.abs(s - (samples[i] ?? 0)));
    const atChunk = steps.filter((_, i) => (i + 1) % 800 === 0);
    expect(Math.max(...atChunk)).toBeLessThanOrEqual(
      Math.max(...steps.filter((_, i) => (i + 1) % 800 !== 0)),
    );
  });
});

describe('createFakeVad', () => {
  it('judges every 256 samples by level, at once and in order', () => {
    const probabilities: number[] = [];
    const session = createFakeVad().open((p) => probabilities.push(p));
    const loud = Int16Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? 8_000 : -8_000));
    session.push(new Int16Array(200));
    session.push(new Int16Array(56));
    session.push(loud);
    expect(probabilities).toHaveLength(3);
    expect(probabilities[0]).toBe(0);
    expect(probabilities[1]).toBeGreaterThan(0.9);
    expect(probabilities[2]).toBeGreaterThan(0.9);
    session.close();
    session.push(loud);
    expect(probabilities).toHaveLength(3);
  });
});
