import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TracedMessage } from '../db/queries/sip-traces.ts';
import { sipPcap, traceEnd } from './sip-pcap.ts';

const INVITE = [
  'INVITE sip:+14155550100@203.0.113.7 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1',
  'From: <sip:a@192.0.2.9>;tag=1',
  'To: <sip:+14155550100@203.0.113.7>',
  'Call-ID: pcap-1',
  'CSeq: 1 INVITE',
  'Max-Forwards: 70',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');
const BUSY = [
  'SIP/2.0 486 Busy Here',
  'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1',
  'From: <sip:a@192.0.2.9>;tag=1',
  'To: <sip:+14155550100@203.0.113.7>;tag=2',
  'Call-ID: pcap-1',
  'CSeq: 1 INVITE',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

const message = (fields: Partial<TracedMessage> = {}): TracedMessage => ({
  at_ms: 1_700_000_000_123,
  direction: 'sent',
  peer: '203.0.113.7:5060',
  local: '192.0.2.9:5060',
  transport: 'udp',
  text: INVITE,
  ...fields,
});

/** What an independent program reads: one line a packet. */
async function dissected(messages: TracedMessage[], ...fields: string[]): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'trunkline-pcap-'));
  try {
    const file = path.join(folder, 'call.pcap');
    await writeFile(file, sipPcap(messages));
    const args = ['-r', file, '-T', 'fields', '-o', 'ip.check_checksum:TRUE'];
    args.push('-o', 'udp.check_checksum:TRUE', ...fields.flatMap((field) => ['-e', field]));
    const text = execFileSync('tshark', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trimEnd().split('\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the SIP messages of a call as a capture', () => {
  it('has the header of libpcap 2.4, and a record for each message', () => {
    const bytes = sipPcap([message(), message({ direction: 'received', text: BUSY })]);
    expect(bytes.subarray(0, 24).toString('hex')).toBe(
      'd4c3b2a1020004000000000000000000ffff000001000000',
    );
    expect(bytes.readUInt32LE(24)).toBe(1_700_000_000);
    expect(bytes.readUInt32LE(28)).toBe(123_000);
    expect(bytes.readUInt32LE(32)).toBe(14 + 20 + 8 + INVITE.length);
    expect(bytes.length).toBe(24 + 2 * (16 + 42) + INVITE.length + BUSY.length);
    expect(bytes.subarray(24 + 16 + 42, 24 + 16 + 42 + INVITE.length).toString()).toBe(INVITE);
  });

  it('has no record where there is no message', () => {
    expect(sipPcap([])).toHaveLength(24);
  });

  it.each([
    ['203.0.113.7:5070', { host: '203.0.113.7', port: 5_070 }],
    ['2001:db8::1:5062', { host: '2001:db8::1', port: 5_062 }],
    ['[2001:db8::1]:5062', { host: '2001:db8::1', port: 5_062 }],
    ['gw.example:0', { host: 'gw.example', port: 5_060 }],
    [null, { host: '192.0.2.1', port: 5_060 }],
    ['', { host: '192.0.2.1', port: 5_060 }],
  ])('reads the end %s', (text, end) => {
    expect(traceEnd(text)).toEqual(end);
  });

  describe.skipIf(!existsSync('/usr/bin/tshark'))('is read by tshark', () => {
    it('as SIP over UDP from end to end, with right checksums, whatever it went over', async () => {
      const lines = await dissected(
        [message({ transport: 'tls' }), message({ direction: 'received', text: BUSY })],
        'ip.src',
        'ip.dst',
        'udp.dstport',
        'sip.Method',
        'sip.Status-Code',
        'sip.Call-ID',
        'ip.checksum.status',
        'udp.checksum.status',
      );
      expect(lines).toEqual([
        '192.0.2.9\t203.0.113.7\t5060\tINVITE\t\tpcap-1\t1\t1',
        '203.0.113.7\t192.0.2.9\t5060\t\t486\tpcap-1\t1\t1',
      ]);
    });

    it('as IPv6 where one end has such an address', async () => {
      const lines = await dissected(
        [
          message({ peer: '2001:db8::7:5060', local: '2001:db8:0:1::9:5060' }),
          message({ peer: '::1:5060', local: '127.0.0.1:5060' }),
          message({ peer: '::ffff:203.0.113.7:5060', local: '::1:5060' }),
        ],
        'ipv6.src',
        'ipv6.dst',
        'sip.Method',
        'udp.checksum.status',
      );
      expect(lines).toEqual([
        '2001:db8:0:1::9\t2001:db8::7\tINVITE\t1',
        '::ffff:127.0.0.1\t::1\tINVITE\t1',
        '::1\t::ffff:203.0.113.7\tINVITE\t1',
      ]);
    });

    it('also where an end has a name, and where a message is longer than a packet', async () => {
      const long = `${INVITE.slice(0, -2)}X-Long: ${'x'.repeat(70_000)}\r\n\r\n`;
      const lines = await dissected(
        [message({ peer: 'gw.example:5060', local: null }), message({ text: long })],
        'ip.src',
        'ip.dst',
        'ip.len',
      );
      expect(lines[0]).toMatch(/^192\.0\.2\.1\t192\.0\.2\.1\t/);
      expect(Number(lines[1]?.split('\t')[2])).toBeLessThanOrEqual(0xffff);
    });
  });
});
