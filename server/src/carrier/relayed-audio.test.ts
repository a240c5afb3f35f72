import { describe, expect, it } from 'vitest';
import { readRelayedAudio, writeRelayedAudio, type RelayedAudio } from './relayed-audio.ts';

function offer(lines: readonly string[], host = '192.0.2.1'): string {
  return ['v=0', 'o=- 7 3 IN IP4 x', 's=-', `c=IN IP4 ${host}`, 't=0 0', ...lines, ''].join('\r\n');
}

function read(lines: readonly string[], host?: string): RelayedAudio {
  const result = readRelayedAudio(offer(lines, host));
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

const RICH = [
  'm=video 5002 RTP/AVP 96',
  'm=audio 5004 RTP/AVP 111 8 0 18 101',
  'a=rtpmap:111 opus/48000/2',
  'a=rtpmap:18 G729/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:30',
  'a=sendonly',
];

describe('the audio of a leg', () => {
  it('is G.711 and telephone-event under the numbers that the leg gave them', () => {
    const audio = read(RICH);
    expect(audio).toMatchObject({
      host: '192.0.2.1',
      port: 5004,
      direction: 'sendonly',
      ptimeMs: 30,
      secure: false,
      crypto: null,
    });
    expect(audio.formats.map(({ payloadType }) => payloadType)).toEqual([8, 0, 101]);
  });

  it.each([
    ['no audio', ['m=video 5002 RTP/AVP 96']],
    ['no codec of a trunk', ['m=audio 5004 RTP/AVP 18', 'a=rtpmap:18 G729/8000']],
    ['G.711 at another rate', ['m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000']],
    ['another transport', ['m=audio 5004 UDP/TLS/RTP/SAVPF 0']],
  ])('is refused where there is %s', (_what, lines) => {
    expect(readRelayedAudio(offer(lines)).ok).toBe(false);
  });

  it('is refused under a name: nobody looks it up in the middle of a call', () => {
    expect(readRelayedAudio(offer(['m=audio 5004 RTP/AVP 0'], 'pbx.example')).ok).toBe(false);
  });

  it('is on hold with an address of zeroes (RFC 3264 §8.4)', () => {
    expect(read(['m=audio 5004 RTP/AVP 0'], '0.0.0.0').direction).toBe('sendonly');
  });

  it('has the first key that can be used', () => {
    const key = Buffer.alloc(30, 1).toString('base64');
    const audio = read([
      'm=audio 5004 RTP/SAVP 0',
      'a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA',
      `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ]);
    expect(audio).toMatchObject({ secure: true, crypto: { tag: 2, inline: key } });
  });
});

describe('what the other leg is told', () => {
  const parts = { host: '198.51.100.1', port: 20_004, sessionId: 9, sessionVersion: 2 };

  it('is the same audio at our address, and nothing that the leg wrote itself', () => {
    const sdp = writeRelayedAudio({ ...parts, audio: read(RICH), crypto: [], answerTo: null });
    expect(sdp.split('\r\n')).toEqual([
      'v=0',
      'o=- 9 2 IN IP4 198.51.100.1',
      's=-',
      'c=IN IP4 198.51.100.1',
      't=0 0',
      'm=audio 20004 RTP/AVP 8 0 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:30',
      'a=sendonly',
      '',
    ]);
  });

  it('has in an answer a line for each of the offer (RFC 3264 §6)', () => {
    const answered = read(['m=audio 5010 RTP/AVP 8', 'a=recvonly']);
    const sdp = writeRelayedAudio({ ...parts, audio: answered, crypto: [], answerTo: read(RICH) });
    expect(sdp.split('\r\n').filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 96',
      'm=audio 20004 RTP/AVP 8',
    ]);
  });
});
