import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { NoPortError, PortPool, type SocketPair } from './port-pool.ts';
import { openPeer } from './testing/udp-peer.ts';

const HOST = '127.0.0.1';
const pairs: { pool: PortPool; pair: SocketPair }[] = [];

afterEach(() => {
  for (const { pool, pair } of pairs.splice(0)) pool.release(pair);
});

async function take(pool: PortPool): Promise<number> {
  const pair = await pool.open();
  pairs.push({ pool, pair });
  return pair.port;
}

/** Four free ports in a row, the first of them even. */
async function freeRange(): Promise<number> {
  for (;;) {
    const probe = await openPeer();
    const { port } = probe;
    await probe.close();
    const first = port + (port % 2);
    const tried = await Promise.allSettled([0, 1, 2, 3].map((n) => openPeer(first + n)));
    const peers = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(peers.map((peer) => peer.close()));
    if (peers.length === 4) return first;
  }
}

describe('port pool', () => {
  it('T38 RFC 3550 §11: RTP is on an even port and RTCP on the next', async () => {
    const first = await freeRange();
    const pool = new PortPool({
      host: HOST,
      portMin: first - 1,
      portMax: first + 3,
      clock: new FakeClock(),
    });
    expect(await take(pool)).toBe(first);
    expect(pairs[0]?.pair.rtcp.address().port).toBe(first + 1);
    expect(await take(pool)).toBe(first + 2);
    await expect(pool.open()).rejects.toThrow(NoPortError);
  });

  it('T48: does not use a port again for 30 s', async () => {
    const first = await freeRange();
    const clock = new FakeClock();
    const pool = new PortPool({ host: HOST, portMin: first, portMax: first + 1, clock });
    const pair = await pool.open();
    pool.release(pair);
    pool.release(pair);
    await clock.advance(29_999);
    await expect(pool.open()).rejects.toThrow(NoPortError);
    await clock.advance(1);
    expect(await take(pool)).toBe(first);
  });

  it('T48: passes over a pair of which somebody else holds one port', async () => {
    const first = await freeRange();
    const stranger = await openPeer(first + 1);
    const pool = new PortPool({
      host: HOST,
      portMin: first,
      portMax: first + 3,
      clock: new FakeClock(),
    });
    expect(await take(pool)).toBe(first + 2);
    await stranger.close();
  });

  it('says why where the address is not ours', async () => {
    const pool = new PortPool({
      host: '192.0.2.1',
      portMin: 20_000,
      portMax: 65_000,
      clock: new FakeClock(),
    });
    const error: unknown = await pool.open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NoPortError);
    expect((error as NoPortError).cause).toMatchObject({ code: 'EADDRNOTAVAIL' });
  });
});
