import { describe, expect, it } from 'vitest';
import { getHeader, getHeaders } from './message.ts';
import {
  MAX_HEADERS,
  parseMessage,
  splitHeaderValues,
  type ParseOptions,
  type SipParseError,
} from './parse-message.ts';

const HEAD = [
  'INVITE sip:+15005550101@192.0.2.4 SIP/2.0',
  'v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
  'f: "A. Caller" <sip:+15005550199@192.0.2.1>;tag=a1',
  't: <sip:+15005550101@192.0.2.4>',
  'i: compact@192.0.2.1',
  'CSeq: 1 INVITE',
];

function bytes(lines: string[], body = ''): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

function errorOf(input: Buffer, options?: ParseOptions): SipParseError {
  const result = parseMessage(input, options);
  if (result.ok) throw new Error('was accepted');
  return result.error;
}

function messageOf(input: Buffer, options?: ParseOptions) {
  const result = parseMessage(input, options);
  if (!result.ok) throw new Error(result.error.message);
  return result.message;
}

describe('parseMessage', () => {
  it('T02 RFC 3261 §7.3.3: compact names become long, other names are kept as they came', () => {
    const message = messageOf(bytes([...HEAD, 'X-custom: kept', 'm: <sip:a@192.0.2.1>', 'l: 0']));
    expect(message.headers.map((header) => header.name)).toEqual([
      'Via',
      'From',
      'To',
      'Call-ID',
      'CSeq',
      'X-custom',
      'Contact',
      'Content-Length',
    ]);
    expect(getHeader(message, 'x-CUSTOM')).toBe('kept');
  });

  it('T02 RFC 3261 §7.3.1: several lines of one field stay several, in order', () => {
    const message = messageOf(
      bytes([...HEAD, 'Route: <sip:a;lr>', 'Route: <sip:b;lr>,<sip:c;lr>']),
    );
    expect(getHeaders(message, 'Route')).toEqual(['<sip:a;lr>', '<sip:b;lr>,<sip:c;lr>']);
  });

  it('T02 RFC 3261 §7.3.1: a folded value is joined by single spaces', () => {
    const message = messageOf(bytes([...HEAD, 'Subject: one', ' \t two', '\tthree ', ' ']));
    expect(getHeader(message, 'Subject')).toBe('one two three');
  });

  it('RFC 3261 §7.5: empty lines before the start line are skipped', () => {
    expect(messageOf(Buffer.concat([Buffer.from('\r\n\r\n'), bytes(HEAD)])).kind).toBe('request');
  });

  it('RFC 3261 §18.3: without Content-Length a datagram is body to its end', () => {
    expect(messageOf(bytes(HEAD, 'v=0\r\n')).body).toBe('v=0\r\n');
  });

  it('RFC 3261 §18.3: Content-Length counts bytes, not characters, and cuts a datagram', () => {
    expect(messageOf(bytes([...HEAD, 'l: 2'], 'éé')).body).toBe('é');
  });

  it('RFC 3261 §18.3: a datagram shorter than Content-Length is answered 400', () => {
    const error = errorOf(bytes([...HEAD, 'l: 9'], '12345678'));
    expect(error).toMatchObject({ code: 'truncated-body', status: 400 });
    expect(error.message).toBe('body needs 9 bytes, got 8');
    expect(error.request).toMatchObject({ method: 'INVITE' });
  });

  it('RFC 3261 §20.14: on a stream Content-Length must be there', () => {
    expect(errorOf(bytes(HEAD), { stream: true }).code).toBe('bad-content-length');
    expect(messageOf(bytes([...HEAD, 'l: 0']), { stream: true }).body).toBe('');
  });

  it.each([
    ['-1', 'bad-content-length'],
    ['1a', 'bad-content-length'],
    ['', 'bad-content-length'],
    ['70000', 'too-large'],
    ['99999999999999999999', 'bad-content-length'],
  ])('Content-Length %j is refused as %s', (value, code) => {
    expect(errorOf(bytes([...HEAD, `Content-Length: ${value}`])).code).toBe(code);
  });

  it('two Content-Length fields may agree but not differ', () => {
    expect(messageOf(bytes([...HEAD, 'l: 1', 'Content-Length: 1'], 'x')).body).toBe('x');
    expect(errorOf(bytes([...HEAD, 'l: 1', 'l: 0'], 'x')).code).toBe('bad-content-length');
  });

  it.each([
    ['no colon', 'Foobar roobar'],
    ['white space in the name', 'Foo bar: x'],
    ['an empty name', ': x'],
  ])('a header with %s is malformed', (_what, line) => {
    const error = errorOf(bytes([...HEAD, line]));
    expect(error).toMatchObject({ code: 'bad-header', status: 400 });
    expect(error.request).toMatchObject({ uri: 'sip:+15005550101@192.0.2.4' });
  });

  it.each(['X: a\nVia: SIP/2.0/UDP evil', 'X: a\rY: b', '\nX: a'])(
    'a line feed or carriage return alone is malformed and never answered: %j',
    (line) => {
      const error = errorOf(bytes([...HEAD, line]));
      expect(error.code).toBe('bad-header');
      // A response would copy fields of which nobody knows where they end.
      expect(error.request).toBeUndefined();
    },
  );

  it('a message with too many headers is refused, one at the limit is not', () => {
    const filled = (count: number): string[] => [
      ...HEAD,
      ...Array.from({ length: count - HEAD.length + 1 }, (_, n) => `X-${n}: 1`),
    ];
    expect(messageOf(bytes(filled(MAX_HEADERS))).headers).toHaveLength(MAX_HEADERS);
    expect(errorOf(bytes(filled(MAX_HEADERS + 1))).code).toBe('too-many-headers');
  });

  it('a message beyond 64 KiB is answered 513', () => {
    expect(errorOf(bytes(HEAD, 'x'.repeat(65_536)))).toMatchObject({
      code: 'too-large',
      status: 513,
      request: { method: 'INVITE' },
    });
    expect(errorOf(bytes([...HEAD, `X: ${'x'.repeat(65_536)}`])).code).toBe('too-large');
  });

  it('a head that does not end is refused', () => {
    expect(errorOf(Buffer.from(`${HEAD.join('\r\n')}\r\n`)).code).toBe('no-header-end');
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01\x02\x00',
    'hello',
    '\0\x01\0\0!\x12\xa4B',
  ])('%j is no SIP', (text) => {
    expect(errorOf(Buffer.from(text, 'latin1')).code).toBe('not-sip');
  });

  it('nothing but line ends is empty', () => {
    expect(errorOf(Buffer.from('\r\n\r\n')).code).toBe('empty');
    expect(errorOf(Buffer.alloc(0)).code).toBe('empty');
  });

  it('RFC 3261 §21.5.6: a request of another version is answered 505', () => {
    const lines = ['INVITE sip:a@b SIP/3.0', ...HEAD.slice(1)];
    expect(errorOf(bytes(lines))).toMatchObject({ code: 'bad-version', status: 505 });
  });

  it('RFC 3261 §7.1: the version is compared without case', () => {
    const lines = ['INVITE sip:a@b sip/2.0', ...HEAD.slice(1)];
    expect(messageOf(bytes(lines))).toMatchObject({ method: 'INVITE', uri: 'sip:a@b' });
  });

  it('RFC 3261 §17.1.1.3: a malformed ACK gives no request to answer', () => {
    const lines = ['ACK sip:a@b SIP/2.0', ...HEAD.slice(1), 'l: 5'];
    expect(errorOf(bytes(lines)).request).toBeUndefined();
  });

  it('a malformed request without the fields that a response copies cannot be answered', () => {
    const withoutCallId = HEAD.filter((line) => !line.startsWith('i:'));
    expect(errorOf(bytes([...withoutCallId, 'l: 5'])).request).toBeUndefined();
  });

  it.each(['SIP/2.0 99 No', 'SIP/2.0 700 No', 'SIP/2.0 0200 OK', 'SIP/2.0 2xx OK', 'SIP/2.0'])(
    'status line %j is malformed',
    (line) => {
      const error = errorOf(bytes([line, ...HEAD.slice(1)]));
      expect(error.code).toBe('bad-start-line');
      expect(error.request).toBeUndefined();
    },
  );

  it('a status line without reason and its space is taken', () => {
    expect(messageOf(bytes(['SIP/2.0 200', ...HEAD.slice(1)]))).toMatchObject({ status: 200 });
  });

  it('reads from a part of a larger buffer', () => {
    const whole = Buffer.concat([
      Buffer.from('junk'),
      bytes([...HEAD, 'l: 1'], 'x'),
      Buffer.from('!'),
    ]);
    const part = new Uint8Array(whole.buffer, whole.byteOffset + 4, whole.length - 5);
    expect(messageOf(Buffer.from(part)).body).toBe('x');
  });
});

describe('splitHeaderValues', () => {
  it('splits at commas outside quotes and angle brackets', () => {
    const value = '"a, \\", b" <sip:a,b@c>;x="1,2" , <sip:d@e?f=g,h>,sip:i@j';
    expect(splitHeaderValues(value)).toEqual([
      '"a, \\", b" <sip:a,b@c>;x="1,2"',
      '<sip:d@e?f=g,h>',
      'sip:i@j',
    ]);
  });

  it('leaves out empty items', () => {
    expect(splitHeaderValues(' a,, b ,')).toEqual(['a', 'b']);
    expect(splitHeaderValues('  ')).toEqual([]);
  });

  it.each(['\0', '\u0001', '\u0008', '\u000b', '\u000c', '\u001f', '\u007f'])(
    'RFC 3261 §25.1: the control character %j is refused in any field, and answered 400 where it can be',
    (control) => {
      for (const field of [`X-Any: a${control}b`, `User-Agent: "a${control}b"`]) {
        const error = errorOf(bytes([HEAD[0] ?? '', field, ...HEAD.slice(1)]));
        expect(error).toMatchObject({ code: 'bad-header', status: 400 });
        expect(error.request?.headers).toHaveLength(HEAD.length - 1);
      }
      const from = `f: <sip:a@192.0.2.1>;tag=a${control}1`;
      expect(errorOf(bytes([...HEAD.slice(0, 2), from, ...HEAD.slice(3)]))).toMatchObject({
        code: 'bad-header',
      });
    },
  );

  it('RFC 3261 §25.1: a control character in the request line is refused and goes no further', () => {
    for (const uri of ['sip:\0@192.0.2.4', 'sip:a@192.0.2.4\u007f']) {
      const error = errorOf(bytes([`INVITE ${uri} SIP/2.0`, ...HEAD.slice(1)]));
      expect(error).toMatchObject({ code: 'bad-start-line', status: 400 });
      expect(error.request?.uri).toMatch(/^[\x20-\x7e]+$/);
    }
  });

  it('RFC 3261 §25.1: control characters are left out of a reason phrase, so that the answer counts', () => {
    const message = messageOf(bytes(['SIP/2.0 486 Bu\0sy \u001b[31mhere', ...HEAD.slice(1)]));
    expect(message).toMatchObject({ status: 486, reason: 'Busy [31mhere' });
    expect(errorOf(bytes(['SIP/2.0 4\x0086 Busy', ...HEAD.slice(1)])).code).toBe('bad-start-line');
  });

  it('RFC 3261 §25.1: a response with a control character in a field is no response', () => {
    const error = errorOf(bytes(['SIP/2.0 486 Busy', ...HEAD.slice(1), 'Reason: Q.850;text="\0"']));
    expect(error).toMatchObject({ code: 'bad-header' });
    expect(error.request).toBeUndefined();
  });

  it('RFC 3261 §25.1: a tabulator is white space, and stays', () => {
    expect(getHeader(messageOf(bytes([...HEAD, 'Subject: a\tb'])), 'Subject')).toBe('a\tb');
  });

  it('RFC 3261 §25.1: escaped control characters in a quoted string are legal, and left out', () => {
    const value = (text: string): string | undefined =>
      getHeader(messageOf(bytes([...HEAD, `X-Any: ${text}`])), 'X-Any');
    expect(value('"a\\\0b\\"c" \\d, "e\\\u007f" "open')).toBe('"ab\\"c" \\d, "e" "open');
    expect(value('"\\\\\\\0\\\\"')).toBe('"\\\\\\\\"');
    for (const bare of ['\\\0', '"a\\\\\0"', '"a\\\0']) {
      expect(errorOf(bytes([...HEAD, `X-Any: ${bare}`])).code).toBe('bad-header');
    }
  });
});
