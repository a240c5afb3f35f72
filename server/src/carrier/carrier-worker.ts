import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { FRAME_SAMPLES } from '../rtp/media-engine.ts';
import { StereoWavWriter } from '../audio/wav-writer.ts';
import { createLocalStt } from '../providers/local/local-stt.ts';
import { createLocalTts } from '../providers/local/local-tts.ts';
import { createLocalVad } from '../providers/local/local-vad.ts';
import { systemClock } from '../shared/clock.ts';
import { createLogger } from '../shared/logger.ts';
import { makePrivateDirectory } from '../shared/private-directory.ts';
import { RpcEndpoint } from '../shared/worker-rpc.ts';
import type {
  CarrierHostProcedures,
  CarrierProcedures,
  CarrierWorkerData,
} from './carrier-protocol.ts';
import { startCarrier, type Carrier } from './carrier.ts';

/** Thread of the sandbox carrier: its signalling and media share no event loop with the platform. */
if (!parentPort) throw new Error('carrier-worker runs as a worker thread only');
const data = workerData as CarrierWorkerData;
const logger = createLogger(data.log).child({ thread: 'carrier' });
let carrier: Carrier | null = null;

async function keepMessage(name: string, samples: Int16Array): Promise<void> {
  makePrivateDirectory(data.voicemailDir);
  const file = path.join(data.voicemailDir, `${name.replaceAll(/[^\w.-]/g, '_')}.wav`);
  const writer = new StereoWavWriter(file);
  for (let at = 0; at + FRAME_SAMPLES <= samples.length; at += FRAME_SAMPLES) {
    writer.write(samples.subarray(at, at + FRAME_SAMPLES), null);
  }
  await writer.close();
}

const procedures: CarrierProcedures = {
  async start() {
    carrier ??= await startCarrier({
      host: data.host,
      sipPort: data.sipPort,
      rtpPortMin: data.rtpPortMin,
      rtpPortMax: data.rtpPortMax,
      credentials: data.credentials,
      persona: data.persona,
      vad: createLocalVad(data.speech),
      stt: createLocalStt(data.speech),
      tts: createLocalTts(data.speech),
      keepMessage,
      clock: systemClock,
      logger,
    });
    return { sipPort: carrier.sipPort };
  },
  callCount: () => carrier?.callCount ?? 0,
  async close() {
    await carrier?.close();
  },
};

void new RpcEndpoint<CarrierProcedures, CarrierHostProcedures>(parentPort, procedures);
