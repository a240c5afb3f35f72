import { Worker } from 'node:worker_threads';
import { speechPortList, type SpeechPorts } from '../providers/local/speech-ports.ts';
import type { Logger } from '../shared/logger.ts';
import { RpcEndpoint } from '../shared/worker-rpc.ts';
import type {
  CarrierHostProcedures,
  CarrierProcedures,
  CarrierWorkerData,
} from './carrier-protocol.ts';
import type { Carrier } from './carrier.ts';

export interface CarrierThreadOptions extends Omit<CarrierWorkerData, 'speech'> {
  speech: SpeechPorts;
  logger: Logger;
}

/**
 * Starts the sandbox carrier in a thread of its own.
 * @throws Error naming the port where it is taken.
 */
export async function startCarrierThread(
  options: CarrierThreadOptions,
): Promise<Omit<Carrier, 'callCount'>> {
  const { logger, ...workerData } = options;
  const worker = new Worker(new URL('./carrier-worker.ts', import.meta.url), {
    workerData,
    transferList: speechPortList(options.speech),
    name: 'carrier',
  });
  const rpc = new RpcEndpoint<CarrierHostProcedures, CarrierProcedures>(worker, {});
  let closing = false;
  worker.on('error', (error) => logger.error({ err: error }, 'the sandbox carrier has failed'));
  worker.on('exit', (code) => {
    if (!closing) logger.error({ code }, 'the sandbox carrier has ended; sandbox calls will fail');
    rpc.close();
  });
  try {
    const { sipPort } = await rpc.call('start', {});
    return {
      sipPort,
      async close() {
        if (closing) return;
        closing = true;
        await rpc.call('close', {}).catch(() => undefined);
        rpc.close();
        await worker.terminate();
      },
    };
  } catch (error) {
    closing = true;
    await worker.terminate();
    throw error;
  }
}
