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
import { startCarrier, type Carrier, type CarrierPhones } from './carrier.ts';

/** Thread of the carrier: its signalling and media share no event loop with the platform. */
if (!parentPort) throw new Error('carrier-worker runs as a worker thread only');
const data = workerData as CarrierWorkerData;
const logger = createLogger(data.log).child({ thread: 'carrier' });
let carrier: Carrier | null = null;

async function keepMessage(directory: string, name: string, samples: Int16Array): Promise<void> {
  makePrivateDirectory(directory);
  const file = path.join(directory, `${name.replaceAll(/[^\w.-]/g, '_')}.wav`);
  const writer = new StereoWavWriter(file);
  for (let at = 0; at + FRAME_SAMPLES <= samples.length; at += FRAME_SAMPLES) {
    writer.write(samples.subarray(at, at + FRAME_SAMPLES), null);
  }
  await writer.close();
}

function phonesOf({ phones }: CarrierWorkerData): CarrierPhones | null {
  if (!phones) return null;
  const { speech, credentials, persona, voicemailDir } = phones;
  return {
    credentials,
    persona,
    vad: createLocalVad(speech),
    stt: createLocalStt(speech),
    tts: createLocalTts(speech),
    keepMessage: (name, samples) => keepMessage(voicemailDir, name, samples),
  };
}

const procedures: CarrierProcedures = {
  async start() {
    carrier ??= await startCarrier({
      ...data,
      phones: phonesOf(data),
      service: {
        signIn: (question) => host.call('signIn', question),
        signedIn: (result) => host.cast('signedIn', result),
        routeOutbound: (call) => host.call('routeOutbound', call),
        routeInbound: (call) => host.call('routeInbound', call),
        isUpstream: (call) => host.call('isUpstream', call),
        record: (record) => host.call('record', record),
        abandon: (attempt) => host.call('abandon', attempt),
      },
      clock: systemClock,
      logger,
    });
    return { sipPort: carrier.sipPort, sipTlsPort: carrier.sipTlsPort };
  },
  callCount: () => carrier?.callCount ?? 0,
  async drain({ timeoutMs }) {
    await carrier?.drain(timeoutMs);
  },
  async close() {
    await carrier?.close();
  },
};

const host = new RpcEndpoint<CarrierProcedures, CarrierHostProcedures>(parentPort, procedures);
