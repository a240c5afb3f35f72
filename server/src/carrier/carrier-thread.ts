import { Worker } from 'node:worker_threads';
import { speechPortList } from '../providers/local/speech-ports.ts';
import type { Logger } from '../shared/logger.ts';
import { RpcEndpoint } from '../shared/worker-rpc.ts';
import type {
  CarrierHostProcedures,
  CarrierProcedures,
  CarrierWorkerData,
} from './carrier-protocol.ts';
import type { Carrier } from './carrier.ts';
import type { TrunkServiceProcedures } from './trunk-protocol.ts';

export interface CarrierThreadOptions extends CarrierWorkerData {
  service: TrunkServiceProcedures;
  logger: Logger;
}

/**
 * Starts the carrier in a thread of its own.
 * @throws Error naming the port where it is taken.
 */
export async function startCarrierThread(
  options: CarrierThreadOptions,
): Promise<Omit<Carrier, 'callCount'>> {
  const { logger, service, ...workerData } = options;
  const worker = new Worker(new URL('./carrier-worker.ts', import.meta.url), {
    workerData,
    transferList: workerData.phones ? speechPortList(workerData.phones.speech) : [],
    name: 'carrier',
  });
  const { signIn, signedIn, routeOutbound, routeInbound, isUpstream, record, abandon } = service;
  const rpc = new RpcEndpoint<CarrierHostProcedures, CarrierProcedures>(
    worker,
    { signIn, signedIn, routeOutbound, routeInbound, isUpstream, record, abandon },
    (name, error) => logger.error({ err: error, name }, 'a message of the carrier failed'),
  );
  let closing = false;
  worker.on('error', (error) => logger.error({ err: error }, 'the sandbox carrier has failed'));
  worker.on('exit', (code) => {
    if (!closing) logger.error({ code }, 'the sandbox carrier has ended; sandbox calls will fail');
    rpc.close();
  });
  try {
    const { sipPort, sipTlsPort } = await rpc.call('start', {});
    return {
      sipPort,
      sipTlsPort,
      // A thread that has ended has no calls.
      drain: (timeoutMs) => rpc.call('drain', { timeoutMs }).catch(() => undefined),
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
