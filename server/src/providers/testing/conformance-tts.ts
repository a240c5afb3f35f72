import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import type { HttpAccess } from '../net/http-request.ts';
import type { TtsProvider } from '../tts.ts';
import { failureOf, never, QUOTING_BODY, SECRET_KEY, STATUSES } from './conformance.ts';
import { fakeVoice, answerAsVoice, spokenText } from './fake-tts-vendors.ts';
import { startFakeHttpVendor, type FakeHttpVendor } from './fake-http-vendor.ts';

type Create = (options: HttpAccess & { baseUrl: string }) => TtsProvider;

const PATIENT_MS = 5_000;
const IMPATIENT_MS = 150;
const VOICE = 'en-US-JennyNeural';

/** What every voice of the network does. */
export function describeTts(name: string, create: Create): void {
  describe(`the voice of ${name}`, () => {
    let vendor: FakeHttpVendor | undefined;
    afterEach(() => vendor?.close());

    async function setUp(
      timeoutMs = PATIENT_MS,
    ): Promise<{ tts: TtsProvider; at: FakeHttpVendor }> {
      vendor = await startFakeHttpVendor(answerAsVoice);
      const options = { apiKey: SECRET_KEY, clock: systemClock, timeoutMs, baseUrl: vendor.url };
      return { tts: create(options), at: vendor };
    }

    async function speak(tts: TtsProvider, text: string, signal = never()): Promise<Int16Array[]> {
      const chunks: Int16Array[] = [];
      const request = { text, voice: VOICE, speed: 1, signal };
      for await (const samples of tts.synthesize(request)) chunks.push(samples);
      return chunks;
    }

    it('is called by its name', async () => {
      expect((await setUp()).tts.name).toBe(name);
    });

    it('streams linear samples at 8 kHz, as long as they were sent', async () => {
      const { tts } = await setUp();
      const text = 'Hello there, how are you?';
      const chunks = await speak(tts, text);
      const samples = chunks.flatMap((chunk) => [...chunk]);
      const sent = fakeVoice(text);
      expect(samples).toHaveLength(sent.length);
      const loudest = Math.max(...samples);
      expect(loudest).toBeGreaterThan(7_000);
      expect(loudest).toBeLessThan(9_000);
    });

    it('says the text that it was given, whatever stands in it', async () => {
      const { tts, at } = await setUp();
      await speak(tts, 'Tom & Jerry say: "1 < 2".');
      const asked = at.requests[0];
      expect(asked && spokenText(asked)?.voice).toBe(VOICE);
      expect(asked && spokenText(asked)?.text).toMatch(/^Tom & Jerry say: /);
    });

    it('asks nobody to say nothing', async () => {
      const { tts, at } = await setUp();
      expect(await speak(tts, '  \n ')).toEqual([]);
      expect(at.requests).toHaveLength(0);
    });

    it('says a long text whole, in order', async () => {
      const { tts, at } = await setUp();
      const text = Array.from({ length: 700 }, (_, n) => `word${n}`).join(' ');
      const sampleCount = (await speak(tts, text)).reduce((sum, { length }) => sum + length, 0);
      const said = at.requests.map((request) => spokenText(request)?.text ?? '').join(' ');
      expect(said).toBe(text);
      // The spaces between two requests are said by nobody.
      const spaces = at.requests.length - 1;
      const sent = fakeVoice('x'.repeat(text.length - spaces)).length;
      // Resampling rounds once a request.
      expect(Math.abs(sampleCount - sent)).toBeLessThanOrEqual(at.requests.length);
    });

    it('stops the request when it is aborted, and throws the reason', async () => {
      const { tts, at } = await setUp();
      at.behaviours.set({ type: 'hangs-in-the-middle' });
      const abort = new AbortController();
      const reason = new Error('the caller spoke');
      const work = (async () => {
        const request = { text: 'Hello.', voice: VOICE, speed: 1, signal: abort.signal };
        for await (const samples of tts.synthesize(request)) {
          expect(samples.length).toBeGreaterThan(0);
          abort.abort(reason);
        }
      })();
      await expect(work).rejects.toBe(reason);
      await expect.poll(() => at.abortedCount).toBe(1);
      await expect(speak(tts, 'Hello.', abort.signal)).rejects.toBe(reason);
      expect(at.requests).toHaveLength(1);
    });

    it('stops the request when nobody reads on', async () => {
      const { tts, at } = await setUp();
      at.behaviours.set({ type: 'hangs-in-the-middle' });
      const request = { text: 'Hello.', voice: VOICE, speed: 1, signal: never() };
      for await (const samples of tts.synthesize(request)) {
        expect(samples.length).toBeGreaterThan(0);
        break;
      }
      await expect.poll(() => at.abortedCount).toBe(1);
    });

    it.each([['hangs'] as const, ['hangs-in-the-middle'] as const])(
      'gives up a vendor that %s',
      async (type) => {
        const { tts, at } = await setUp(IMPATIENT_MS);
        at.behaviours.set({ type });
        const error = await failureOf(speak(tts, 'Hello.'));
        expect(error).toMatchObject({ provider: name, kind: 'timeout', retryable: true });
        await expect.poll(() => at.abortedCount).toBe(1);
      },
    );

    it.each(STATUSES)('says what a %i means, without the key', async (status, kind, retryable) => {
      const { tts, at } = await setUp();
      at.behaviours.set({ type: 'status', status, body: QUOTING_BODY });
      const error = await failureOf(speak(tts, 'Hello.'));
      expect(error).toMatchObject({ provider: name, statusCode: status, kind, retryable });
    });

    it.each([['dies-at-once'] as const, ['dies-in-the-middle'] as const])(
      'says so when the vendor %s',
      async (type) => {
        const { tts, at } = await setUp();
        at.behaviours.set({ type });
        const error = await failureOf(speak(tts, 'Hello.'));
        expect(error).toMatchObject({ provider: name, kind: 'network', retryable: true });
      },
    );

    it('plays nobody a page of HTML', async () => {
      const { tts, at } = await setUp();
      at.behaviours.set({ type: 'babbles' });
      expect(await failureOf(speak(tts, 'Hello.'))).toMatchObject({ kind: 'server' });
    });

    it('speaks for several callers at once', async () => {
      const { tts } = await setUp();
      const texts = ['One.', 'Two, two.', 'Three, three, three.'];
      const all = await Promise.all(texts.map((text) => speak(tts, text)));
      expect(all.map((chunks) => chunks.reduce((sum, { length }) => sum + length, 0))).toEqual(
        texts.map((text) => fakeVoice(text).length),
      );
    });
  });
}
