import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';

/**
 * Peers cannot take a port by themselves and tell which. Theirs are drawn from below the range that
 * the kernel gives away (32768 and up), so that no socket of anybody takes one between look and use.
 */
const PEER_PORTS = { min: 2_000, max: 4_999, block: 4 };
/** Blocks of RTP ports; a port that somebody else has is passed over by the program. */
const RTP_PORTS = { min: 24_400, max: 32_399, block: 400 };
/** Test files that run at the same time, each in a process of its own, draw from different halves. */
const HALVES = 2;
const HALF = Number(process.env['VITEST_POOL_ID'] ?? 0) % HALVES;
const PEER_BLOCKS = (PEER_PORTS.max + 1 - PEER_PORTS.min) / PEER_PORTS.block / HALVES;
const RTP_BLOCKS = (RTP_PORTS.max + 1 - RTP_PORTS.min) / RTP_PORTS.block / HALVES;
let nextBlock = randomInt(RTP_BLOCKS);
const handedOut = new Set<number>();

/** A port that is free for UDP and TCP, and for UDP on the two above. */
export async function freePort(): Promise<number> {
  for (;;) {
    const block = randomInt(PEER_BLOCKS) * HALVES + HALF;
    const port = PEER_PORTS.min + block * PEER_PORTS.block;
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    const free = await Promise.all([tcpIsFree(port), ...[0, 1, 2].map((n) => udpIsFree(port + n))]);
    if (free.every(Boolean)) return port;
  }
}

/** Where a block of RTP ports begins, another one each time until all were used. */
export function rtpPortRange(): { min: number } {
  nextBlock = (nextBlock + 1) % RTP_BLOCKS;
  return { min: RTP_PORTS.min + (nextBlock * HALVES + HALF) * RTP_PORTS.block };
}

function tcpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(true));
    });
  });
}

function udpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, '127.0.0.1', () => {
      socket.close(() => resolve(true));
    });
  });
}
