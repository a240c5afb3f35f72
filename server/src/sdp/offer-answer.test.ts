import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOffer, buildOffer, readAnswer } from './offer-answer.ts';
import { parseSdp } from './parse-sdp.ts';
import { newEncryption } from './crypto-line.ts';
import { SRTP_SUITES, type LocalAudio, type NegotiatedAudio } from './sdp.ts';

const LOCAL: LocalAudio = {
  host: '192.0.2.10',
  port: 10_000,
  codecs: ['PCMU', 'PCMA'],
  direction: 'sendrecv',
  sessionId: 4_711,
  sessionVersion: 1,
};

const HEAD = ['v=0', 'o=- 1 1 IN IP4 198.51.100.1', 's=-', 'c=IN IP4 198.51.100.1', 't=0 0'];
const text = (...lines: string[]): string => [...HEAD, ...lines, ''].join('\r\n');
const EVENTS = ['a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16'];

function answered(offer: string, local = LOCAL): { lines: string[]; audio: NegotiatedAudio } {
  const result = answerOffer(offer, local);
  if (!result.ok) throw new Error(result.error.message);
  return { lines: result.value.sdp.split('\r\n'), audio: result.value.audio };
}

describe('buildOffer', () => {
  it('T20 RFC 3264 §5: offers our codecs in our order, and telephone-event', () => {
    expect(buildOffer(LOCAL)).toBe(
      [
        'v=0',
        'o=- 4711 1 IN IP4 192.0.2.10',
        's=-',
        'c=IN IP4 192.0.2.10',
        't=0 0',
        'm=audio 10000 RTP/AVP 0 8 101',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:8 PCMA/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-16',
        'a=ptime:20',
        'a=sendrecv',
        '',
      ].join('\r\n'),
    );
  });

  it('RFC 8866 §5.7: says IP6 for an IPv6 address', () => {
    const offer = buildOffer({ ...LOCAL, host: '2001:db8::10', codecs: ['PCMA'] });
    expect(offer).toContain('o=- 4711 1 IN IP6 2001:db8::10\r\n');
    expect(offer).toContain('c=IN IP6 2001:db8::10\r\n');
    expect(offer).toContain('m=audio 10000 RTP/AVP 8 101\r\n');
  });
});

describe('answerOffer', () => {
  it('T20 RFC 3264 §6.1: takes the first codec of the offer that we have', () => {
    const { audio, lines } = answered(text('m=audio 4000 RTP/AVP 18 8 0 101', ...EVENTS));
    expect(audio).toEqual({
      remoteHost: '198.51.100.1',
      remotePort: 4_000,
      codec: 'PCMA',
      payloadType: 8,
      dtmfPayloadType: 101,
      direction: 'sendrecv',
      ptimeMs: 20,
    });
    expect(lines).toContain('m=audio 10000 RTP/AVP 8 101');
    expect(lines).not.toContain('a=rtpmap:0 PCMU/8000');
  });

  it('RFC 3551 §6: knows payload types 0 and 8 without an rtpmap', () => {
    expect(answered(text('m=audio 4000 RTP/AVP 0')).audio.codec).toBe('PCMU');
    expect(answered(text('m=audio 4000 RTP/AVP 8')).audio.codec).toBe('PCMA');
  });

  it('RFC 3264 §6.1: answers with the numbers of the offer', () => {
    const { audio, lines } = answered(
      text(
        'm=audio 4000 RTP/AVP 97 96',
        'a=rtpmap:97 pcmu/8000/1',
        'a=rtpmap:96 Telephone-Event/8000',
      ),
    );
    expect(audio).toMatchObject({ codec: 'PCMU', payloadType: 97, dtmfPayloadType: 96 });
    expect(lines).toContain('m=audio 10000 RTP/AVP 97 96');
    expect(lines).toContain('a=rtpmap:97 PCMU/8000');
    expect(lines).toContain('a=rtpmap:96 telephone-event/8000');
  });

  it('RFC 4733 §2.1: answers no telephone-event where none was offered, or of another clock', () => {
    const none = answered(text('m=audio 4000 RTP/AVP 0'));
    expect(none.audio.dtmfPayloadType).toBeNull();
    expect(none.lines.join(' ')).not.toContain('telephone-event');
    const wide = text('m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/48000');
    expect(answered(wide).audio.dtmfPayloadType).toBeNull();
  });

  it('does not take a wide-band codec that bears our name', () => {
    const offer = text('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000');
    expect(answerOffer(offer, LOCAL)).toMatchObject({ error: { code: 'no-common-codec' } });
  });

  it.each([
    [[], 'sendrecv'],
    [['a=sendrecv'], 'sendrecv'],
    [['a=sendonly'], 'recvonly'],
    [['a=recvonly'], 'sendonly'],
    [['a=inactive'], 'inactive'],
    [['c=IN IP4 0.0.0.0'], 'recvonly'],
    [['c=IN IP4 0.0.0.0', 'a=sendonly'], 'recvonly'],
    [['c=IN IP4 0.0.0.0', 'a=recvonly'], 'inactive'],
    [['c=IN IP4 0.0.0.0', 'a=inactive'], 'inactive'],
  ])('T21 RFC 3264 §6.1 and §8.4: to %j we are %s', (attributes, direction) => {
    const { audio, lines } = answered(text('m=audio 4000 RTP/AVP 0', ...attributes));
    expect(audio.direction).toBe(direction);
    expect(lines).toContain(`a=${direction}`);
  });

  it.each([
    ['sendrecv', 'sendonly', 'sendonly'],
    ['sendrecv', 'inactive', 'inactive'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'recvonly', 'inactive'],
    ['recvonly', 'sendonly', 'sendonly'],
  ] as const)('RFC 3264 §6.1: to %s, wanting %s, we are %s', (theirs, wanted, direction) => {
    const offer = text('m=audio 4000 RTP/AVP 0', `a=${theirs}`);
    expect(answered(offer, { ...LOCAL, direction: wanted }).audio.direction).toBe(direction);
  });

  it('T20 RFC 3264 §6: keeps number and order of the media, and refuses the others with port 0', () => {
    const { lines } = answered(
      text(
        'm=video 6000 RTP/AVP 96 97',
        'a=rtpmap:96 H264/90000',
        'm=audio 4000 RTP/AVP 0',
        'm=image 7000 udptl t38',
        'm=audio 8000 RTP/AVP 0',
      ),
    );
    expect(lines.filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 96 97',
      'm=audio 10000 RTP/AVP 0',
      'm=image 0 udptl t38',
      'm=audio 0 RTP/AVP 0',
    ]);
  });

  it('takes the plain one of two audio lines, and passes over one that was closed', () => {
    const { audio, lines } = answered(
      text('m=audio 0 RTP/AVP 0', 'm=audio 4000 RTP/SAVP 0', 'm=audio 4002 RTP/AVP 0'),
    );
    expect(audio.remotePort).toBe(4_002);
    expect(lines.filter((line) => line.startsWith('m='))).toEqual([
      'm=audio 0 RTP/AVP 0',
      'm=audio 0 RTP/SAVP 0',
      'm=audio 10000 RTP/AVP 0',
    ]);
  });

  it('RFC 4585 §3.1: answers RTP/AVPF with RTP/AVPF', () => {
    expect(answered(text('m=audio 4000 RTP/AVPF 0')).lines).toContain('m=audio 10000 RTP/AVPF 0');
  });

  it('takes an IPv6 address and the packet time of the far end', () => {
    const { audio } = answered(
      text('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::5', 'a=ptime:30'),
    );
    expect(audio).toMatchObject({ remoteHost: '2001:db8::5', ptimeMs: 30 });
  });

  it('RFC 3264 §8: repeats the version that it was given', () => {
    const { lines } = answered(text('m=audio 4000 RTP/AVP 0'), { ...LOCAL, sessionVersion: 7 });
    expect(lines).toContain('o=- 4711 7 IN IP4 192.0.2.10');
  });

  it.each([
    ['malformed', 'hello'],
    ['no-audio', text()],
    ['no-audio', text('m=audio 0 RTP/AVP 0')],
    ['no-audio', text('m=video 4000 RTP/AVP 96')],
    ['unsupported-transport', text('m=audio 4000 RTP/SAVP 0')],
    ['unsupported-transport', text('m=audio 4000 UDP/TLS/RTP/SAVPF 0')],
    ['no-common-codec', text('m=audio 4000 RTP/AVP 18 9')],
    ['no-common-codec', text('m=audio 4000 RTP/AVP 101', ...EVENTS)],
    ['bad-address', text('m=audio 4000 RTP/AVP 0', 'c=IN IP4 media.example.com')],
    ['bad-address', 'v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'],
  ])('T20 says %s instead of throwing', (code, offer) => {
    expect(answerOffer(offer, LOCAL)).toMatchObject({ ok: false, error: { code } });
  });
});

describe('readAnswer', () => {
  it('RFC 3264 §7: reads what the far end took', () => {
    const answer = text('m=audio 4000 RTP/AVP 8 101', ...EVENTS, 'a=ptime:40');
    expect(readAnswer(answer, LOCAL)).toEqual({
      ok: true,
      value: {
        remoteHost: '198.51.100.1',
        remotePort: 4_000,
        codec: 'PCMA',
        payloadType: 8,
        dtmfPayloadType: 101,
        direction: 'sendrecv',
        ptimeMs: 40,
      },
    });
  });

  it('RFC 3264 §6.1: where the answer names both codecs, its first counts', () => {
    const result = readAnswer(text('m=audio 4000 RTP/AVP 8 0'), LOCAL);
    expect(result).toMatchObject({ ok: true, value: { codec: 'PCMA' } });
  });

  it.each([
    ['no-audio', text()],
    ['no-audio', text('m=audio 0 RTP/AVP 0')],
    ['no-common-codec', text('m=audio 4000 RTP/AVP 9')],
    ['unsupported-transport', text('m=audio 4000 RTP/SAVP 0')],
    ['bad-address', text('m=audio 4000 RTP/AVP 0', 'c=IN IP4 nowhere')],
    ['malformed', ''],
  ])('says %s of an answer that cannot be used', (code, answer) => {
    expect(readAnswer(answer, LOCAL)).toMatchObject({ ok: false, error: { code } });
  });

  it('RFC 3264 §6.1: both sides agree on what one offers and the other answers', () => {
    const far: LocalAudio = { ...LOCAL, host: '198.51.100.9', port: 20_000, codecs: ['PCMA'] };
    const answer = answerOffer(buildOffer(LOCAL), far);
    if (!answer.ok) throw new Error(answer.error.message);
    const near = readAnswer(answer.value.sdp, LOCAL);
    expect(near).toMatchObject({
      ok: true,
      value: {
        remoteHost: '198.51.100.9',
        remotePort: 20_000,
        codec: 'PCMA',
        dtmfPayloadType: 101,
      },
    });
    expect(answer.value.audio).toMatchObject({ remotePort: 10_000, codec: 'PCMA' });
  });
});

describe('offer and answer', () => {
  it('never throw, and never write a line that the far end smuggled in', () => {
    const word = fc.string({ minLength: 1, maxLength: 8 });
    const line = fc.oneof(
      fc
        .tuple(word, word, word)
        .map(([kind, protocol, format]) => `m=${kind} 1 ${protocol} ${format}`),
      word.map((rest) => `a=${rest}`),
      word.map((encoding) => `a=rtpmap:96 ${encoding}/8000`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const offer = text(...lines, 'm=audio 4000 RTP/AVP 0 96', ...lines);
        const result = answerOffer(offer, LOCAL);
        readAnswer(offer, LOCAL);
        if (!result.ok) return;
        const theirs = parseSdp(offer);
        const ours = parseSdp(result.value.sdp);
        if (!theirs.ok || !ours.ok) throw new Error('the answer cannot be read');
        expect(ours.value.media).toHaveLength(theirs.value.media.length);
        expect(ours.value.media.filter(({ port }) => port > 0)).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('codecs beside G.711', () => {
  const WIDE: LocalAudio = { ...LOCAL, codecs: ['OPUS', 'G722', 'PCMU'] };

  it('T49 RFC 7587 §7, RFC 3551 §4.5.2: are offered where they are wanted, digits for each clock', () => {
    const lines = buildOffer(WIDE).split('\r\n');
    expect(lines.slice(5, -3)).toEqual([
      'm=audio 10000 RTP/AVP 111 9 0 101 110',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 maxplaybackrate=8000;sprop-maxcapturerate=8000;stereo=0;useinbandfec=1',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=rtpmap:110 telephone-event/48000',
      'a=fmtp:110 0-16',
    ]);
  });

  it('T49: are neither offered nor taken where they are not', () => {
    expect(buildOffer(LOCAL)).not.toMatch(/opus|G722|48000/);
    const { audio } = answered(text('m=audio 4000 RTP/AVP 96 9 0', 'a=rtpmap:96 opus/48000/2'));
    expect(audio.codec).toBe('PCMU');
    const only = answerOffer(text('m=audio 4000 RTP/AVP 9'), LOCAL);
    expect(only).toMatchObject({ ok: false, error: { code: 'no-common-codec' } });
  });

  it('T49 RFC 7587 §7: takes Opus with the number of the offer, and digits of its clock only', () => {
    const opus = ['a=rtpmap:96 OPUS/48000/2', 'a=rtpmap:97 telephone-event/48000'];
    const offer = text('m=audio 4000 RTP/AVP 96 0 101 97', ...opus, ...EVENTS);
    const { audio, lines } = answered(offer, WIDE);
    expect(audio).toMatchObject({ codec: 'OPUS', payloadType: 96, dtmfPayloadType: 97 });
    expect(lines).toContain('m=audio 10000 RTP/AVP 96 97');
    expect(lines).toContain('a=rtpmap:96 opus/48000/2');
    expect(lines).toContain('a=rtpmap:97 telephone-event/48000');
    const without = answered(text('m=audio 4000 RTP/AVP 96 101', opus[0] ?? '', ...EVENTS), WIDE);
    expect(without.audio.dtmfPayloadType).toBeNull();
  });

  it.each([
    ['mono', 'opus/48000'],
    ['of another clock', 'opus/16000/2'],
  ])('T49 RFC 7587 §7: is no Opus: %s', (_what, rtpmap) => {
    const offer = text('m=audio 4000 RTP/AVP 96', `a=rtpmap:96 ${rtpmap}`);
    expect(answerOffer(offer, WIDE)).toMatchObject({ error: { code: 'no-common-codec' } });
  });

  it('RFC 3551 §6: knows payload type 9 without an rtpmap', () => {
    expect(answered(text('m=audio 4000 RTP/AVP 9 0'), WIDE).audio.codec).toBe('G722');
  });

  it('RFC 3264 §6.1: both sides agree on Opus', () => {
    const { lines, audio } = answered(buildOffer(WIDE), WIDE);
    const read = readAnswer(lines.join('\r\n'), WIDE);
    expect(audio).toMatchObject({ codec: 'OPUS', payloadType: 111, dtmfPayloadType: 110 });
    expect(read).toMatchObject({ ok: true, value: { codec: 'OPUS', dtmfPayloadType: 110 } });
  });
});

describe('RFC 5761 §5.1.1: RTP and RTCP on one port', () => {
  it('T38: is answered where it was offered, and never asked for', () => {
    const muxed = answered(text('m=audio 4000 RTP/AVP 0', 'a=rtcp-mux'));
    expect(muxed.lines).toContain('a=rtcp-mux');
    expect(muxed.audio.rtcpMux).toBe(true);
    const plain = answered(text('m=audio 4000 RTP/AVP 0'));
    expect(plain.lines).not.toContain('a=rtcp-mux');
    expect(plain.audio.rtcpMux).toBeUndefined();
    expect(buildOffer(LOCAL)).not.toContain('rtcp-mux');
  });
});

describe('encrypted audio', () => {
  const required: LocalAudio = { ...LOCAL, encryption: newEncryption('required') };
  const optional: LocalAudio = { ...LOCAL, encryption: newEncryption('optional') };
  const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';

  it('T44 RFC 4568 §5.1: is offered as RTP/SAVP with a line for each suite', () => {
    const lines = buildOffer(required).split('\r\n');
    expect(lines).toContain('m=audio 10000 RTP/SAVP 0 8 101');
    expect(lines.filter((line) => line.startsWith('a=crypto:'))).toEqual(
      SRTP_SUITES.map(
        (suite, index) =>
          `a=crypto:${index + 1} ${suite} inline:${required.encryption?.keys[suite]}`,
      ),
    );
    expect(buildOffer(optional)).toContain('m=audio 10000 RTP/AVP 0 8 101\r\n');
    expect(buildOffer(optional)).toContain('a=crypto:1 ');
    expect(buildOffer(LOCAL)).not.toContain('crypto');
  });

  it.each(SRTP_SUITES)(
    'T44 RFC 4568 §5.1.2: both sides end up with the same keys for %s',
    (suite) => {
      const there: LocalAudio = { ...required, encryption: newEncryption('required') };
      const offer = buildOffer(required)
        .split('\r\n')
        .filter((line) => !line.startsWith('a=crypto:') || line.includes(` ${suite} `))
        .join('\r\n');
      const { lines, audio } = answered(offer, there);
      expect(lines.some((line) => line.startsWith('m=audio 10000 RTP/SAVP'))).toBe(true);
      const read = readAnswer(lines.join('\r\n'), required);
      if (!read.ok) throw new Error(read.error.message);
      expect(read.value.srtp).toEqual({
        suite,
        localKey: required.encryption?.keys[suite],
        remoteKey: there.encryption?.keys[suite],
      });
      expect(audio.srtp).toEqual({
        suite,
        localKey: there.encryption?.keys[suite],
        remoteKey: required.encryption?.keys[suite],
      });
    },
  );

  it('T44: is plain where it may be and the far end says nothing of keys', () => {
    const plain = answered(buildOffer(LOCAL), optional);
    expect(plain.audio.srtp).toBeUndefined();
    expect(plain.lines.join()).not.toContain('crypto');
    const read = readAnswer(text('m=audio 4000 RTP/AVP 0'), optional);
    expect(read).toMatchObject({ ok: true });
    expect(read.ok && read.value.srtp).toBeUndefined();
    expect(answered(buildOffer(optional), optional).audio.srtp).toBeDefined();
  });

  it.each([
    ['plain audio where keys are required', text('m=audio 4000 RTP/AVP 0'), required],
    [
      'RTP/SAVP where we have no keys',
      text('m=audio 4000 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`),
      LOCAL,
    ],
    ['RTP/SAVP without a key', text('m=audio 4000 RTP/SAVP 0'), required],
    [
      'a suite that we have not',
      text('m=audio 4000 RTP/SAVP 0', `a=crypto:1 F8_128_HMAC_SHA1_80 inline:${KEY}`),
      required,
    ],
    [
      'a key that is too short',
      text('m=audio 4000 RTP/SAVP 0', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA'),
      required,
    ],
    [
      'a master key identifier',
      text('m=audio 4000 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4`),
      required,
    ],
    [
      'unencrypted SRTP',
      text(
        'm=audio 4000 RTP/SAVP 0',
        `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNENCRYPTED_SRTP`,
      ),
      required,
    ],
  ])('T44: is refused: %s', (_what, offer, local) => {
    const result = answerOffer(offer, local);
    expect(result).toMatchObject({ ok: false, error: { code: 'unsupported-transport' } });
  });

  it('T44: takes a key with a lifetime', () => {
    const line = `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^31`;
    const { lines, audio } = answered(text('m=audio 4000 RTP/SAVP 0', line), required);
    expect(audio.srtp?.remoteKey).toBe(KEY);
    expect(lines.join()).toContain('a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:');
  });
});
