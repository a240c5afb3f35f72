import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWav, WAV_HEADER_BYTES, WavError, wavHeader } from './wav.ts';

function wav(data: Buffer, options: Partial<Parameters<typeof wavHeader>[0]> = {}): Buffer {
  const header = wavHeader({
    sampleRateHz: 8_000,
    channelCount: 1,
    dataBytes: data.length,
    ...options,
  });
  return Buffer.concat([header, data]);
}

const pcm = (...samples: number[]): Buffer => Buffer.from(Int16Array.from(samples).buffer);

/** A chunk with its padding. */
function chunk(id: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

function riff(...chunks: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), ...chunks]);
}

function format(code: number, bits: number, channelCount = 1, extra = Buffer.alloc(0)): Buffer {
  const data = Buffer.alloc(16);
  data.writeUInt16LE(code, 0);
  data.writeUInt16LE(channelCount, 2);
  data.writeUInt32LE(8_000, 4);
  data.writeUInt16LE(bits, 14);
  return chunk('fmt ', Buffer.concat([data, extra]));
}

describe('readWav', () => {
  it('reads back what the header says', () => {
    expect(readWav(wav(pcm(1, -2, 32_767, -32_768)))).toEqual({
      sampleRateHz: 8_000,
      channels: [Int16Array.of(1, -2, 32_767, -32_768)],
    });
  });

  it('takes channels apart', () => {
    const { channels } = readWav(wav(pcm(1, 10, 2, 20, 3, 30), { channelCount: 2 }));
    expect(channels).toEqual([Int16Array.of(1, 2, 3), Int16Array.of(10, 20, 30)]);
  });

  it('passes over chunks that it does not know, of odd length too', () => {
    const bytes = riff(
      chunk('LIST', Buffer.from('abc')),
      format(1, 16),
      chunk('junk', Buffer.alloc(7)),
      chunk('data', pcm(5)),
    );
    expect(readWav(bytes).channels).toEqual([Int16Array.of(5)]);
  });

  it.each([
    [7, 0x80, 32_124],
    [6, 0xaa, 32_256],
  ])('reads G.711 of format %i', (code, byte, sample) => {
    const bytes = riff(format(code, 8), chunk('data', Buffer.from([byte])));
    expect(readWav(bytes).channels).toEqual([Int16Array.of(sample)]);
  });

  it('reads the extensible form by the code in its GUID', () => {
    const extra = Buffer.alloc(24);
    extra.writeUInt16LE(1, 8);
    const bytes = riff(format(0xfffe, 16, 1, extra), chunk('data', pcm(9)));
    expect(readWav(bytes).channels).toEqual([Int16Array.of(9)]);
  });

  it('gives what is there of a file that is shorter than it says', () => {
    const bytes = wav(pcm(1, 2, 3), { dataBytes: 0xffffffff - 36 });
    expect(readWav(bytes).channels).toEqual([Int16Array.of(1, 2, 3)]);
    expect(readWav(bytes.subarray(0, -1)).channels).toEqual([Int16Array.of(1, 2)]);
  });

  it('reads no samples of a file without any', () => {
    expect(readWav(wav(Buffer.alloc(0))).channels).toEqual([new Int16Array(0)]);
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'RIFF'],
    ['another RIFF', Buffer.concat([Buffer.from('RIFF\0\0\0\0AVI '), Buffer.alloc(40)]), 'WAVE'],
    ['an MP3', Buffer.from('ID3\u0004'.padEnd(64, '\0')), 'RIFF'],
    ['no data', riff(format(1, 16)), 'data chunk'],
    ['data before the format', riff(chunk('data', pcm(1)), format(1, 16)), 'fmt chunk'],
    ['a format that is too short', riff(chunk('fmt ', Buffer.alloc(8))), '16 bytes'],
    ['no channel', riff(format(1, 16, 0), chunk('data', pcm(1))), 'channels'],
    ['65,535 channels', riff(format(1, 16, 65_535), chunk('data', pcm(1))), 'channels'],
    ['24 bits', riff(format(1, 24), chunk('data', pcm(1))), '24 bits'],
    ['floating point', riff(format(3, 32), chunk('data', pcm(1))), 'format 3'],
    ['no rate', wav(pcm(1), { sampleRateHz: 0 }), 'Hz'],
  ])('refuses %s and says why', (_what, bytes, why) => {
    expect(() => readWav(bytes)).toThrow(WavError);
    expect(() => readWav(bytes)).toThrow(why);
  });

  it('throws nothing but WavError, whatever it is given', () => {
    const valid = riff(chunk('LIST', Buffer.alloc(4)), format(1, 16, 2), chunk('data', pcm(1, 2)));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(valid.length),
        (changes, length) => {
          const bytes = Buffer.from(valid.subarray(0, length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            const { channels } = readWav(bytes);
            expect(channels.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(WavError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('wavHeader', () => {
  it('has the bytes that every player expects', () => {
    const header = wavHeader({ sampleRateHz: 8_000, channelCount: 2, dataBytes: 640 });
    expect(header).toHaveLength(WAV_HEADER_BYTES);
    expect(header.toString('hex')).toBe(
      '52494646a402000057415645666d74201000000001000200401f0000007d0000040010006461746180020000',
    );
  });
});
