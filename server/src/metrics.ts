import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { SpeechService, SpeechThreadReport } from './providers/local/speech-service.ts';
import type { UserAgent } from './sip/user-agent.ts';
import type { VoicePool } from './voice/voice-pool.ts';

export interface MetricsSources {
  userAgent: UserAgent;
  voice: VoicePool;
  /** Null where this node runs no speech of its own. */
  speech: Pick<SpeechService, 'stats'> | null;
  liveCalls: () => number;
}

/** Figures for Prometheus, read from their owners when asked for. */
export function createMetrics(sources: MetricsSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { userAgent, voice } = sources;
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect(): void {
        metric.set(read());
      },
    });
  };
  gauge('trunkline_calls_live', 'Calls that this node runs.', sources.liveCalls);
  const { counters } = userAgent;
  gauge('trunkline_sip_requests_received_total', 'SIP requests.', () => counters.requestsReceived);
  gauge(
    'trunkline_sip_responses_received_total',
    'SIP responses.',
    () => counters.responsesReceived,
  );
  gauge(
    'trunkline_sip_garbage_received_total',
    'What came to the SIP port and was no SIP.',
    () => counters.garbageReceived,
  );
  gauge(
    'trunkline_sip_malformed_received_total',
    'Broken SIP messages.',
    () => counters.malformedReceived,
  );
  gauge(
    'trunkline_sip_retransmissions_sent_total',
    'SIP messages that were sent again.',
    () => counters.retransmissionsSent,
  );
  gauge(
    'trunkline_sip_stray_received_total',
    'Responses and ACKs that belong to nothing.',
    () => counters.strayReceived,
  );

  const workerGauges = {
    calls: new Gauge({
      name: 'trunkline_voice_calls',
      help: 'Calls by voice worker.',
      labelNames: ['worker'],
      registers: [registry],
    }),
    lateness: new Gauge({
      name: 'trunkline_voice_tick_lateness_ms',
      help: 'How late the 20 ms ticks are.',
      labelNames: ['worker', 'quantile'],
      registers: [registry],
    }),
    sent: new Gauge({
      name: 'trunkline_rtp_packets_sent_total',
      help: 'RTP packets.',
      labelNames: ['worker'],
      registers: [registry],
    }),
    received: new Gauge({
      name: 'trunkline_rtp_packets_received_total',
      help: 'RTP packets.',
      labelNames: ['worker'],
      registers: [registry],
    }),
  };
  const invalid = new Gauge({
    name: 'trunkline_rtp_invalid_received_total',
    help: 'Datagrams on RTP ports that were no RTP of the call, or came from strangers.',
    registers: [registry],
    async collect() {
      const workers = await voice.stats();
      invalid.set(workers.reduce((sum, worker) => sum + worker.rtpGarbageReceived, 0));
      workers.forEach((worker, index) => {
        const label = { worker: String(index) };
        workerGauges.calls.set(label, worker.calls);
        workerGauges.sent.set(label, worker.packetsSent);
        workerGauges.received.set(label, worker.packetsReceived);
        workerGauges.lateness.set({ ...label, quantile: '0.5' }, worker.tickLateness.p50Ms);
        workerGauges.lateness.set({ ...label, quantile: '0.99' }, worker.tickLateness.p99Ms);
        workerGauges.lateness.set({ ...label, quantile: '1' }, worker.tickLateness.maxMs);
      });
    },
  });
  if (sources.speech !== null) addSpeech(registry, sources.speech);
  return registry;
}

/** Per kind (vad, stt, tts): of several threads the queues add up, and the longest wait counts. */
function addSpeech(registry: Registry, speech: Pick<SpeechService, 'stats'>): void {
  const byKind = async (): Promise<Map<string, SpeechThreadReport[]>> =>
    Map.groupBy(await speech.stats(), ({ kind }) => kind);
  const queue: Gauge<'kind'> = new Gauge({
    name: 'trunkline_speech_queue',
    help: 'Speech jobs that wait for an inference thread.',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      for (const [kind, threads] of await byKind()) {
        const count = threads.reduce((sum, { waiting }) => sum + waiting, 0);
        queue.set({ kind }, count);
      }
    },
  });
  const wait: Gauge<'kind' | 'quantile'> = new Gauge({
    name: 'trunkline_speech_wait_ms',
    help: 'Wait of speech jobs before they begin, in the last minute; without those that may wait.',
    labelNames: ['kind', 'quantile'],
    registers: [registry],
    async collect() {
      for (const [kind, threads] of await byKind()) {
        const waitMs = Math.max(...threads.map(({ waitP95Ms }) => waitP95Ms));
        wait.set({ kind, quantile: '0.95' }, waitMs);
      }
    },
  });
}
