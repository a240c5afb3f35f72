import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../shared/clock.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { SipAddress } from './message.ts';
import { UdpPortProbe } from './udp-port-probe.ts';

const HOST = '127.0.0.1';
const opened: { close(): unknown }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

async function bound(host = HOST): Promise<{ socket: Socket; address: SipAddress }> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  return { socket, address: { host: HOST, port: socket.address().port, transport: 'udp' } };
}

async function closedPort(): Promise<SipAddress> {
  const { socket, address } = await bound();
  socket.close();
  await once(socket, 'close');
  return address;
}

function probe(clock: Clock = new FakeClock()): UdpPortProbe {
  const one = new UdpPortProbe(HOST, clock);
  opened.push(one);
  return one;
}

describe('UdpPortProbe', () => {
  it('RFC 1122 §4.1.3.3: hears that a port is closed', async () => {
    // A clock that stands still: only the ICMP error can end this.
    expect(await probe().isClosed(await closedPort())).toBe(true);
  });

  it('knows nothing of a port that is silent, and stops asking after a second', async () => {
    const { socket, address } = await bound();
    opened.push(socket);
    const clock = new FakeClock();
    const asked = probe(clock).isClosed(address);
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    expect(bytes.toString()).toBe('\r\n\r\n');
    await clock.advance(1000);
    expect(await asked).toBe(false);
  });

  it('takes an answer for a sign of life', async () => {
    const { socket, address } = await bound();
    opened.push(socket);
    socket.on('message', (_bytes, { port }) => socket.send('\r\n', port, HOST));
    expect(await probe().isClosed(address)).toBe(false);
  });

  it('asks once for all who want to know at one time', async () => {
    const one = probe(systemClock);
    const address = await closedPort();
    const asked = [one.isClosed(address), one.isClosed({ ...address })];
    expect(asked[0]).toBe(asked[1]);
    expect(await Promise.all(asked)).toEqual([true, true]);
    expect(one.isClosed(address)).not.toBe(asked[0]);
  });

  it('knows nothing of a name that does not exist, of more than 64 places, and once it is closed', async () => {
    const one = probe();
    const nowhere: SipAddress = { host: 'x'.repeat(70), port: 5060, transport: 'udp' };
    expect(await one.isClosed(nowhere)).toBe(false);
    const { socket, address } = await bound('0.0.0.0');
    opened.push(socket);
    const asked = Array.from({ length: 64 }, (_, i) =>
      one.isClosed({ ...address, host: `127.0.0.${i + 1}` }),
    );
    expect(await one.isClosed(await closedPort())).toBe(false);
    one.close();
    one.close();
    expect((await Promise.all(asked)).includes(true)).toBe(false);
    expect(await one.isClosed(address)).toBe(false);
  });
});
