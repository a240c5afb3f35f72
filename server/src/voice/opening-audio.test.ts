import { describe, expect, it } from 'vitest';
import type { TtsProvider, TtsRequest } from '../providers/tts.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { OpeningAudio } from './opening-audio.ts';

/** Says each request as two chunks that tell how often it was asked. */
class CountingVoice implements TtsProvider {
  readonly name = 'counting';
  asked = 0;
  failing = false;

  async *synthesize(): AsyncGenerator<Int16Array, void, void> {
    this.asked++;
    await Promise.resolve();
    yield Int16Array.of(this.asked, 1);
    if (this.failing) throw new Error('the line broke');
    yield Int16Array.of(2, 3);
  }
}

const request = (text: string, signal = new AbortController().signal): TtsRequest => ({
  text,
  voice: 'v',
  speed: 1,
  signal,
});

async function samples(voice: TtsProvider, text: string): Promise<number[]> {
  const all: number[] = [];
  for await (const chunk of voice.synthesize(request(text))) {
    all.push(...chunk);
    // Whoever plays it may change it.
    chunk.fill(0);
  }
  return all;
}

describe('the memory of first words', () => {
  it('asks the voice once for the same words', async () => {
    const counting = new CountingVoice();
    const voice = new OpeningAudio(new FakeClock()).remember(counting, 'a');
    for (let n = 0; n < 3; n++) expect(await samples(voice, 'Hello.')).toEqual([1, 1, 2, 3]);
    expect(await samples(voice, 'Good day.')).toEqual([2, 1, 2, 3]);
    expect(counting.asked).toBe(2);
  });

  it('keeps the words of one key or setting from another', async () => {
    const counting = new CountingVoice();
    const memory = new OpeningAudio(new FakeClock());
    await samples(memory.remember(counting, ['key-a']), 'Hello.');
    await samples(memory.remember(counting, ['key-b']), 'Hello.');
    expect(counting.asked).toBe(2);
  });

  it('asks again after five minutes: the voice may be gone', async () => {
    const clock = new FakeClock();
    const counting = new CountingVoice();
    const voice = new OpeningAudio(clock).remember(counting, 'a');
    await samples(voice, 'Hello.');
    await clock.advance(300_000);
    await samples(voice, 'Hello.');
    expect(counting.asked).toBe(2);
  });

  it('forgets what broke or was cut short', async () => {
    const counting = new CountingVoice();
    const voice = new OpeningAudio(new FakeClock()).remember(counting, 'a');
    counting.failing = true;
    await expect(samples(voice, 'Hello.')).rejects.toThrow('the line broke');
    counting.failing = false;
    const cut = new AbortController();
    for await (const _chunk of voice.synthesize(request('Hello.', cut.signal))) cut.abort();
    expect(await samples(voice, 'Hello.')).toEqual([3, 1, 2, 3]);
    expect(counting.asked).toBe(3);
  });
});
