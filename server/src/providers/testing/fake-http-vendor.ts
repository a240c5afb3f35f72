import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Behaviours, WORKS, type FakeBehaviour } from './fake-behaviour.ts';

/** A request as it arrived. */
export interface VendorRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An answer: its parts are written one after the other. */
export interface VendorAnswer {
  contentType: string;
  parts: readonly (string | Uint8Array)[];
}

/** A vendor's HTTP API on a free port of the loopback. */
export interface FakeHttpVendor {
  /** Without a slash at its end. */
  readonly url: string;
  readonly server: Server;
  readonly requests: readonly VendorRequest[];
  /** Requests whose connection the client broke. */
  readonly abortedCount: number;
  readonly behaviours: Behaviours;
  close(): Promise<void>;
}

const MAX_KEPT = 1_000;

/** @param answer what the vendor says to a request in its order; null: 404. */
export async function startFakeHttpVendor(
  answer: (request: VendorRequest) => VendorAnswer | null,
  behaviours: readonly FakeBehaviour[] = [WORKS],
): Promise<FakeHttpVendor> {
  const requests: VendorRequest[] = [];
  const list = new Behaviours(behaviours);
  let abortedCount = 0;
  const server = createServer((request, response) => {
    const behaviour = list.next();
    response.on('close', () => {
      if (!response.writableEnded && behaviour.type !== 'dies-in-the-middle') abortedCount++;
    });
    const take = async (): Promise<void> => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const url = new URL(request.url ?? '/', 'http://fake');
      const received: VendorRequest = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(parts),
      };
      if (requests.length < MAX_KEPT) requests.push(received);
      perform(response, behaviour, answer(received));
    };
    // A client that goes away while it sends is part of what is tested.
    take().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    requests,
    get abortedCount() {
      return abortedCount;
    },
    behaviours: list,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function perform(
  response: ServerResponse,
  behaviour: FakeBehaviour,
  answer: VendorAnswer | null,
): void {
  if (behaviour.type === 'hangs') return;
  if (behaviour.type === 'dies-at-once') {
    response.destroy();
    return;
  }
  if (behaviour.type === 'status' || answer === null) {
    const { status, body } = behaviour.type === 'status' ? behaviour : { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { error: { message: 'scripted failure' } }));
    return;
  }
  if (behaviour.type === 'babbles') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<html>Sign in to this network</html>');
    return;
  }
  response.writeHead(200, { 'content-type': answer.contentType });
  const [first = '', ...rest] = answer.parts;
  if (behaviour.type === 'works') {
    response.write(first);
    for (const part of rest) response.write(part);
    response.end();
    return;
  }
  response.write(first, () => {
    if (behaviour.type === 'dies-in-the-middle') response.destroy();
  });
}
