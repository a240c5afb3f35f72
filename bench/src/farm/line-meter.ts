import { sequenceDistance, type RtpPacket } from '../../../server/src/rtp/rtp-packet.ts';

/** What arrived on a line since the last reset. */
export interface LineFigures {
  packets: number;
  /** Packets that were never seen, or came after their successor. */
  sequenceErrors: number;
  /** Packets whose timestamp did not move with the sequence number. */
  timestampErrors: number;
  /** Milliseconds between one packet's arrival and the next one's. */
  gapsMs: number[];
}

interface Predecessor {
  sequenceNumber: number;
  rtpTimestamp: number;
  ssrc: number;
  atMs: number;
}

/** Judges a stream of RTP packets by when they arrive and how they are numbered. */
export class LineMeter {
  #figures: LineFigures = emptyFigures();
  #last: Predecessor | null = null;

  push(packet: RtpPacket, atMs: number): void {
    const { sequenceNumber, rtpTimestamp, ssrc } = packet;
    const last = this.#last;
    this.#figures.packets++;
    if (last && last.ssrc === ssrc) {
      const steps = sequenceDistance(sequenceNumber, last.sequenceNumber);
      if (steps !== 1) this.#figures.sequenceErrors += steps > 1 ? steps - 1 : 1;
      // RFC 3550 §5.1: the timestamp counts samples, silent ones included, and wraps at 32 bits.
      const elapsed = (rtpTimestamp - last.rtpTimestamp) | 0;
      if (elapsed !== steps * packet.payload.length) this.#figures.timestampErrors++;
      this.#figures.gapsMs.push(atMs - last.atMs);
    }
    this.#last = { sequenceNumber, rtpTimestamp, ssrc, atMs };
  }

  /** The figures so far; counting begins anew. */
  take(): LineFigures {
    const figures = this.#figures;
    this.#figures = emptyFigures();
    return figures;
  }

  /** Forgets everything, the last packet too. */
  restart(): void {
    this.#figures = emptyFigures();
    this.#last = null;
  }
}

function emptyFigures(): LineFigures {
  return { packets: 0, sequenceErrors: 0, timestampErrors: 0, gapsMs: [] };
}
