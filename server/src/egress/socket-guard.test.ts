import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { createSocketGuard, type SocketGuard } from './socket-guard.ts';

function look(guard: SocketGuard, all: boolean): Promise<string | LookupAddress[]> {
  return new Promise((resolve, reject) => {
    guard.lookup('vendor.example', { all }, (error, address) => {
      if (error) reject(error);
      else resolve(address);
    });
  });
}

const guardOf = (addresses: string[], allowPrivateTargets: string[] = []): SocketGuard =>
  createSocketGuard({ allowPrivateTargets, resolve: () => Promise.resolve(addresses) });

describe('createSocketGuard', () => {
  it('judges addresses in URLs of WebSockets as those of web pages', () => {
    const guard = guardOf([]);
    expect(guard.refusal('wss://vendor.example/v1')).toBeNull();
    expect(guard.refusal('wss://8.8.8.8/v1')).toBeNull();
    expect(guard.refusal('ws://127.0.0.1:8080/')).toContain('loopback');
    expect(guard.refusal('ws://[::ffff:10.0.0.1]/')).toContain('private');
    expect(guardOf([], ['127.0.0.0/8']).refusal('ws://127.0.0.1:8080/')).toBeNull();
  });

  it('gives public addresses in either form', async () => {
    const guard = guardOf(['8.8.8.8', '2001:4860:4860::8888']);
    expect(await look(guard, false)).toBe('8.8.8.8');
    expect(await look(guard, true)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2001:4860:4860::8888', family: 6 },
    ]);
  });

  it('refuses a host for one bad address among its own, and one without any', async () => {
    await expect(look(guardOf(['8.8.8.8', '10.0.0.1']), true)).rejects.toMatchObject({
      code: 'refused-target',
    });
    await expect(look(guardOf([]), false)).rejects.toMatchObject({ code: 'unresolved' });
  });
});
