import { newEncryption, offeredCrypto } from '../sdp/crypto-line.ts';
import type { LocalEncryption, SdpResult } from '../sdp/sdp.ts';
import type { SipTransportName } from '../sip/message.ts';
import { createRelayCipher } from './relay-cipher.ts';
import {
  readRelayedAudio,
  writeRelayedAudio,
  type RelayedAudio,
  type WrittenAudio,
} from './relayed-audio.ts';
import type { RelaySideName, RtpRelay } from './rtp-relay.ts';

/** What this leg may be: plain, encrypted when it can, or encrypted or nothing. */
export type LegEncryption = 'none' | 'optional' | 'required';

/** What is passed on from one leg to the other. */
type ToldAudio = Pick<WrittenAudio['audio'], 'formats' | 'direction' | 'ptimeMs'>;

export interface RelayLegOptions {
  relay: RtpRelay;
  side: RelaySideName;
  /** Address that stands in SDP. */
  host: string;
  sessionId: number;
  encryption: LegEncryption;
}

/** One side of a relayed call in words of SDP: what it said last, and what it was told last. */
export class RelayLeg {
  readonly #options: RelayLegOptions;
  readonly #keys: LocalEncryption | null;
  #encryption: LegEncryption;
  #version = 0;
  #said: RelayedAudio | null = null;
  #told: ToldAudio | null = null;
  #srtp: { suite: string; remoteKey: string } | null = null;

  constructor(options: RelayLegOptions) {
    this.#options = options;
    const { encryption } = options;
    this.#encryption = encryption;
    this.#keys = encryption === 'none' ? null : newEncryption(encryption);
  }

  /** What the leg said last; null: nothing yet. */
  get said(): RelayedAudio | null {
    return this.#said;
  }

  get encrypted(): boolean {
    return this.#srtp !== null;
  }

  /**
   * Says over what the leg is dialled next. Keys that may be left out are not told where everybody
   * on the way can read them (RFC 4568 §7).
   */
  dialOver(transport: SipTransportName): void {
    const { encryption } = this.#options;
    this.#encryption = encryption === 'optional' && transport !== 'tls' ? 'none' : encryption;
  }

  /** Takes an offer or an answer of the leg. */
  hear(sdp: string): SdpResult<RelayedAudio> {
    const read = readRelayedAudio(sdp);
    if (!read.ok) return read;
    const { value: audio } = read;
    const problem = this.#encryptionProblem(audio);
    if (problem !== null) {
      return { ok: false, error: { code: 'unsupported-transport', message: problem } };
    }
    this.#said = audio;
    const { relay, side } = this.#options;
    relay.connect(side, audio);
    this.#agreeOnKeys(audio);
    return read;
  }

  /** The other leg's audio as an offer to this one. */
  offer(audio: ToldAudio): string {
    const keys = this.#usableKeys;
    return this.#write(audio, keys ? offeredCrypto(keys) : [], null);
  }

  /** The other leg's audio as the answer to what this one offered. */
  answer(audio: ToldAudio): string {
    const offered = this.#said;
    const theirs = offered?.crypto ?? null;
    // RFC 4568 §5.1.2: the tag of the line that was taken, with our key.
    const keys = this.#usableKeys;
    const ours = theirs && keys && [{ ...theirs, inline: keys.keys[theirs.suite] }];
    return this.#write(audio, ours ?? [], offered);
  }

  /** What it was told last, as a new offer (RFC 3261 §14.2); null: it was told nothing. */
  repeat(): string | null {
    return this.#told && this.offer(this.#told);
  }

  #write(
    audio: ToldAudio,
    crypto: ReturnType<typeof offeredCrypto>,
    answerTo: RelayedAudio | null,
  ): string {
    const { host, relay, side, sessionId } = this.#options;
    this.#version++;
    this.#told = audio;
    return writeRelayedAudio({
      host,
      port: relay.portOf(side),
      sessionId,
      sessionVersion: this.#version,
      audio,
      crypto,
      optionalCrypto: this.#encryption === 'optional',
      answerTo,
    });
  }

  get #usableKeys(): LocalEncryption | null {
    return this.#encryption === 'none' ? null : this.#keys;
  }

  #encryptionProblem(audio: RelayedAudio): string | null {
    const encryption = this.#encryption;
    if (encryption === 'none' && audio.secure) return 'expected RTP/AVP, got RTP/SAVP';
    if (encryption === 'required' && !audio.crypto) return 'expected RTP/SAVP with a=crypto';
    if (audio.secure && !audio.crypto) return 'expected a=crypto with a known suite';
    return null;
  }

  #agreeOnKeys({ crypto }: RelayedAudio): void {
    const { relay, side } = this.#options;
    const keys = this.#usableKeys;
    if (!crypto || !keys) {
      if (this.#srtp) relay.encrypt(side, null);
      this.#srtp = null;
      return;
    }
    const { suite, inline: remoteKey } = crypto;
    // The same keys go on counting; new ones begin anew.
    if (this.#srtp?.suite === suite && this.#srtp.remoteKey === remoteKey) return;
    this.#srtp = { suite, remoteKey };
    const localKey = keys.keys[suite];
    relay.encrypt(side, createRelayCipher({ suite, localKey, remoteKey }));
  }
}
