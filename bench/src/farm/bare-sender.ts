/**
 * The floor of packet spacing: nothing but one timer chain a stream in a Node process of its own.
 * Forked by the spacing benchmark.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../../server/src/rtp/rtp-packet.ts';
import { RpcEndpoint } from '../../../server/src/shared/worker-rpc.ts';
import { parentPort } from '../harness/process-port.ts';
import { monotonicMs } from './monotonic.ts';

/** Served by the bare sender's process. */
export type BareSenderProcedures = {
  /** Binds so many sockets; resolves with their ports. */
  open: (args: { count: number }) => Promise<number[]>;
  /** Starts one stream from every socket to the port in the same place. */
  send: (args: { remotePorts: number[] }) => void;
};

const FRAME_MS = 20;
const FRAME_SAMPLES = 160;
const sockets: dgram.Socket[] = [];

async function open({ count }: { count: number }): Promise<number[]> {
  for (let n = 0; n < count; n++) {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => undefined);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    sockets.push(socket);
  }
  return sockets.map((socket) => socket.address().port);
}

function send({ remotePorts }: { remotePorts: number[] }): void {
  for (const [n, socket] of sockets.entries()) {
    const port = remotePorts[n];
    if (port === undefined) continue;
    socket.connect(port, '127.0.0.1', () => {
      setTimeout(() => stream(socket, n + 1), (n * FRAME_MS) / sockets.length);
    });
  }
}

function stream(socket: dgram.Socket, ssrc: number): void {
  let sequenceNumber = 0;
  let nextAtMs = monotonicMs();
  const tick = (): void => {
    const packet = Buffer.alloc(RTP_HEADER_BYTES + FRAME_SAMPLES, 0xff);
    const rtpTimestamp = sequenceNumber * FRAME_SAMPLES;
    const header = { marker: false, payloadType: 0, sequenceNumber, rtpTimestamp, ssrc };
    writeRtpHeader(packet, header);
    socket.send(packet, () => undefined);
    sequenceNumber++;
    nextAtMs += FRAME_MS;
    setTimeout(tick, Math.max(0, nextAtMs - monotonicMs()));
  };
  tick();
}

const port = parentPort();
if (port) {
  void new RpcEndpoint<BareSenderProcedures, Record<string, never>>(port, { open, send });
  process.once('disconnect', () => process.exit(0));
}
