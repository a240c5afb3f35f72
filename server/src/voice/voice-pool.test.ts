import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentConfigSchema, type AgentConfigInput } from '../agents/agent-config.ts';
import { readWav } from '../audio/wav.ts';
import { startMediaEngine, type MediaEngine, type RtpStream } from '../rtp/media-engine.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { portShare, startVoicePool, type VoiceCallHandle, type VoicePool } from './voice-pool.ts';
import type { OpenCall, VoiceCallEvent } from './worker-protocol.ts';

describe('shares of the port range', () => {
  it('are even, apart and complete', () => {
    const range = { host: 'h', portMin: 10_001, portMax: 10_013 };
    expect([0, 1].map((index) => portShare(range, index, 2))).toEqual([
      { host: 'h', portMin: 10_002, portMax: 10_007 },
      { host: 'h', portMin: 10_008, portMax: 10_013 },
    ]);
  });
});

/** The far end: a stream whose tests decide what it says in each tick. */
interface Phone {
  stream: RtpStream;
  says: number;
  /** Loudest sample heard in each tick. */
  heard: number[];
}

describe('voice pool over loopback RTP', () => {
  let pool: VoicePool;
  let engine: MediaEngine;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'voice pool '));
    engine = startMediaEngine({
      host: '127.0.0.1',
      portMin: 42_000,
      portMax: 42_099,
      clock: systemClock,
      logger: silentLogger,
    });
    pool = await startVoicePool({
      workers: 1,
      rtp: { host: '127.0.0.1', portMin: 42_100, portMax: 42_199 },
      connectSpeech: null,
      llm: { openaiBaseUrl: 'http://127.0.0.1:9/v1', openaiApiKey: null, allowPrivateTargets: [] },
      workerLog: { level: 'silent', destination: '-' },
      logger: silentLogger,
    });
  });

  afterAll(async () => {
    await pool.close();
    engine.close();
    await rm(directory, { recursive: true });
  });

  async function phone(): Promise<Phone> {
    const stream = await engine.open();
    const self: Phone = { stream, says: 0, heard: [] };
    const frame = new Int16Array(160);
    stream.onTick = (played) => {
      self.heard.push(played ? Math.max(...played) : 0);
      return frame.fill(self.says);
    };
    return self;
  }

  function talk(caller: Phone, call: VoiceCallHandle): void {
    const codec = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101 } as const;
    caller.stream.connect({
      ...codec,
      host: '127.0.0.1',
      port: call.rtpPort,
      direction: 'sendrecv',
    });
    call.media({
      ...codec,
      remoteHost: '127.0.0.1',
      remotePort: caller.stream.localPort,
      direction: 'sendrecv',
      ptimeMs: 20,
    });
  }

  function openCall(callId: string, agent: Partial<AgentConfigInput>): OpenCall {
    return {
      callId,
      direction: 'outbound',
      agent: agentConfigSchema.parse({
        name: 'test',
        type: 'llm',
        greeting: 'Hello there.',
        stt: { provider: 'fake', transcripts: ['Yes please.'] },
        tts: { provider: 'fake' },
        llm: { provider: 'fake', replies: ['That is fine.'] },
        ...agent,
      }),
      variables: {},
      secrets: {},
      recordingPath: join(directory, `${callId}.wav`),
      mediaTimeouts: { firstPacketMs: 30_000, lostMs: 60_000, holdMs: 1_800_000 },
    };
  }

  it('greets, answers a turn, says goodbye and reports', async () => {
    const events: VoiceCallEvent[] = [];
    const waiting: { matches: (event: VoiceCallEvent) => boolean; resolve: () => void }[] = [];
    const happened = (matches: (event: VoiceCallEvent) => boolean): Promise<void> =>
      new Promise((resolve) => {
        if (events.some(matches)) resolve();
        else waiting.push({ matches, resolve });
      });
    const isTurn =
      (speaker: string) =>
      (event: VoiceCallEvent): boolean =>
        event.type === 'turn' && event.turn.speaker === speaker;
    const caller = await phone();
    const call = await pool.open(openCall('call_loop', {}), (event) => {
      events.push(event);
      for (const { matches, resolve } of waiting) if (matches(event)) resolve();
    });
    expect(pool.liveCount).toBe(1);
    talk(caller, call);
    call.answered(systemClock.now());
    await happened(isTurn('agent'));
    // What was said comes over the line, the news of it does not.
    await expect.poll(() => caller.heard.some((level) => level > 1_000)).toBe(true);
    caller.says = 9_000;
    await systemClock.sleep(600);
    caller.says = 0;
    await happened(isTurn('caller'));
    await happened((event) => event.type === 'turn' && event.turn.latency !== null);
    const answered = events.flatMap((event) =>
      event.type === 'turn' && event.turn.latency !== null ? [event.turn] : [],
    )[0];
    expect(answered?.text).toBe('That is fine.');
    const { totalMs = 0, endpointingMs = 0 } = answered?.latency ?? {};
    expect(endpointingMs).toBeGreaterThan(0);
    expect(totalMs).toBeGreaterThan(endpointingMs);
    await call.finish('Goodbye.');
    const [stats] = await pool.stats();
    expect(stats?.calls).toBe(1);
    const report = await call.close();
    expect(report.turns.map(({ speaker, text }) => `${speaker}: ${text}`)).toEqual([
      'agent: Hello there.',
      'caller: Yes please.',
      'agent: That is fine.',
      'agent: Goodbye.',
    ]);
    expect(report.firstAgentAudioAtMs).not.toBeNull();
    expect(report.media.packetsReceived).toBeGreaterThan(50);
    expect(report.usage.ttsCharacters).toBeGreaterThanOrEqual('Hello there.That is fine.'.length);
    expect(report.usage.sttMs).toBeGreaterThan(600);
    expect(await call.close()).toBe(report);
    expect(pool.liveCount).toBe(0);
    caller.stream.close();
    const wav = readWav(await readFile(join(directory, 'call_loop.wav')));
    expect(wav.sampleRateHz).toBe(8_000);
    const [left, right] = wav.channels;
    expect(Math.max(...(left ?? []))).toBeGreaterThan(8_000);
    expect(Math.max(...(right ?? []))).toBeGreaterThan(1_000);
    expect(report.recordingDurationMs).toBe((left?.length ?? 0) / 8);
  });

  it('rejects an agent that cannot be made ready and leaves nothing open', async () => {
    await expect(
      pool.open(openCall('call_mute', { tts: { provider: 'local' } }), () => undefined),
    ).rejects.toThrow('embedded speech');
    await expect(
      pool.open(openCall('call_empty', { type: 'scripted' }), () => undefined),
    ).rejects.toThrow('script');
    expect(pool.liveCount).toBe(0);
    expect((await pool.stats())[0]?.calls).toBe(0);
  });
});
