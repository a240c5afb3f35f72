import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stripControls } from './control-characters.ts';
import { answerChallenge, parseChallenge } from './digest.ts';
import type { SipMessage } from './message.ts';
import { parseCseq } from './parse-cseq.ts';
import { parseMessage, splitHeaderValues } from './parse-message.ts';
import { parseNameAddr } from './parse-name-addr.ts';
import { formatUri, parseUri, uriEquals, type SipUri } from './parse-uri.ts';
import { formatVia, parseVia } from './parse-via.ts';
import { serializeMessage } from './serialize-message.ts';
import { StreamFramer } from './stream-framer.ts';
import { readTorture } from './testing/read-torture.ts';
import { validateRequest, validateResponse } from './validate-message.ts';

const SEEDS = ['wsinv', 'esc01', 'intmeth', 'longreq', 'badinv01', 'mcl01', 'bcast', 'quotbal'].map(
  readTorture,
);

const TRICKY = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  ':',
  ';',
  ',',
  '"',
  '<',
  '>',
  '%',
  '@',
  '[',
  '\0',
  '\\',
  'é',
];

type Edit = { at: number; remove: number; insert: string };

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(4000),
  remove: fc.nat(12),
  insert: fc.oneof(fc.constantFrom(...TRICKY), fc.string({ maxLength: 6 }), fc.constant('')),
});

const mutated = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(edit, { minLength: 1, maxLength: 8 }))
  .map(([seed, edits]) => edits.reduce<Buffer>(mutate, seed));

function mutate(bytes: Buffer, { at, remove, insert }: Edit): Buffer {
  const from = at % (bytes.length + 1);
  const rest = bytes.subarray(Math.min(bytes.length, from + remove));
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(insert), rest]);
}

function checkAll(message: SipMessage): void {
  if (message.kind === 'request') {
    validateRequest(message);
    parseUri(message.uri);
  } else validateResponse(message);
  for (const { value } of message.headers) {
    parseNameAddr(value);
    parseCseq(value);
    parseChallenge(value);
    for (const item of splitHeaderValues(value)) parseVia(item);
  }
}

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/);
const line = fc
  .string({ unit: 'binary', maxLength: 60 })
  .map((text) => stripControls(text.replace(/[\r\n]/g, '')).trim());

const request = fc.record({
  kind: fc.constant('request' as const),
  method: token,
  uri: fc.stringMatching(/^sip:[a-z0-9]{1,10}@[a-z]{1,10}\.example$/),
  headers: fc.array(
    fc.record({
      name: token.filter((name) => name.length > 1 && name.toLowerCase() !== 'content-length'),
      value: line,
    }),
    { maxLength: 20 },
  ),
  body: fc.string({ unit: 'grapheme', maxLength: 300 }),
});

describe('fuzz', () => {
  it('T01 mutated messages never throw, in any layer', () => {
    fc.assert(
      fc.property(mutated, fc.boolean(), (bytes, stream) => {
        const result = parseMessage(bytes, { stream });
        if (result.ok) checkAll(result.message);
        else expect(result.error.message).not.toBe('');
      }),
      { numRuns: 5000 },
    );
  });

  it('T01 random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(typeof parseMessage(bytes).ok).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });

  it('random text never throws in the parsers of values', () => {
    const pieces = fc.array(
      fc.oneof(fc.constantFrom(...TRICKY, 'sip:', 'Digest ', 'SIP/2.0/UDP '), token),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const value = parts.join('');
        splitHeaderValues(value).forEach(parseVia);
        parseNameAddr(value);
        parseUri(value);
        parseCseq(value);
        const input = {
          method: 'A',
          uri: 'b',
          username: 'c',
          password: 'd',
          body: '',
          nonceCount: 1,
        };
        expect(typeof answerChallenge({ challenges: [value], ...input }).ok).toBe('boolean');
      }),
      { numRuns: 5000 },
    );
  });

  it('what is accepted holds no control character outside its body', () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        const result = parseMessage(bytes);
        if (!result.ok) return;
        const { message } = result;
        const line = message.kind === 'request' ? message.uri : message.reason;
        const texts = [line, ...message.headers.map(({ value }) => value)];
        expect(texts.filter((text) => /[^\P{Cc}\t\u0080-\u009f]/u.test(text))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('what is accepted is the same after a round trip', () => {
    fc.assert(
      fc.property(request, (message) => {
        const result = parseMessage(serializeMessage(message));
        expect(result.ok).toBe(true);
        if (!result.ok) return;
        expect(result.message.headers.pop()?.name).toBe('Content-Length');
        const wellFormed = JSON.parse(JSON.stringify(message), (_key, value: unknown) =>
          typeof value === 'string' ? value.toWellFormed() : value,
        ) as SipMessage;
        expect(result.message).toEqual(wellFormed);
      }),
      { numRuns: 1000 },
    );
  });

  it('mutated messages that are accepted are the same after a round trip', () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        const result = parseMessage(bytes);
        if (!result.ok) return;
        const again = parseMessage(serializeMessage(result.message));
        expect(again.ok && again.message.body).toBe(result.message.body);
      }),
      { numRuns: 2000 },
    );
  });

  it('any user and parameter survives the escaping of URIs', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, text, (user, password, name, value) => {
        const uri: SipUri = {
          scheme: 'sip',
          user: user.toWellFormed(),
          password: password.toWellFormed(),
          host: '2001:db8::1',
          port: 5070,
          params: new Map([[name.toWellFormed().toLowerCase(), value.toWellFormed()]]),
          headers: new Map([[name.toWellFormed(), value.toWellFormed()]]),
        };
        expect(parseUri(formatUri(uri))).toEqual(uri);
        expect(uriEquals(formatUri(uri), uri)).toBe(true);
      }),
    );
  });

  it('a Via that is read and written is read the same', () => {
    fc.assert(
      fc.property(token, token, fc.integer({ min: 1, max: 65_535 }), (transport, branch, port) => {
        const text = `SIP/2.0/${transport} [2001:db8::9]:${port};branch=${branch};rport;x="a;b"`;
        const via = parseVia(text);
        expect(via).toMatchObject({ branch, port, rport: 'requested', host: '2001:db8::9' });
        expect(via && parseVia(formatVia(via))).toEqual(via);
      }),
    );
  });

  it('framing does not depend on where the segments are cut', () => {
    const stream = Buffer.concat([
      readTorture('wsinv'),
      readTorture('esc02'),
      readTorture('badcseq'),
    ]);
    const whole = new StreamFramer(65_536).push(stream);
    expect(whole.map((frame) => frame.kind)).toEqual(['message', 'message', 'message']);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
        const framer = new StreamFramer(65_536);
        const frames = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          frames.push(...framer.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(frames).toEqual(whole);
        expect(framer.hasPartial).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['folds', `INVITE sip:a@b SIP/2.0\r\nX:${'\r\n a'.repeat(16_000)}\r\n\r\n`],
    ['quotes', `INVITE sip:a@b SIP/2.0\r\nTo: ${'"'.repeat(60_000)}\r\n\r\n`],
    ['commas', `INVITE sip:a@b SIP/2.0\r\nVia: ${','.repeat(60_000)}\r\n\r\n`],
    ['semicolons', `INVITE sip:a@b SIP/2.0\r\nTo: <sip:a@b>${';a'.repeat(30_000)}\r\n\r\n`],
    ['spaces', `INVITE ${' '.repeat(60_000)} SIP/2.0\r\n\r\n`],
    ['versions', `INVITE ${' SIP/1.1 '.repeat(6000)}x\r\n\r\n`],
    ['telephone digits', `INVITE tel:${'1'.repeat(60_000)}! SIP/2.0\r\n\r\n`],
    ['host letters', `INVITE sip:${'a'.repeat(60_000)}! SIP/2.0\r\n\r\n`],
    ['percent signs', `INVITE sip:${'%41'.repeat(20_000)}% SIP/2.0\r\n\r\n`],
    ['angle brackets', `INVITE sip:a@b SIP/2.0\r\nTo: ${'<'.repeat(60_000)}\r\n\r\n`],
    ['line ends', '\r\n'.repeat(32_000)],
    ['carriage returns', `INVITE sip:a@b SIP/2.0${'\r'.repeat(60_000)}\r\n\r\n`],
    ['lengths', `INVITE sip:a@b SIP/2.0\r\n${'l: 1\r\n'.repeat(10_000)}\r\n\r\n`],
  ])('T01 64 KiB of %s take no quadratic time', (_what, text) => {
    const before = process.cpuUsage();
    const result = parseMessage(Buffer.from(text));
    if (result.ok) checkAll(result.message);
    const framer = new StreamFramer(65_536);
    framer.push(Buffer.from(text));
    // Linear time is about a millisecond, quadratic several seconds. Of the processor: a busy machine
    // gives it to others meanwhile.
    expect(process.cpuUsage(before).user).toBeLessThan(500_000);
  });
});
