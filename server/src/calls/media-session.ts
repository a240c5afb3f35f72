import type { TrunkRow } from '../db/queries/trunks.ts';
import { isCodecName } from '../sdp/codecs.ts';
import { newEncryption } from '../sdp/crypto-line.ts';
import { answerOffer, buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import type { LocalAudio, LocalEncryption, NegotiatedAudio, SdpResult } from '../sdp/sdp.ts';
import type { OfferAnswer } from '../sip/leg.ts';
import type { SipAddress } from '../sip/message.ts';
import { keysOver } from './leg-encryption.ts';

export interface MediaSessionOptions {
  /** Address that the far end is told to send to. */
  host: string;
  trunk: Pick<TrunkRow, 'codecs' | 'mediaEncryption'>;
  /** RFC 4566 §5.2: the same for all descriptions of a call. */
  sessionId: number;
}

/** What we say of our side of a call's audio, offer after offer: RFC 3264, one session. */
export class MediaSession {
  /** What the leg's signalling goes over: keys are told where nobody on the way reads them. */
  transport: SipAddress['transport'] = 'udp';
  readonly #options: MediaSessionOptions;
  /** The same keys for the whole call; undefined: none are offered. */
  readonly #keys: LocalEncryption | undefined;
  #version = 1;

  constructor(options: MediaSessionOptions) {
    const { mediaEncryption } = options.trunk;
    this.#options = options;
    this.#keys = mediaEncryption === 'none' ? undefined : newEncryption(mediaEncryption);
  }

  /** Our side as it stands, with audio at this port. */
  local(rtpPort: number): LocalAudio {
    const { host, trunk, sessionId } = this.#options;
    return {
      host,
      port: rtpPort,
      codecs: trunk.codecs.filter(isCodecName),
      direction: 'sendrecv',
      sessionId,
      sessionVersion: this.#version,
      encryption: keysOver(this.#keys, this.transport),
    };
  }

  /** An offer of something new, and how to read its answer. */
  offer(rtpPort: number): { sdp: string; read: (answer: string) => SdpResult<NegotiatedAudio> } {
    this.#version++;
    const local = this.local(rtpPort);
    return { sdp: buildOffer(local), read: (answer) => readAnswer(answer, local) };
  }

  /**
   * RFC 3264 §8: hold, resume and a far end whose media moves. `audio`: what holds from now on;
   * null: what held, because they asked for our offer or cannot have theirs.
   */
  answer(
    rtpPort: number,
    offer: string | null,
  ): { reply: OfferAnswer; audio: NegotiatedAudio | null } {
    const local = { ...this.local(rtpPort), sessionVersion: this.#version + 1 };
    const answer = offer === null ? null : answerOffer(offer, local);
    if (answer?.ok === false) return { reply: NOT_ACCEPTABLE, audio: null };
    this.#version++;
    if (!answer) return { reply: { accept: true, sdp: buildOffer(local) }, audio: null };
    return { reply: { accept: true, sdp: answer.value.sdp }, audio: answer.value.audio };
  }
}

/** To an offer that cannot be taken, or that comes too late. */
export const NOT_ACCEPTABLE: OfferAnswer = {
  accept: false,
  status: 488,
  reason: 'Not Acceptable Here',
};
