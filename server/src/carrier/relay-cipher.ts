import { RTP_HEADER_BYTES, parseRtp, sequenceDistance, writeRtpHeader } from '../rtp/rtp-packet.ts';
import { SrtpSession } from '../rtp/srtp.ts';
import type { SrtpParameters } from '../sdp/sdp.ts';
import type { RelayCipher } from './rtp-relay.ts';

/** SRTP on one side of a relay; the other side may be plain, or have keys of its own. */
export function createRelayCipher(parameters: SrtpParameters): RelayCipher {
  const session = new SrtpSession(parameters);
  let sent: { ssrc: number; sequence: number } | null = null;
  return {
    receive: (packet, kind) =>
      kind === 'rtp' ? session.unprotectRtp(packet) : session.unprotectRtcp(packet),
    send(packet, kind) {
      if (kind === 'rtcp') return session.protectRtcp(packet);
      const parsed = parseRtp(packet);
      if (!parsed.ok) return null;
      const { ssrc, sequenceNumber: sequence, payload } = parsed.packet;
      // RFC 3711 §3.3.1: the count of wraps is ours to keep, so what comes late stays behind.
      if (sent?.ssrc === ssrc && sequenceDistance(sequence, sent.sequence) <= 0) return null;
      sent = { ssrc, sequence };
      // Contributing sources, extensions and padding of the other side end here.
      const plain = Buffer.alloc(RTP_HEADER_BYTES + payload.length);
      writeRtpHeader(plain, parsed.packet);
      plain.set(payload, RTP_HEADER_BYTES);
      return session.protectRtp(plain);
    },
  };
}
