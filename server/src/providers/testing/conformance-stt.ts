import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import type { SttAdapterOptions } from '../net/stt-options.ts';
import type { SttProvider, SttSession } from '../stt.ts';
import { failureOf, never, QUOTING_BODY, SECRET_KEY, STATUSES } from './conformance.ts';
import type { FakeBehaviour } from './fake-behaviour.ts';

type Create = (options: SttAdapterOptions & { baseUrl: string }) => SttProvider;

/** A fake vendor, however it is spoken to. */
export interface SttLab {
  url: string;
  setBehaviours: (...behaviours: FakeBehaviour[]) => void;
  /** Connections or requests that have come so far. */
  asked: () => number;
  close: () => Promise<void>;
}

const PATIENT_MS = 5_000;
const IMPATIENT_MS = 400;
const SAMPLE_RATE_HZ = 8_000;
const asked = { expectDigits: false } as const;

/** A second of something that sounds, and so is more than a cough. */
export const SPEECH = Int16Array.from({ length: 2 * SAMPLE_RATE_HZ }, (_, n) =>
  Math.round(6_000 * Math.sin((2 * Math.PI * 180 * n) / SAMPLE_RATE_HZ)),
);

/** Pushes as packets come: 20 ms each. */
export function pushAll(session: SttSession, samples: Int16Array): void {
  for (let at = 0; at < samples.length; at += 160) session.push(samples.subarray(at, at + 160));
}

/** What every recogniser of the network does. `start` gives a vendor that hears "Hello there.". */
export function describeStt(name: string, start: () => Promise<SttLab>, create: Create): void {
  describe(`the recogniser of ${name}`, () => {
    let lab: SttLab | undefined;
    const sessions: SttSession[] = [];
    afterEach(async () => {
      for (const session of sessions.splice(0)) session.close();
      await lab?.close();
    });

    async function setUp(
      behaviours: FakeBehaviour[] = [{ type: 'works' }],
      timeoutMs = PATIENT_MS,
      hasNext = false,
    ): Promise<{ open: () => SttSession; stt: SttProvider; at: SttLab }> {
      const started = await start();
      lab = started;
      started.setBehaviours(...behaviours);
      const stt = create({
        apiKey: SECRET_KEY,
        clock: systemClock,
        timeoutMs,
        baseUrl: started.url,
        hasNext,
      });
      const open = (): SttSession => {
        const session = stt.open({ language: 'en' });
        sessions.push(session);
        return session;
      };
      return { stt, open, at: started };
    }

    const hear = (session: SttSession): ReturnType<SttSession['transcribe']> => {
      session.begin();
      pushAll(session, SPEECH);
      return session.transcribe({ ...asked, signal: never() });
    };

    it('gives the words of an utterance', async () => {
      const { stt, open } = await setUp();
      expect(stt.name).toBe(name);
      const transcript = await hear(open());
      expect(transcript.text).toBe('Hello there.');
      expect(transcript.confidence).toBeGreaterThan(0.5);
      expect(transcript.confidence).toBeLessThanOrEqual(1);
    });

    it('hears nothing in nothing, without asking', async () => {
      const { open } = await setUp();
      const session = open();
      session.begin();
      const transcript = await session.transcribe({ ...asked, signal: never() });
      expect(transcript).toEqual({ text: '', confidence: 0, processingMs: 0 });
    });

    it('takes an utterance of a minute', async () => {
      const { open } = await setUp();
      const session = open();
      session.begin();
      for (let n = 0; n < 30; n++) pushAll(session, SPEECH);
      const { text } = await session.transcribe({ ...asked, signal: never() });
      expect(text).toContain('Hello there.');
    });

    it('throws the reason when it is aborted', async () => {
      const { open } = await setUp([{ type: 'hangs' }]);
      const session = open();
      session.begin();
      pushAll(session, SPEECH);
      const abort = new AbortController();
      const reason = new Error('the caller goes on');
      const work = session.transcribe({ ...asked, signal: abort.signal });
      abort.abort(reason);
      await expect(work).rejects.toBe(reason);
      const late = session.transcribe({ ...asked, signal: abort.signal });
      await expect(late).rejects.toBe(reason);
    });

    it.each([['hangs'] as const, ['hangs-in-the-middle'] as const])(
      'gives up a vendor that %s',
      async (type) => {
        const { open } = await setUp([{ type }], IMPATIENT_MS, true);
        const error = await failureOf(hear(open()));
        expect(error).toMatchObject({ provider: name, kind: 'timeout', retryable: true });
      },
    );

    it.each(STATUSES)('says what a %i means, without the key', async (status, kind, retryable) => {
      const { open } = await setUp([{ type: 'status', status, body: QUOTING_BODY }]);
      const error = await failureOf(hear(open()));
      expect(error).toMatchObject({ provider: name, statusCode: status, kind, retryable });
    });

    it('is asked once more when a first failure may pass', async () => {
      const { open, at } = await setUp([{ type: 'status', status: 503 }, { type: 'works' }]);
      expect((await hear(open())).text).toBe('Hello there.');
      expect(at.asked()).toBe(2);
    });

    it.each([['dies-at-once'] as const, ['dies-in-the-middle'] as const])(
      'makes a new connection and says it again when the vendor %s',
      async (type) => {
        const { open, at } = await setUp([{ type }, { type: 'works' }]);
        expect((await hear(open())).text).toBe('Hello there.');
        expect(at.asked()).toBe(2);
      },
    );

    it('says so when the vendor dies every time', async () => {
      const { open, at } = await setUp([{ type: 'dies-in-the-middle' }]);
      const error = await failureOf(hear(open()));
      expect(error).toMatchObject({ provider: name, kind: 'network', retryable: true });
      expect(at.asked()).toBe(2);
    });

    it('says so when the vendor babbles', async () => {
      const { open } = await setUp([{ type: 'babbles' }]);
      expect(await failureOf(hear(open()))).toMatchObject({ provider: name, kind: 'server' });
    });

    it('listens to several callers at once', async () => {
      const { open } = await setUp();
      const texts = await Promise.all([open(), open(), open()].map(hear));
      expect(texts.map(({ text }) => text)).toEqual([
        'Hello there.',
        'Hello there.',
        'Hello there.',
      ]);
    });

    it('can be closed twice, and is deaf then', async () => {
      const { open } = await setUp();
      const session = open();
      session.begin();
      pushAll(session, SPEECH);
      const work = failureOf(session.transcribe({ ...asked, signal: never() }));
      session.close();
      session.close();
      expect(await work).toMatchObject({ provider: name, retryable: false });
      session.begin();
      session.push(SPEECH);
      await failureOf(session.transcribe({ ...asked, signal: never() }));
    });
  });
}
