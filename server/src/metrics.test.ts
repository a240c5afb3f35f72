import { expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { NO_STATS } from './providers/local/speech-protocol.ts';
import type { SpeechThreadReport } from './providers/local/speech-service.ts';
import { systemClock } from './shared/clock.ts';
import { silentLogger } from './shared/logger.ts';
import { startUserAgent } from './sip/user-agent.ts';
import { startVoicePool } from './voice/voice-pool.ts';

const COUNTERS = {
  requestsReceived: 7,
  responsesReceived: 0,
  garbageReceived: 2,
  malformedReceived: 0,
  retransmissionsSent: 0,
  strayReceived: 0,
};

/** The last hour of a trunk. */
const TRAFFIC = {
  trunkId: 'trunk_1',
  name: 'one',
  calls: 4,
  answered: 2,
  averageDurationMs: 9_000,
  averagePddMs: 1_500,
  zero: 0,
  upTo6S: 1,
  upTo12S: 1,
  upTo30S: 2,
};

const thread = (
  kind: SpeechThreadReport['kind'],
  waiting: number,
  waitP95Ms: number,
): SpeechThreadReport => ({ ...NO_STATS, kind, waiting, waitP95Ms, loadMs: 0, restarts: 0 });

it('shows queue and wait of each kind of speech at the first look', async () => {
  const logger = silentLogger;
  const userAgent = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    userAgent: 'test',
    clock: systemClock,
    logger,
  });
  const voice = await startVoicePool({
    workers: 0,
    rtp: { host: '127.0.0.1', portMin: 42_300, portMax: 42_310 },
    connectSpeech: null,
    llm: { openaiBaseUrl: 'http://127.0.0.1:9/v1', openaiApiKey: null, allowPrivateTargets: [] },
    workerLog: { level: 'silent', destination: '-' },
    logger,
  });
  try {
    const threads = [thread('vad', 1, 2), thread('stt', 3, 40), thread('stt', 4, 1_500)];
    const speech = { stats: () => Promise.resolve(threads) };
    const registry = createMetrics({
      userAgent,
      voice,
      speech,
      liveCalls: () => 0,
      traffic: () => Promise.resolve([]),
    });
    const text = await registry.metrics();
    expect(text).toContain('trunkline_speech_queue{kind="vad"} 1\n');
    expect(text).toContain('trunkline_speech_queue{kind="stt"} 7\n');
    expect(text).toContain('trunkline_speech_wait_ms{kind="stt",quantile="0.95"} 1500\n');
  } finally {
    await voice.close();
    await userAgent.close();
  }
});

it('shows every voice worker at the first look, and counts what is counted elsewhere', async () => {
  const worker = {
    calls: 3,
    rtpGarbageReceived: 4,
    tickLateness: { p50Ms: 0.1, p99Ms: 1.5, maxMs: 9 },
    packetsSent: 100,
    packetsReceived: 90,
  };
  const registry = createMetrics({
    traffic: () => Promise.resolve([TRAFFIC]),
    userAgent: { counters: COUNTERS },
    voice: { stats: () => Promise.resolve([worker, { ...worker, calls: 1 }]) },
    speech: null,
    liveCalls: () => 4,
  });
  for (let look = 0; look < 2; look++) {
    const text = await registry.metrics();
    expect(text).toContain('trunkline_calls_live 4\n');
    expect(text).toContain('# TYPE trunkline_sip_requests_received_total counter\n');
    expect(text).toContain('trunkline_sip_requests_received_total 7\n');
    expect(text).toContain('trunkline_voice_calls{worker="1"} 1\n');
    expect(text).toContain('trunkline_voice_tick_lateness_ms{worker="0",quantile="0.99"} 1.5\n');
    expect(text).toContain('trunkline_rtp_packets_sent_total{worker="0"} 100\n');
    expect(text).toContain('trunkline_rtp_invalid_received_total 8\n');
  }
});

it('shows what waits for webhooks, and how their tries went', async () => {
  const registry = createMetrics({
    userAgent: { counters: COUNTERS },
    voice: { stats: () => Promise.resolve([]) },
    speech: null,
    liveCalls: () => 0,
    traffic: () => Promise.resolve([]),
    webhooks: {
      counters: { delivered: 5, failed: 2, skipped: 1, tryMs: 1_500 },
      pending: () => Promise.resolve(3),
    },
  });
  const text = await registry.metrics();
  expect(text).toContain('trunkline_webhook_pending 3\n');
  expect(text).toContain('trunkline_webhook_tries_total{result="delivered"} 5\n');
  expect(text).toContain('trunkline_webhook_tries_total{result="failed"} 2\n');
  expect(text).toContain('trunkline_webhook_try_seconds_total 1.5\n');
});

it('shows how the calls of each trunk went', async () => {
  const registry = createMetrics({
    userAgent: { counters: COUNTERS },
    voice: { stats: () => Promise.resolve([]) },
    speech: null,
    liveCalls: () => 0,
    traffic: () =>
      Promise.resolve([
        TRAFFIC,
        { ...TRAFFIC, trunkId: 'trunk_2', answered: 0, averagePddMs: null },
      ]),
  });
  const text = await registry.metrics();
  expect(text).toContain('trunkline_trunk_answered_share{trunk="trunk_1"} 0.5');
  expect(text).toContain('trunkline_trunk_call_seconds{trunk="trunk_1"} 9');
  expect(text).toContain('trunkline_trunk_ringing_delay_seconds{trunk="trunk_1"} 1.5');
  expect(text).toContain('trunkline_trunk_short_call_share{trunk="trunk_1"} 0.5');
  expect(text).toContain('trunkline_trunk_answered_share{trunk="trunk_2"} 0');
  expect(text).not.toContain('trunkline_trunk_short_call_share{trunk="trunk_2"}');
  expect(text).not.toContain('trunkline_trunk_ringing_delay_seconds{trunk="trunk_2"}');
});
