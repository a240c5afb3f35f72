import { parentPort, workerData } from 'node:worker_threads';
import { createLocalSpeech } from '../providers/local/local-speech.ts';
import { createProviders } from '../providers/provider-set.ts';
import { startMediaEngine } from '../rtp/media-engine.ts';
import { workerRest } from '../rtp/thread-rest.ts';
import { systemClock } from '../shared/clock.ts';
import { createLogger } from '../shared/logger.ts';
import { setThreadPriority } from '../shared/thread-priority.ts';
import { RpcEndpoint } from '../shared/worker-rpc.ts';
import { VoiceCall } from './voice-call.ts';
import type { VoiceWorkerData } from './voice-worker-data.ts';
import type {
  CallReady,
  CallReport,
  OpenCall,
  VoiceHostProcedures,
  VoiceWorkerProcedures,
  VoiceWorkerStats,
} from './worker-protocol.ts';

/** Packets are due every 20 ms, whatever else the machine computes. */
const MEDIA_NICE = -10;

/** Thread entry: calls, each in its room, on one media engine. */
function serve(port: NonNullable<typeof parentPort>, data: VoiceWorkerData): void {
  const clock = systemClock;
  const logger = createLogger(data.log).child({ thread: 'voice' });
  logger.debug({ granted: setThreadPriority(MEDIA_NICE) }, 'asked for priority');
  const engine = startMediaEngine({ ...data.rtp, clock, logger, rest: workerRest });
  const speech = data.speech === null ? null : createLocalSpeech(data.speech, { clock });
  const calls = new Map<string, VoiceCall>();
  /** Packets of calls that are over. */
  const past = { packetsSent: 0, packetsReceived: 0 };

  function callOf(callId: string): VoiceCall {
    const call = calls.get(callId);
    if (!call) throw new Error(`no call ${callId} on this worker`);
    return call;
  }

  async function open(args: OpenCall): Promise<CallReady> {
    const { callId } = args;
    const call = await VoiceCall.open({
      call: args,
      engine,
      providers: createProviders({
        config: args.agent,
        speech,
        secrets: args.secrets,
        defaults: data.llm,
        clock,
      }),
      clock,
      logger: logger.child({ callId }),
      emit: (event) => endpoint.cast('event', { callId, event }),
    });
    calls.set(callId, call);
    return { rtpPort: call.rtpPort };
  }

  function close(callId: string): Promise<CallReport> {
    const call = callOf(callId);
    calls.delete(callId);
    past.packetsSent += call.packetsSent;
    past.packetsReceived += call.packetsReceived;
    return call.close();
  }

  function stats(): VoiceWorkerStats {
    let { packetsSent, packetsReceived } = past;
    for (const call of calls.values()) {
      packetsSent += call.packetsSent;
      packetsReceived += call.packetsReceived;
    }
    return {
      calls: calls.size,
      rtpGarbageReceived: engine.garbageReceived,
      tickLateness: engine.tickLateness(),
      packetsSent,
      packetsReceived,
    };
  }

  const procedures: VoiceWorkerProcedures = {
    open,
    media: ({ callId, audio }) => callOf(callId).media(audio),
    answered: ({ callId, atMs }) => callOf(callId).answered(atMs),
    finish: ({ callId, text }) => callOf(callId).finish(text),
    sendDtmf: ({ callId, digits }) => callOf(callId).sendDtmf(digits),
    close: ({ callId }) => close(callId),
    stats,
  };
  const endpoint = new RpcEndpoint<VoiceWorkerProcedures, VoiceHostProcedures>(
    port,
    procedures,
    (name, error) => logger.debug({ name, err: error }, 'message for a call that is gone'),
  );
}

if (parentPort === null) throw new Error('voice-worker is a thread and nothing else');
serve(parentPort, workerData as VoiceWorkerData);
