import { afterEach, describe, expect, it } from 'vitest';
import { createSocketGuard } from '../../egress/socket-guard.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { createDeepgramStt } from '../deepgram/deepgram-stt.ts';
import { createElevenLabsStt } from '../elevenlabs/elevenlabs-stt.ts';
import type { SttSession } from '../stt.ts';
import { failureOf, never, SECRET_KEY } from '../testing/conformance.ts';
import { pushAll, SPEECH } from '../testing/conformance-stt.ts';
import {
  startFakeSttVendor,
  type FakeSttOptions,
  type FakeSttVendor,
} from '../testing/fake-stt-vendor.ts';
import type { SttAdapterOptions } from './stt-options.ts';
import { TranscriptPieces } from './transcript-pieces.ts';

const COUGH = SPEECH.subarray(0, 4_000);
const options = { expectDigits: false };

let vendor: FakeSttVendor | undefined;
let session: SttSession | undefined;
afterEach(async () => {
  session?.close();
  await vendor?.close();
});

async function setUp(
  fake: FakeSttOptions = {},
  more: Partial<SttAdapterOptions> = {},
  clock: Clock = systemClock,
): Promise<{ at: FakeSttVendor; heard: SttSession }> {
  const at = await startFakeSttVendor('deepgram', fake);
  vendor = at;
  const stt = createDeepgramStt({
    apiKey: SECRET_KEY,
    clock,
    timeoutMs: 5_000,
    baseUrl: at.url,
    ...more,
  });
  const heard = stt.open({ language: 'en' });
  session = heard;
  return { at, heard };
}

describe('a streaming recogniser', () => {
  it('asks in its vendor’s words, once a connection', async () => {
    const { at, heard } = await setUp({}, { keywords: ['Weber', 'Aurora'], language: 'de' });
    heard.begin();
    pushAll(heard, SPEECH);
    await heard.transcribe({ ...options, signal: never() });
    const [connection] = at.connections;
    expect(Object.fromEntries(connection?.query ?? [])).toMatchObject({
      model: 'nova-3',
      language: 'de',
      interim_results: 'true',
    });
    expect(connection?.query.getAll('keyterm')).toEqual(['Weber', 'Aurora']);
    expect(connection?.audioBytes).toBe(SPEECH.length);
    expect(connection?.messages).toEqual(['{"type":"Finalize"}']);
  });

  it('keeps what it has heard when the caller goes on after a guess', async () => {
    const { at, heard } = await setUp({ transcripts: ['I would like'] });
    heard.begin();
    pushAll(heard, SPEECH);
    const first = await heard.transcribe({ ...options, signal: never() });
    pushAll(heard, COUGH);
    const second = await heard.transcribe({ ...options, signal: never() });
    expect([first.text, second.text]).toEqual(['I would like', 'I would like']);
    expect(at.connections).toHaveLength(1);
  });

  it('does not ask twice about the same audio', async () => {
    const { at, heard } = await setUp();
    heard.begin();
    pushAll(heard, SPEECH);
    await heard.transcribe({ ...options, signal: never() });
    await heard.transcribe({ ...options, signal: never() });
    expect(at.connections[0]?.messages).toEqual(['{"type":"Finalize"}']);
  });

  it('takes silence about a cough for nothing said, and about two for a failure', async () => {
    const { heard } = await setUp(
      { behaviours: [{ type: 'hangs-in-the-middle' }] },
      { timeoutMs: 200, hasNext: true },
    );
    heard.begin();
    pushAll(heard, COUGH);
    const nothing = await heard.transcribe({ ...options, signal: never() });
    expect(nothing.text).toBe('');
    heard.begin();
    pushAll(heard, COUGH);
    const error = await failureOf(heard.transcribe({ ...options, signal: never() }));
    expect(error.kind).toBe('timeout');
  });

  it('keeps an idle connection alive, and says goodbye when it is closed', async () => {
    const clock = new FakeClock();
    const { at, heard } = await setUp({}, {}, clock);
    await expect.poll(() => at.connections.length).toBe(1);
    // The client learns a moment after the server that the connection is open.
    await expect
      .poll(async () => {
        await clock.advance(4_000);
        return at.connections[0]?.messages.length ?? 0;
      })
      .toBeGreaterThan(1);
    expect(new Set(at.connections[0]?.messages)).toEqual(new Set(['{"type":"KeepAlive"}']));
    heard.close();
    await expect.poll(() => at.connections[0]?.messages.at(-1)).toBe('{"type":"CloseStream"}');
    await expect.poll(() => at.connections[0]?.isClosed).toBe(true);
    // Nothing is left that would fire, a moment for the vendor to hang up by itself apart.
    await clock.advance(1_000);
    expect(clock.pendingCount).toBe(0);
  });

  it('connects anew when an idle connection breaks, before anybody speaks', async () => {
    const { at, heard } = await setUp();
    await expect.poll(() => at.connections.length).toBe(1);
    at.breakAll();
    await expect.poll(() => at.connections.length).toBe(2);
    heard.begin();
    pushAll(heard, SPEECH);
    expect((await heard.transcribe({ ...options, signal: never() })).text).toBe('Hello there.');
    expect(at.askedCount).toBe(2);
  });

  it('asks nobody at an address that a sub-account may not name', async () => {
    const guard = createSocketGuard({ allowPrivateTargets: [] });
    const { at, heard } = await setUp({}, { guard });
    heard.begin();
    pushAll(heard, SPEECH);
    const error = await failureOf(heard.transcribe({ ...options, signal: never() }));
    expect(error.message).toMatch(/may not be asked: .*loopback/);
    expect(at.askedCount).toBe(0);
  });

  it('says so when a key can stand in no header', async () => {
    const { heard } = await setUp({}, { apiKey: 'two\nlines' });
    heard.begin();
    pushAll(heard, SPEECH);
    const error = await failureOf(heard.transcribe({ ...options, signal: never() }));
    expect(error).toMatchObject({ retryable: false });
    expect(error.message).not.toContain('two');
  });

  it('sends mu-law in JSON where a vendor takes nothing else', async () => {
    const at = await startFakeSttVendor('elevenlabs');
    vendor = at;
    const stt = createElevenLabsStt({
      apiKey: SECRET_KEY,
      clock: systemClock,
      timeoutMs: 5_000,
      baseUrl: at.url,
    });
    session = stt.open({ language: 'en-GB' });
    session.begin();
    pushAll(session, SPEECH);
    await session.transcribe({ ...options, signal: never() });
    expect(at.connections[0]?.query.get('language_code')).toBe('en');
    expect(at.connections[0]?.audioBytes).toBe(SPEECH.length);
  });
});

describe('the pieces of a transcript', () => {
  const piece = { confidence: 0.5 };

  it('are joined, the last belief after what is settled', () => {
    const pieces = new TranscriptPieces(0);
    expect(pieces.hasNews).toBe(false);
    pieces.take({ ...piece, type: 'interim', text: 'one too', toMs: 500 });
    pieces.take({ ...piece, type: 'final', text: 'One two. ', toMs: 600 });
    pieces.take({ ...piece, type: 'interim', text: 'three', toMs: 900 });
    expect(pieces.transcript()).toEqual({ text: 'One two. three', confidence: 0.5 });
  });

  it('of an earlier utterance are left aside', () => {
    const pieces = new TranscriptPieces(1_000);
    pieces.take({ ...piece, type: 'final', text: 'Before.', toMs: 1_000 });
    expect([pieces.hasNews, pieces.transcript().text]).toEqual([false, '']);
    pieces.take({ ...piece, type: 'final', text: 'After.', toMs: 1_500 });
    expect(pieces.transcript().text).toBe('After.');
  });

  it('may be parts of words', () => {
    const pieces = new TranscriptPieces(0);
    pieces.take({ ...piece, type: 'final', text: ' Hel', isGlued: true });
    pieces.take({ ...piece, type: 'final', text: 'lo the', isGlued: true });
    pieces.take({ ...piece, type: 'interim', text: 're', isGlued: true });
    expect(pieces.transcript().text).toBe('Hello there');
  });
});
