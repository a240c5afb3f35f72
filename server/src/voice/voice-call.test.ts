import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { agentConfigSchema } from '../agents/agent-config.ts';
import { readWav } from '../audio/wav.ts';
import { createFakeLlm } from '../providers/fake/fake-llm.ts';
import { createFakeStt } from '../providers/fake/fake-stt.ts';
import { createFakeTts } from '../providers/fake/fake-tts.ts';
import { createFakeVad } from '../providers/fake/fake-vad.ts';
import { startMediaEngine, type MediaEngine } from '../rtp/media-engine.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { VoiceCall } from './voice-call.ts';
import type { VoiceCallEvent } from './worker-protocol.ts';

let directory = '';
let engine: MediaEngine;
let clock: FakeClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'voice call '));
  clock = new FakeClock();
  engine = startMediaEngine({
    host: '127.0.0.1',
    portMin: 42_200,
    portMax: 42_299,
    clock,
    logger: silentLogger,
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  engine.close();
  await rm(directory, { recursive: true, force: true });
});

/** A call that was answered; its far end listens nowhere. */
async function answeredCall(recordingPath: string) {
  const events: VoiceCallEvent[] = [];
  const opening = VoiceCall.open({
    call: {
      callId: 'call_recorded',
      direction: 'outbound',
      agent: agentConfigSchema.parse({ name: 'test', type: 'llm', greeting: 'Hello there.' }),
      variables: {},
      secrets: {},
      recordingPath,
      mediaTimeouts: { firstPacketMs: 30_000, lostMs: 60_000, holdMs: 1_800_000 },
    },
    engine,
    providers: {
      vad: createFakeVad(),
      stt: createFakeStt({ clock }),
      tts: createFakeTts({ clock }),
      llm: createFakeLlm({ clock }),
    },
    clock,
    logger: silentLogger,
    emit: (event) => events.push(event),
  });
  opening.catch(() => undefined);
  await clock.advance(20);
  const call = await opening;
  call.media({
    codec: 'PCMU',
    payloadType: 0,
    dtmfPayloadType: null,
    remoteHost: '127.0.0.1',
    remotePort: 42_298,
    direction: 'sendrecv',
    ptimeMs: 20,
  });
  call.answered(clock.now());
  const warnings = () => events.filter(({ type }) => type === 'recording-failed');
  return { call, warnings };
}

/** The seconds of audio that the header on disk promises, when there are `seconds`. */
async function recorded(path: string, seconds: number): Promise<void> {
  for (;;) {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (bytes.length >= 44 && bytes.readUInt32LE(40) >= seconds * 32_000) return;
  }
}

it('keeps the recording as far as the disk took it, and tells of it while the call goes on', async () => {
  const path = join(directory, 'call.wav');
  const { call, warnings } = await answeredCall(path);
  await clock.advance(2_100);
  await recorded(path, 2);
  const any = await open(path, 'r');
  const prototype = Object.getPrototypeOf(any) as FileHandle;
  await any.close();
  vi.spyOn(prototype, 'write').mockRejectedValue(
    Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }),
  );
  while (warnings().length === 0) {
    await clock.advance(20);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  await clock.advance(1_000);
  vi.restoreAllMocks();
  const report = await call.close();
  expect(report).toMatchObject({ recordingPath: path, recordingDurationMs: 2_000 });
  expect(readWav(await readFile(path)).channels[0]).toHaveLength(16_000);
  expect(warnings()).toEqual([
    { type: 'recording-failed', message: 'the recording ends after 2 s: ENOSPC' },
  ]);
});

it('reports no recording where the disk took nothing, and says so at the end at the latest', async () => {
  const { call, warnings } = await answeredCall(join(directory, 'no such folder', 'call.wav'));
  await clock.advance(500);
  const report = await call.close();
  expect(report).toMatchObject({ recordingPath: null, recordingDurationMs: 0 });
  expect(warnings()).toEqual([
    { type: 'recording-failed', message: 'the recording ends after 0 s: ENOENT' },
  ]);
});

it('tells of no failure where all is well', async () => {
  const path = join(directory, 'call.wav');
  const { call, warnings } = await answeredCall(path);
  await clock.advance(500);
  const report = await call.close();
  expect(report.recordingPath).toBe(path);
  expect(report.recordingDurationMs).toBeGreaterThanOrEqual(480);
  expect(warnings()).toEqual([]);
});
