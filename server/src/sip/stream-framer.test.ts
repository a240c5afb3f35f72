import { describe, expect, it } from 'vitest';
import { StreamFramer } from './stream-framer.ts';

const MAX_BYTES = 1000;

function message(body: string, length = `Content-Length: ${body.length}`): Buffer {
  return Buffer.from(`MESSAGE sip:a@b SIP/2.0\r\nCall-ID: 1\r\n${length}\r\n\r\n${body}`);
}

function kinds(...chunks: (Buffer | string)[]): string[] {
  const framer = new StreamFramer(MAX_BYTES);
  return chunks.flatMap((chunk) => framer.push(Buffer.from(chunk))).map((frame) => frame.kind);
}

describe('StreamFramer', () => {
  it('T04 RFC 3261 §18.3: cuts 20 messages out of one segment', () => {
    const messages = Array.from({ length: 20 }, (_, n) => message('x'.repeat(n)));
    const frames = new StreamFramer(MAX_BYTES).push(Buffer.concat(messages));
    expect(frames).toEqual(messages.map((bytes) => ({ kind: 'message', bytes })));
  });

  it('T04 RFC 3261 §18.3: joins a message that comes byte by byte', () => {
    const framer = new StreamFramer(MAX_BYTES);
    const bytes = message('body');
    const frames = [...bytes].flatMap((byte) => framer.push(Uint8Array.of(byte)));
    expect(frames).toEqual([{ kind: 'message', bytes }]);
    expect(framer.hasPartial).toBe(false);
  });

  it('a message stays as it was while later ones come', () => {
    const framer = new StreamFramer(MAX_BYTES);
    const [first] = framer.push(message('first'));
    for (let n = 0; n < 50; n++) framer.push(message('other'));
    expect(first).toEqual({ kind: 'message', bytes: message('first') });
  });

  it.each(['l: 4', 'CONTENT-LENGTH : 4', 'L:\t4', 'l:\r\n 4', 'l: 4\r\nContent-Length: 4'])(
    'finds the length in %j',
    (length) => {
      expect(kinds(message('body', length), message('more'))).toEqual(['message', 'message']);
    },
  );

  it('T04 RFC 5626 §4.4.1: two line ends between messages are a ping, one is a pong', () => {
    expect(kinds(message(''), '\r\n\r\n', message(''), '\r\n', message(''))).toEqual([
      'message',
      'ping',
      'message',
      'message',
    ]);
    expect(kinds('\r', '\n', '\r', '\n')).toEqual(['ping']);
  });

  it.each(['Subject: none', 'l: x', 'l: -1', 'l: 1\r\nl: 2', 'l: 1001', 'l: 99999999999'])(
    'cannot go on after a head with %j',
    (length) => {
      expect(kinds(message('', length), message(''))).toEqual(['broken']);
    },
  );

  it('gives the head of a message whose end cannot be told', () => {
    const bytes = message('', 'Subject: none');
    expect(new StreamFramer(MAX_BYTES).push(bytes)).toEqual([{ kind: 'broken', bytes }]);
  });

  it('does not wait for the end of a head for ever', () => {
    const framer = new StreamFramer(MAX_BYTES);
    expect(framer.push(Buffer.alloc(MAX_BYTES, 'a'))).toEqual([]);
    expect(framer.push(Buffer.from('a'))).toMatchObject([{ kind: 'broken' }]);
    expect(framer.hasPartial).toBe(false);
  });

  it('knows binary bytes for no SIP at once', () => {
    expect(kinds(Buffer.from([0x16, 0x03, 0x01]), message(''))).toEqual(['garbage']);
  });
});
