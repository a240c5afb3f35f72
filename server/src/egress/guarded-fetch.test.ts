import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedFetch } from './guarded-fetch.ts';

let server: Server;
let port: number;
let connections: number;

beforeEach(async () => {
  connections = 0;
  server = createServer((request, response) => {
    if (request.url === '/away') {
      response.writeHead(302, { location: '/stream' }).end();
      return;
    }
    response.write('one ');
    response.end('two');
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('the fetch of endpoints that strangers name', () => {
  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', 'rebound.example'])(
    'does not connect to %s',
    async (host) => {
      const guarded = createGuardedFetch({
        allowPrivateTargets: [],
        resolve: () => Promise.resolve(['127.0.0.1']),
      });
      await expect(guarded(`http://${host}:${port}/stream`)).rejects.toThrow();
      expect(connections).toBe(0);
    },
  );

  it('streams from what is allowed, and follows no redirect', async () => {
    const guarded = createGuardedFetch({ allowPrivateTargets: ['127.0.0.0/8'] });
    const response = await guarded(`http://127.0.0.1:${port}/stream`, {
      method: 'POST',
      body: '{}',
    });
    expect(await response.text()).toBe('one two');
    await expect(guarded(`http://127.0.0.1:${port}/away`)).rejects.toThrow();
  });
});
