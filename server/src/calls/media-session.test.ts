import { describe, expect, it } from 'vitest';
import { buildOffer } from '../sdp/offer-answer.ts';
import type { LocalAudio } from '../sdp/sdp.ts';
import { MediaSession } from './media-session.ts';

const RTP_PORT = 20_000;
const FAR_END: LocalAudio = {
  host: '127.0.0.9',
  port: 30_000,
  codecs: ['PCMU'],
  direction: 'sendrecv',
  sessionId: 9,
  sessionVersion: 1,
};

function session(
  mediaEncryption: 'none' | 'optional' | 'required' = 'none',
  codecs = ['PCMU', 'PCMA'],
): MediaSession {
  const trunk = { codecs, mediaEncryption };
  return new MediaSession({ host: '127.0.0.1', trunk, sessionId: 77 });
}

function originOf(sdp: string): string {
  return /^o=.*$/m.exec(sdp)?.[0]?.trim() ?? '';
}

describe('MediaSession', () => {
  it('counts its version up with each description that the far end gets', () => {
    const media = session();
    const first = buildOffer(media.local(RTP_PORT));
    const { reply } = media.answer(RTP_PORT, buildOffer(FAR_END));
    const asked = media.answer(RTP_PORT, null);
    const offer = media.offer(RTP_PORT);
    const told = [first, sdpOf(reply), sdpOf(asked.reply), offer.sdp].map(originOf);
    expect(told).toEqual([1, 2, 3, 4].map((n) => expect.stringContaining(` 77 ${n} IN IP4`)));
    expect(asked.audio).toBeNull();
  });

  it('says where the far end is heard and spoken to after its offer', () => {
    const { audio } = session().answer(RTP_PORT, buildOffer({ ...FAR_END, direction: 'sendonly' }));
    expect(audio).toMatchObject({
      remoteHost: '127.0.0.9',
      remotePort: 30_000,
      direction: 'recvonly',
    });
  });

  it('refuses an offer that shares no codec, and its version stays', () => {
    const media = session('none', ['PCMA']);
    expect(media.answer(RTP_PORT, buildOffer(FAR_END))).toEqual({
      reply: { accept: false, status: 488, reason: 'Not Acceptable Here' },
      audio: null,
    });
    expect(media.local(RTP_PORT).sessionVersion).toBe(1);
  });

  it('tells the same keys in each description, and only over TLS', () => {
    const media = session('optional');
    expect(media.local(RTP_PORT).encryption).toBeUndefined();
    media.transport = 'tls';
    const { encryption } = media.local(RTP_PORT);
    expect(encryption?.policy).toBe('optional');
    expect(media.local(RTP_PORT).encryption).toBe(encryption);
  });

  it('takes from trunks the codecs that it has', () => {
    expect(session('none', ['G722', 'PCMA', 'G729']).local(RTP_PORT).codecs).toEqual([
      'G722',
      'PCMA',
    ]);
  });
});

function sdpOf(reply: { accept: boolean; sdp?: string }): string {
  return reply.sdp ?? '';
}
