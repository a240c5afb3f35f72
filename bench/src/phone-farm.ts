/**
 * The load generator, a process of its own that a benchmark starts and talks to over IPC: see
 * farm/farm-protocol.ts. It ends when the benchmark does.
 */
import { RpcEndpoint } from '../../server/src/shared/worker-rpc.ts';
import type { FarmProcedures } from './farm/farm-protocol.ts';
import { PhoneFarm } from './farm/phone-farm.ts';
import { parentPort } from './harness/process-port.ts';

const farm = new PhoneFarm();
const port = parentPort();
if (port) {
  void new RpcEndpoint<FarmProcedures, Record<string, never>>(port, farm.procedures());
  process.once('disconnect', () => void farm.close().finally(() => process.exit(0)));
} else {
  console.error('started by the benchmarks: run node bench/src/turns.ts, for example');
  process.exitCode = 2;
}
