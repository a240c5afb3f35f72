/**
 * Spacing of packets that the media engine sends, without anything above it:
 * `node bench/src/rtp-spacing.ts [--seconds 10] [1 10 100]`. The engine runs in a thread of its
 * own, the receiver in another. In the same run the same receiver judges the floor: a bare
 * setInterval for each call. Prints a line and a JSON object for each number of calls.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../server/src/rtp/rtp-packet.ts';
import { FRAME_SAMPLES, startMediaEngine } from '../../server/src/rtp/media-engine.ts';
import { workerRest } from '../../server/src/rtp/thread-rest.ts';
import { systemClock } from '../../server/src/shared/clock.ts';
import { silentLogger } from '../../server/src/shared/logger.ts';
import { rounded } from './harness/quantile.ts';

const HOST = '127.0.0.1';
const FRAME_MS = 20;
const SETTLE_MS = 1_500;
const RECEIVE_BUFFER_BYTES = 4 << 20;
const RTP_PORTS = { portMin: 23_000, portMax: 31_998 };
const MAX_CALLS = (RTP_PORTS.portMax - RTP_PORTS.portMin) / 2;

type Role =
  | { role: 'receiver' }
  | { role: 'engine'; calls: number; port: number }
  | { role: 'floor'; calls: number; port: number };

type SenderRole = Exclude<Role['role'], 'receiver'>;

/** What a thread answers when it is asked. */
interface SenderReport {
  cpuMs: number;
  tickP99Ms: number | null;
}

interface ReceiverReport {
  /** Between packets of one stream, in milliseconds. */
  gapsMs: Float64Array;
  lost: number;
}

interface Measured {
  calls: number;
  streamsHeard: number;
  packets: number;
  lost: number;
  offP50Ms: number | null;
  offP99Ms: number | null;
  offMaxMs: number | null;
  cpuPercentPerCall: number;
  tickP99Ms: number | null;
}

async function runReceiver(port: MessagePort): Promise<void> {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  const streams = new Map<number, { atMs: number; sequenceNumber: number }>();
  let gapsMs: number[] = [];
  let lost = 0;
  socket.on('message', (bytes) => {
    const atMs = performance.now();
    if (bytes.length < RTP_HEADER_BYTES) return;
    const ssrc = bytes.readUInt32BE(8);
    const sequenceNumber = bytes.readUInt16BE(2);
    const last = streams.get(ssrc);
    if (!last) {
      streams.set(ssrc, { atMs, sequenceNumber });
      return;
    }
    lost += ((sequenceNumber - last.sequenceNumber) & 0xffff) - 1;
    gapsMs.push(atMs - last.atMs);
    last.atMs = atMs;
    last.sequenceNumber = sequenceNumber;
  });
  socket.bind(0, HOST);
  await once(socket, 'listening');
  port.on('message', () => {
    const report: ReceiverReport = { gapsMs: Float64Array.from(gapsMs), lost };
    port.postMessage({ ...report, streams: streams.size });
    streams.clear();
    gapsMs = [];
    lost = 0;
  });
  port.postMessage(socket.address().port);
}

async function runEngine(port: MessagePort, calls: number, remotePort: number): Promise<void> {
  const engine = startMediaEngine({
    host: HOST,
    ...RTP_PORTS,
    clock: systemClock,
    logger: silentLogger,
    rest: workerRest,
  });
  const hum = Int16Array.from(
    { length: FRAME_SAMPLES },
    (_, i) => 8_000 * Math.sin((i * Math.PI) / 20),
  );
  for (let n = 0; n < calls; n++) {
    const stream = await engine.open();
    stream.onTick = () => hum;
    stream.connect({
      host: HOST,
      port: remotePort,
      codec: 'PCMU',
      payloadType: 0,
      dtmfPayloadType: null,
      direction: 'sendrecv',
    });
  }
  reportOnDemand(port, () => engine.tickLateness().p99Ms);
}

async function runFloor(port: MessagePort, calls: number, remotePort: number): Promise<void> {
  const sockets: dgram.Socket[] = [];
  for (let n = 0; n < calls; n++) {
    const socket = dgram.createSocket({
      type: 'udp4',
      lookup: (host, _options, done) => done(null, host, 4),
    });
    // With a look-up that answers at once the socket listens before bind returns.
    const listening = once(socket, 'listening');
    socket.bind(0, HOST);
    await listening;
    sockets.push(socket);
  }
  for (const [n, socket] of sockets.entries()) {
    let sequenceNumber = 0;
    const send = (): void => {
      const packet = Buffer.alloc(RTP_HEADER_BYTES + FRAME_SAMPLES, 0xff);
      const rtpTimestamp = sequenceNumber * FRAME_SAMPLES;
      writeRtpHeader(packet, {
        marker: false,
        payloadType: 0,
        sequenceNumber,
        rtpTimestamp,
        ssrc: n + 1,
      });
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      socket.send(packet, remotePort, HOST, () => undefined);
    };
    setTimeout(() => setInterval(send, FRAME_MS), (n * FRAME_MS) / calls);
  }
  reportOnDemand(port, () => null);
}

/** Answers each message with the CPU that this thread has used since the one before. */
function reportOnDemand(port: MessagePort, tickP99Ms: () => number | null): void {
  let before = process.threadCpuUsage();
  port.on('message', () => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    const report: SenderReport = { cpuMs: (user + system) / 1000, tickP99Ms: tickP99Ms() };
    port.postMessage(report);
  });
  port.postMessage('ready');
}

async function ask<T>(worker: Worker): Promise<T> {
  const answer = once(worker, 'message') as Promise<[T]>;
  worker.postMessage('report');
  return (await answer)[0];
}

async function startThread(role: Role): Promise<{ worker: Worker; hello: unknown }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: role });
  const [hello] = (await once(worker, 'message')) as [unknown];
  return { worker, hello };
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

async function measure(
  receiver: Worker,
  port: number,
  role: SenderRole,
  options: { calls: number; seconds: number },
): Promise<Measured> {
  const { calls, seconds } = options;
  const { worker } = await startThread({ role, calls, port });
  try {
    await pause(SETTLE_MS);
    await Promise.all([ask(receiver), ask(worker)]);
    const startMs = performance.now();
    await pause(seconds * 1000);
    const [heard, used] = await Promise.all([
      ask<ReceiverReport & { streams: number }>(receiver),
      ask<SenderReport>(worker),
    ]);
    const elapsedMs = performance.now() - startMs;
    const offMs = Array.from(heard.gapsMs, (gapMs) => Math.abs(gapMs - FRAME_MS));
    return {
      calls,
      streamsHeard: heard.streams,
      packets: heard.gapsMs.length,
      lost: heard.lost,
      offP50Ms: rounded(offMs, 0.5, 2),
      offP99Ms: rounded(offMs, 0.99, 2),
      offMaxMs: rounded(offMs, 1, 2),
      cpuPercentPerCall: Number(((used.cpuMs / elapsedMs / calls) * 100).toFixed(3)),
      tickP99Ms: used.tickP99Ms,
    };
  } finally {
    await worker.terminate();
  }
}

function lineOf(engine: Measured, floor: Measured, ratio: number | null, load: number): string {
  const part = (
    name: string,
    { offP50Ms, offP99Ms, offMaxMs, cpuPercentPerCall }: Measured,
  ): string =>
    `${name} off 20 ms p50 ${offP50Ms} p99 ${offP99Ms} max ${offMaxMs} ms, ${cpuPercentPerCall} % CPU a call`;
  return [
    `${engine.calls} calls`,
    part('engine', engine),
    part('floor', floor),
    `p99 ratio ${ratio ?? '-'}`,
    `load ${load.toFixed(2)}`,
  ].join('; ');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '10' } },
  });
  const seconds = Number(values.seconds);
  const counts = positionals.length > 0 ? positionals.map(Number) : [1, 10, 100];
  const valid = counts.every((n) => Number.isInteger(n) && n > 0 && n <= MAX_CALLS) && seconds > 0;
  if (!valid) {
    console.error(`expected numbers of calls from 1 to ${MAX_CALLS} and seconds above 0`);
    process.exitCode = 2;
    return;
  }
  const { worker: receiver, hello } = await startThread({ role: 'receiver' });
  const port = Number(hello);
  for (const calls of counts) {
    const floor = await measure(receiver, port, 'floor', { calls, seconds });
    const engine = await measure(receiver, port, 'engine', { calls, seconds });
    const p99Ratio =
      engine.offP99Ms !== null && floor.offP99Ms
        ? Number((engine.offP99Ms / floor.offP99Ms).toFixed(2))
        : null;
    const loadAverage = os.loadavg()[0] ?? 0;
    console.log(lineOf(engine, floor, p99Ratio, loadAverage));
    const rssMb = Math.round(process.memoryUsage.rss() / 2 ** 20);
    console.log(JSON.stringify({ seconds, engine, floor, p99Ratio, rssMb, loadAverage }));
  }
  await receiver.terminate();
}

const role = workerData as Role | null;
if (!parentPort || !role) await main();
else if (role.role === 'receiver') await runReceiver(parentPort);
else if (role.role === 'engine') await runEngine(parentPort, role.calls, role.port);
else await runFloor(parentPort, role.calls, role.port);
