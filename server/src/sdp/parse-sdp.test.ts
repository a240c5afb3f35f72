import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSdp, type SessionDescription } from './parse-sdp.ts';

const HEAD = ['v=0', 'o=- 17 3 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];

const text = (...lines: string[]): string => [...HEAD, ...lines, ''].join('\r\n');

function parsed(sdp: string): SessionDescription {
  const result = parseSdp(sdp);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe('parseSdp', () => {
  it('RFC 8866 §5: reads origin, address, media, formats and attributes', () => {
    const value = parsed(
      text(
        'm=audio 4000 RTP/AVP 0 96',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:96 telephone-event/8000',
        'a=fmtp:96 0-16',
        'a=ptime:30',
        'a=sendonly',
      ),
    );
    expect(value).toEqual({
      sessionId: '17',
      sessionVersion: '3',
      media: [
        {
          kind: 'audio',
          port: 4_000,
          protocol: 'RTP/AVP',
          formatTokens: ['0', '96'],
          formats: [
            {
              payloadType: 0,
              encoding: 'PCMU',
              clockRateHz: 8_000,
              channels: null,
              parameters: null,
            },
            {
              payloadType: 96,
              encoding: 'TELEPHONE-EVENT',
              clockRateHz: 8_000,
              channels: null,
              parameters: '0-16',
            },
          ],
          host: '192.0.2.1',
          direction: 'sendonly',
          ptimeMs: 30,
          rtcpMux: false,
          crypto: [],
        },
      ],
    });
  });

  it('RFC 8866 §5.7: the c= line of a medium counts before that of the session', () => {
    const { media } = parsed(
      text('m=audio 1 RTP/AVP 0', 'm=audio 2 RTP/AVP 0', 'c=IN IP4 198.51.100.2'),
    );
    expect(media.map(({ host }) => host)).toEqual(['192.0.2.1', '198.51.100.2']);
  });

  it('RFC 8866 §5.7: cuts the scope of a multicast address', () => {
    const { media } = parsed(text('m=audio 1 RTP/AVP 0', 'c=IN IP4 233.252.0.1/127'));
    expect(media[0]?.host).toBe('233.252.0.1');
  });

  it('RFC 8866 §6.7: a direction of the session holds for the media that have none', () => {
    const { media } = parsed(
      text('a=inactive', 'm=audio 1 RTP/AVP 0', 'm=audio 2 RTP/AVP 0', 'a=sendrecv'),
    );
    expect(media.map(({ direction }) => direction)).toEqual(['inactive', 'sendrecv']);
  });

  it('RFC 8866 §5: takes line feeds alone, and blank lines at the end', () => {
    const sdp = `${text('m=audio 1 RTP/AVP 0').replaceAll('\r\n', '\n')}\n\n`;
    expect(parsed(sdp).media).toHaveLength(1);
  });

  it('passes over attributes that make no sense', () => {
    const { media } = parsed(
      text(
        'a=rtpmap:0 PCMA/8000',
        'm=audio 1 RTP/AVP 0',
        'a=rtpmap:9 G722/8000',
        'a=rtpmap:x',
        'a=ptime:-5',
        'a=ptime:0',
        'a=ptime:99999',
        'a=ptime:x',
        'a=',
        'b=AS:64',
        'z=',
      ),
    );
    expect(media[0]).toMatchObject({
      formats: [{ payloadType: 0, encoding: null }],
      ptimeMs: null,
    });
  });

  it.each([
    ['nothing', ''],
    ['no version', 'o=- 1 1 IN IP4 192.0.2.1\r\n'],
    ['another version', text().replace('v=0', 'v=1')],
    ['no origin', 'v=0\r\ns=-\r\n'],
    ['an origin of four words', 'v=0\r\no=- 1 1 IN\r\n'],
    ['a line that is none', text('hello there')],
    ['a c= line without an address', text('c=IN IP4')],
    ['a c= line of another network', text('c=ATM NSAP 47')],
    ['a port above 65535', text('m=audio 65536 RTP/AVP 0')],
    ['a negative port', text('m=audio -1 RTP/AVP 0')],
    ['a port in another notation', text('m=audio 0x10 RTP/AVP 0')],
    ['an empty port', text('m=audio /2 RTP/AVP 0')],
    ['no format', text('m=audio 4000 RTP/AVP')],
    ['more than 8 KiB', text(`a=${'x'.repeat(8_192)}`)],
    ['more than 8 KiB of characters that need several bytes', text(`a=${'é'.repeat(4_096)}`)],
    [
      'more than 20 codecs',
      text(`m=audio 4000 RTP/AVP ${Array.from({ length: 21 }, (_, n) => 96 + n).join(' ')}`),
    ],
    ['more than 1,000 lines', text(...Array<string>(1_001).fill('a=x'))],
  ])('refuses %s', (_what, sdp) => {
    expect(parseSdp(sdp)).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });

  it('keeps formats of other media as words, and numbers above 127 out of the payload types', () => {
    const { media } = parsed(text('m=image 4000 udptl t38', 'm=audio 4000 RTP/AVP 0 128 999'));
    expect(media[0]).toMatchObject({ formatTokens: ['t38'], formats: [] });
    expect(media[1]?.formats.map(({ payloadType }) => payloadType)).toEqual([0]);
  });

  it('never throws, whatever it is given', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({ maxLength: 20 }).map((rest) => `a=${rest}`),
      fc.string({ maxLength: 20 }).map((rest) => `m=${rest}`),
      fc.string({ maxLength: 20 }).map((rest) => `a=rtpmap:${rest}`),
      fc.constantFrom('m=audio 1 RTP/AVP 0', 'a=sendonly', 'c=IN IP6 ::1', 'a=ptime:20', ''),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, head) => {
        const result = parseSdp(head ? text(...lines) : lines.join('\n'));
        if (!result.ok) expect(result.error.code).toBe('malformed');
      }),
      { numRuns: 1_000 },
    );
  });
});
