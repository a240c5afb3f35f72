import { expect, it } from 'vitest';
import { factOf } from './voice-facts.ts';

const EVENT = {
  type: 'one-way-audio',
  seconds: 5,
  kind: 'no-packets',
  remote: '203.0.113.7:4000',
  localPort: 10_002,
  isHeardThere: true,
} as const;

it.each([
  [{}, 'one-way-audio', 'no audio from the far end for 5 s (203.0.113.7:4000, our port 10002)'],
  [
    { kind: 'silence', seconds: 20 },
    'one-way-audio',
    'nothing but digital silence from the far end for 20 s (203.0.113.7:4000, our port 10002)',
  ],
  [
    { isHeardThere: false, remote: null },
    'no-media',
    'no audio in either direction for 5 s (no address, our port 10002)',
  ],
] as const)(
  'T46: tells of audio that goes one way or none, with both addresses: %o',
  (change, code, message) => {
    expect(factOf({ ...EVENT, ...change })).toEqual({
      stored: true,
      draft: { type: 'call.warning', data: { code, message } },
    });
  },
);
