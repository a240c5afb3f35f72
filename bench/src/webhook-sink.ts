/**
 * A receiver of webhooks, a process of its own that bench/src/webhooks.ts starts: it answers 200 at
 * once, and keeps how old each message was. A second port takes requests and never answers.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { RpcEndpoint } from '../../server/src/shared/worker-rpc.ts';
import { parentPort } from './harness/process-port.ts';

export interface SinkReport {
  count: number;
  /** Age of each message when it came, by the `timestamp` in its body. */
  agesMs: number[];
  cpuMs: number;
}

// A type, not an interface: the RPC takes records.
export type SinkProcedures = {
  open: () => Promise<{ port: number; deadPort: number }>;
  reset: () => void;
  count: () => number;
  report: () => SinkReport;
};

const agesMs: number[] = [];
let count = 0;

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const port = parentPort();
if (port) {
  const sink = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      count++;
      const timestamp = /"timestamp":"([^"]+)"/.exec(body)?.[1];
      if (timestamp !== undefined) agesMs.push(Date.now() - Date.parse(timestamp));
      response.end();
    });
  });
  const dead = http.createServer((request) => void request.resume());
  void new RpcEndpoint<SinkProcedures, Record<string, never>>(port, {
    open: async () => ({ port: await listen(sink), deadPort: await listen(dead) }),
    reset() {
      agesMs.length = 0;
      count = 0;
    },
    count: () => count,
    report() {
      const { user, system } = process.cpuUsage();
      return { count, agesMs: [...agesMs], cpuMs: (user + system) / 1000 };
    },
  });
  process.once('disconnect', () => process.exit(0));
} else {
  console.error('started by the benchmark: run node bench/src/webhooks.ts');
  process.exitCode = 2;
}
