import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { LineMeter, type LineFigures } from '../farm/line-meter.ts';

/** What `packet-stamps.py` writes for each packet. */
const RECORD_BYTES = 20;
const NS_PER_MS = 1_000_000n;
const PAYLOAD = new Uint8Array(160);

/** Packets as the kernel saw them arrive. */
export interface PacketStamps {
  /** Stops; the figures of packets to each of `ports`, and how many the watcher itself missed. */
  stop(ports: readonly number[]): Promise<{ figures: LineFigures; missed: number }>;
}

/** Begins to stamp packets on the loopback interface; null where that cannot be had. */
export async function watchPackets(): Promise<PacketStamps | null> {
  const child = spawn('python3', [path.join(import.meta.dirname, 'packet-stamps.py')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(child, 'close').catch(() => undefined);
  // It may have ended by itself.
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  const started = new Promise<boolean>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      resolve(true);
    });
    void exited.then(() => resolve(false));
  });
  if (!(await started)) return null;
  return {
    async stop(ports) {
      child.stdin.end('stop\n');
      await exited;
      const said = Buffer.concat(chunks);
      return readStamps(said.subarray(said.indexOf('\n') + 1), ports);
    },
  };
}

/** The figures of packets to `ports`, stream by stream. */
export function readStamps(
  records: Buffer,
  ports: readonly number[],
): { figures: LineFigures; missed: number } {
  const meters = new Map(ports.map((port) => [port, new LineMeter()]));
  let missed = 0;
  let firstNs: bigint | null = null;
  for (let at = 0; at + RECORD_BYTES <= records.length; at += RECORD_BYTES) {
    const port = records.readUInt16BE(at);
    const stampNs = records.readBigUInt64BE(at + 12);
    if (port === 0) missed += Number(stampNs);
    firstNs ??= stampNs;
    meters.get(port)?.push(
      {
        marker: false,
        payloadType: 0,
        sequenceNumber: records.readUInt16BE(at + 2),
        rtpTimestamp: records.readUInt32BE(at + 4),
        ssrc: records.readUInt32BE(at + 8),
        payload: PAYLOAD,
      },
      // Since the first: a double holds no nanoseconds of the epoch.
      Number(stampNs - firstNs) / Number(NS_PER_MS),
    );
  }
  const all = Array.from(meters.values(), (meter) => meter.take());
  const sum = (key: 'packets' | 'sequenceErrors' | 'timestampErrors'): number =>
    all.reduce((total, one) => total + one[key], 0);
  return {
    figures: {
      packets: sum('packets'),
      sequenceErrors: sum('sequenceErrors'),
      timestampErrors: sum('timestampErrors'),
      gapsMs: all.flatMap(({ gapsMs }) => gapsMs),
    },
    missed,
  };
}
