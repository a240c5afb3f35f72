import { describe, expect, it } from 'vitest';
import { readStamps } from './packet-stamps.ts';

function record(port: number, sequence: number, atNs: bigint): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16BE(port, 0);
  bytes.writeUInt16BE(sequence, 2);
  bytes.writeUInt32BE(sequence * 160, 4);
  bytes.writeUInt32BE(7, 8);
  bytes.writeBigUInt64BE(atNs, 12);
  return bytes;
}

describe('stamps of the kernel', () => {
  const epochNs = 1_763_700_000_000_000_000n;

  it('become gaps of each line, to the microsecond, without those of others', () => {
    const { figures, missed } = readStamps(
      Buffer.concat([
        record(40_001, 1, epochNs),
        record(40_002, 9, epochNs + 1_000_000n),
        record(50_000, 3, epochNs + 2_000_000n),
        record(40_001, 2, epochNs + 20_012_000n),
        record(40_002, 10, epochNs + 20_500_000n),
        record(0, 0, 0n),
      ]),
      [40_001, 40_002],
    );
    expect(figures).toMatchObject({ packets: 4, sequenceErrors: 0, timestampErrors: 0 });
    expect(figures.gapsMs.map((ms) => Number(ms.toFixed(3)))).toEqual([20.012, 19.5]);
    expect(missed).toBe(0);
  });

  it('tell of packets that the watcher missed and of a record that was cut off', () => {
    const bytes = Buffer.concat([record(40_001, 1, epochNs), record(0, 0, 12n), Buffer.alloc(7)]);
    expect(readStamps(bytes, [40_001])).toMatchObject({ missed: 12, figures: { packets: 1 } });
  });
});
