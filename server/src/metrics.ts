import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { TrafficRow } from './db/queries/traffic.ts';
import type { SpeechService, SpeechThreadReport } from './providers/local/speech-service.ts';
import type { UserAgent, UserAgentCounters } from './sip/user-agent.ts';
import type { VoicePool } from './voice/voice-pool.ts';
import type { DelivererCounters } from './webhooks/deliverer.ts';

export interface MetricsSources {
  userAgent: Pick<UserAgent, 'counters'>;
  voice: Pick<VoicePool, 'stats'>;
  /** Null where this node runs no speech of its own. */
  speech: Pick<SpeechService, 'stats'> | null;
  liveCalls: () => number;
  /** How the last hour's calls of each trunk went. */
  traffic: () => Promise<TrafficRow[]>;
  /** Null where this node delivers none. */
  webhooks?: { counters: DelivererCounters; pending: () => Promise<number> } | null;
}

/** One value with its labels. */
interface Sample {
  labels?: Record<string, string>;
  value: number;
}

interface Figure {
  name: string;
  help: string;
  labelNames?: string[];
  /** Asked at every scrape. */
  read: () => Sample[] | Promise<Sample[]>;
}

/** Figures for Prometheus, read from their owners when asked for. */
export function createMetrics(sources: MetricsSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addGauge(registry, {
    name: 'trunkline_calls_live',
    help: 'Calls that this node runs.',
    read: () => [{ value: sources.liveCalls() }],
  });
  addTraffic(registry, sources.traffic);
  addSip(registry, sources.userAgent);
  addVoice(registry, sources.voice);
  if (sources.speech !== null) addSpeech(registry, sources.speech);
  if (sources.webhooks) addWebhooks(registry, sources.webhooks);
  return registry;
}

function addTraffic(registry: Registry, traffic: MetricsSources['traffic']): void {
  const figures: [string, string, (row: TrafficRow) => number | null][] = [
    ['calls', 'Outbound calls of the last hour.', (row) => row.calls],
    ['answered_share', 'Answered share of them (ASR).', (row) => row.answered / row.calls],
    [
      'call_seconds',
      'Average length of answered calls (ACD).',
      ({ averageDurationMs: ms }) => ms && ms / 1_000,
    ],
    [
      'ringing_delay_seconds',
      'Average time from INVITE to ringing (PDD).',
      ({ averagePddMs: ms }) => ms && ms / 1_000,
    ],
    [
      'short_call_share',
      'Share of answered calls that lasted 6 s or less.',
      ({ answered, upTo6S }) => (answered === 0 ? null : upTo6S / answered),
    ],
  ];
  for (const [name, help, valueOf] of figures) {
    addGauge(registry, {
      name: `trunkline_trunk_${name}`,
      help,
      labelNames: ['trunk'],
      read: async () =>
        (await traffic()).flatMap((row) => {
          const value = valueOf(row);
          return value === null ? [] : [{ labels: { trunk: row.trunkId }, value }];
        }),
    });
  }
}

const SIP_COUNTERS: readonly [keyof UserAgentCounters, string, string][] = [
  ['requestsReceived', 'requests_received', 'SIP requests.'],
  ['responsesReceived', 'responses_received', 'SIP responses.'],
  ['garbageReceived', 'garbage_received', 'What came to the SIP port and was no SIP.'],
  ['malformedReceived', 'malformed_received', 'Broken SIP messages.'],
  ['retransmissionsSent', 'retransmissions_sent', 'SIP messages that were sent again.'],
  ['strayReceived', 'stray_received', 'Responses and ACKs that belong to nothing.'],
];

function addSip(registry: Registry, { counters }: MetricsSources['userAgent']): void {
  for (const [counter, name, help] of SIP_COUNTERS) {
    addCounter(registry, {
      name: `trunkline_sip_${name}_total`,
      help,
      read: () => [{ value: counters[counter] }],
    });
  }
}

function addVoice(registry: Registry, voice: MetricsSources['voice']): void {
  type Stats = Awaited<ReturnType<VoicePool['stats']>>[number];
  const perWorker =
    (samplesOf: (stats: Stats) => Sample[]): Figure['read'] =>
    async () =>
      (await voice.stats()).flatMap((stats, worker) =>
        samplesOf(stats).map(({ labels, value }) => ({
          labels: { worker: String(worker), ...labels },
          value,
        })),
      );
  addGauge(registry, {
    name: 'trunkline_voice_calls',
    help: 'Calls by voice worker.',
    labelNames: ['worker'],
    read: perWorker(({ calls }) => [{ value: calls }]),
  });
  addGauge(registry, {
    name: 'trunkline_voice_tick_lateness_ms',
    help: 'How late the 20 ms ticks of the last minute were.',
    labelNames: ['worker', 'quantile'],
    read: perWorker(({ tickLateness: { p50Ms, p99Ms, maxMs } }) => [
      { labels: { quantile: '0.5' }, value: p50Ms },
      { labels: { quantile: '0.99' }, value: p99Ms },
      { labels: { quantile: '1' }, value: maxMs },
    ]),
  });
  addCounter(registry, {
    name: 'trunkline_rtp_packets_sent_total',
    help: 'RTP packets.',
    labelNames: ['worker'],
    read: perWorker(({ packetsSent }) => [{ value: packetsSent }]),
  });
  addCounter(registry, {
    name: 'trunkline_rtp_packets_received_total',
    help: 'RTP packets.',
    labelNames: ['worker'],
    read: perWorker(({ packetsReceived }) => [{ value: packetsReceived }]),
  });
  addCounter(registry, {
    name: 'trunkline_rtp_invalid_received_total',
    help: 'Datagrams on RTP ports that were no RTP of the call, or came from strangers.',
    read: async () => {
      const workers = await voice.stats();
      return [{ value: workers.reduce((sum, worker) => sum + worker.rtpGarbageReceived, 0) }];
    },
  });
}

/** Per kind (vad, stt, tts): of several threads the queues add up, and the longest wait counts. */
function addSpeech(registry: Registry, speech: Pick<SpeechService, 'stats'>): void {
  const perKind =
    (sampleOf: (threads: SpeechThreadReport[]) => Sample): Figure['read'] =>
    async () =>
      [...Map.groupBy(await speech.stats(), ({ kind }) => kind)].map(([kind, threads]) => {
        const { labels, value } = sampleOf(threads);
        return { labels: { kind, ...labels }, value };
      });
  addGauge(registry, {
    name: 'trunkline_speech_queue',
    help: 'Speech jobs that wait for an inference thread.',
    labelNames: ['kind'],
    read: perKind((threads) => ({
      value: threads.reduce((sum, { waiting }) => sum + waiting, 0),
    })),
  });
  addGauge(registry, {
    name: 'trunkline_speech_wait_ms',
    help: 'Wait of speech jobs before they begin, in the last minute; without those that may wait.',
    labelNames: ['kind', 'quantile'],
    read: perKind((threads) => ({
      labels: { quantile: '0.95' },
      value: Math.max(...threads.map(({ waitP95Ms }) => waitP95Ms)),
    })),
  });
}

function addWebhooks(
  registry: Registry,
  { counters, pending }: NonNullable<MetricsSources['webhooks']>,
): void {
  addGauge(registry, {
    name: 'trunkline_webhook_pending',
    help: 'Webhook deliveries that wait, of all nodes; counted up to 100,000.',
    read: async () => [{ value: await pending() }],
  });
  addCounter(registry, {
    name: 'trunkline_webhook_tries_total',
    help: 'Tries of webhook deliveries by result; skipped: not what the endpoint wants.',
    labelNames: ['result'],
    read: () =>
      (['delivered', 'failed', 'skipped'] as const).map((result) => ({
        labels: { result },
        value: counters[result],
      })),
  });
  addCounter(registry, {
    name: 'trunkline_webhook_try_seconds_total',
    help: 'Time that tries of webhook deliveries took together.',
    read: () => [{ value: counters.tryMs / 1_000 }],
  });
}

function addGauge(registry: Registry, { name, help, labelNames = [], read }: Figure): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const samples = await read();
      gauge.reset();
      for (const { labels = {}, value } of samples) gauge.set(labels, value);
    },
  });
}

function addCounter(registry: Registry, { name, help, labelNames = [], read }: Figure): void {
  const counter: Counter = new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    // The owner counts; what was told before is replaced.
    async collect() {
      const samples = await read();
      counter.reset();
      for (const { labels = {}, value } of samples) counter.inc(labels, value);
    },
  });
}
