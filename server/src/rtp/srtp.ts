import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import type { SrtpParameters } from '../sdp/sdp.ts';
import { ReplayWindow } from './replay-window.ts';
import { RTP_HEADER_BYTES, sequenceDistance } from './rtp-packet.ts';
import { sessionKeys, SRTP_PROFILES, type SessionKeys, type SrtpProfile } from './srtp-keys.ts';

/** Sources of one far end; more are somebody who sprays. */
const MAX_SOURCES = 8;
const SEQUENCE_RANGE = 0x10000;
const RTCP_HEADER_BYTES = 8;
const RTCP_INDEX_BYTES = 4;
/** RFC 3711 §3.4: the packet is encrypted. */
const ENCRYPTED = 0x80000000;

interface Source {
  /** Of the highest packet that was taken. */
  rollover: number;
  sequence: number;
  window: ReplayWindow;
}

/**
 * Secure RTP of one stream (RFC 3711; RFC 7714 for GCM) with keys from SDP (RFC 4568). What comes
 * is only what the far end sent: a packet whose tag is wrong, or that was seen before, is null.
 */
export class SrtpSession {
  readonly #profile: SrtpProfile;
  readonly #local: SessionKeys;
  readonly #remote: SessionKeys;
  readonly #sources = new Map<number, Source>();
  readonly #rtcpWindows = new Map<number, ReplayWindow>();
  #sentRollover = 0;
  #sentSequence: number | null = null;
  #sentRtcpIndex = 0;

  /** @throws Error where a key is not as long as the suite needs. */
  constructor({ suite, localKey, remoteKey }: SrtpParameters) {
    this.#profile = SRTP_PROFILES[suite];
    const local = sessionKeys(suite, localKey);
    const remote = sessionKeys(suite, remoteKey);
    if (!local || !remote) throw new Error(`expected keys of the length that ${suite} needs`);
    this.#local = local;
    this.#remote = remote;
  }

  /** The packet as it leaves; `packet` is ours and may be overwritten. */
  protectRtp(packet: Buffer): Buffer {
    const sequence = packet.readUInt16BE(2);
    if (this.#sentSequence !== null && sequence < this.#sentSequence) this.#sentRollover++;
    this.#sentSequence = sequence;
    const rollover = this.#sentRollover;
    const header = packet.subarray(0, RTP_HEADER_BYTES);
    const payload = packet.subarray(RTP_HEADER_BYTES);
    const ssrc = packet.readUInt32BE(8);
    const { rtpKey, rtpSalt, rtpAuthKey } = this.#local;
    if (this.#profile.aead) {
      const iv = gcmIv(rtpSalt, ssrc, rollover, sequence);
      return Buffer.concat([header, ...sealGcm(rtpKey, iv, header, payload)]);
    }
    const iv = counterIv(rtpSalt, ssrc, rollover, sequence);
    const secret = createCipheriv(this.#profile.counterCipher, rtpKey, iv).update(payload);
    const tag = this.#rtpTag(rtpAuthKey, [header, secret], rollover);
    return Buffer.concat([header, secret, tag]);
  }

  /** The packet as it was before it was protected; null: not from the far end, or seen before. */
  unprotectRtp(bytes: Buffer): Buffer | null {
    const headerBytes = headerBytesOf(bytes);
    const { rtpTagBytes, aead } = this.#profile;
    if (headerBytes === null || bytes.length < headerBytes + rtpTagBytes) return null;
    const ssrc = bytes.readUInt32BE(8);
    const sequence = bytes.readUInt16BE(2);
    const source = this.#sources.get(ssrc);
    const rollover = source ? guessRollover(source, sequence) : 0;
    if (rollover < 0) return null;
    const index = rollover * SEQUENCE_RANGE + sequence;
    if (source && !source.window.isNew(index)) return null;
    const header = bytes.subarray(0, headerBytes);
    const secret = bytes.subarray(headerBytes, bytes.length - rtpTagBytes);
    const tag = bytes.subarray(bytes.length - rtpTagBytes);
    const { rtpKey, rtpSalt, rtpAuthKey } = this.#remote;
    let payload: Buffer | null;
    if (aead) {
      payload = openGcm(rtpKey, gcmIv(rtpSalt, ssrc, rollover, sequence), header, secret, tag);
    } else {
      const expected = this.#rtpTag(rtpAuthKey, [header, secret], rollover);
      const iv = counterIv(rtpSalt, ssrc, rollover, sequence);
      payload = timingSafeEqual(tag, expected)
        ? createDecipheriv(this.#profile.counterCipher, rtpKey, iv).update(secret)
        : null;
    }
    if (!payload || !this.#noteSource(ssrc, source, { rollover, sequence, index })) return null;
    return Buffer.concat([header, payload]);
  }

  protectRtcp(packet: Buffer): Buffer {
    const index = this.#sentRtcpIndex;
    this.#sentRtcpIndex = (index + 1) & 0x7fffffff;
    const trailer = Buffer.alloc(RTCP_INDEX_BYTES);
    trailer.writeUInt32BE((index | ENCRYPTED) >>> 0);
    const header = packet.subarray(0, RTCP_HEADER_BYTES);
    const rest = packet.subarray(RTCP_HEADER_BYTES);
    const ssrc = packet.readUInt32BE(4);
    const { rtcpKey, rtcpSalt, rtcpAuthKey } = this.#local;
    if (this.#profile.aead) {
      const aad = Buffer.concat([header, trailer]);
      const sealed = sealGcm(rtcpKey, rtcpGcmIv(rtcpSalt, ssrc, index), aad, rest);
      return Buffer.concat([header, ...sealed, trailer]);
    }
    const iv = rtcpCounterIv(rtcpSalt, ssrc, index);
    const secret = createCipheriv(this.#profile.counterCipher, rtcpKey, iv).update(rest);
    const tag = this.#rtcpTag(rtcpAuthKey, [header, secret, trailer]);
    return Buffer.concat([header, secret, trailer, tag]);
  }

  /** Null: not from the far end, or seen before. */
  unprotectRtcp(bytes: Buffer): Buffer | null {
    const { rtcpTagBytes, aead } = this.#profile;
    if (bytes.length < RTCP_HEADER_BYTES + RTCP_INDEX_BYTES + rtcpTagBytes) return null;
    // RFC 7714 §9.1: GCM's tag stands before the index, the other behind it.
    const trailerAt = bytes.length - RTCP_INDEX_BYTES - (aead ? 0 : rtcpTagBytes);
    const trailer = bytes.subarray(trailerAt, trailerAt + RTCP_INDEX_BYTES);
    const word = trailer.readUInt32BE();
    const index = word & 0x7fffffff;
    const isEncrypted = word >= ENCRYPTED;
    const ssrc = bytes.readUInt32BE(4);
    const window = this.#rtcpWindows.get(ssrc) ?? new ReplayWindow();
    if (!window.isNew(index)) return null;
    const header = bytes.subarray(0, RTCP_HEADER_BYTES);
    const { rtcpKey, rtcpSalt, rtcpAuthKey } = this.#remote;
    let rest: Buffer | null;
    if (aead) {
      if (!isEncrypted) return null;
      const secret = bytes.subarray(RTCP_HEADER_BYTES, trailerAt - rtcpTagBytes);
      const tag = bytes.subarray(trailerAt - rtcpTagBytes, trailerAt);
      const aad = Buffer.concat([header, trailer]);
      rest = openGcm(rtcpKey, rtcpGcmIv(rtcpSalt, ssrc, index), aad, secret, tag);
    } else {
      const secret = bytes.subarray(RTCP_HEADER_BYTES, trailerAt);
      const tag = bytes.subarray(trailerAt + RTCP_INDEX_BYTES);
      if (!timingSafeEqual(tag, this.#rtcpTag(rtcpAuthKey, [header, secret, trailer]))) return null;
      const iv = rtcpCounterIv(rtcpSalt, ssrc, index);
      rest = isEncrypted
        ? createDecipheriv(this.#profile.counterCipher, rtcpKey, iv).update(secret)
        : Buffer.from(secret);
    }
    if (!rest) return null;
    if (!this.#rtcpWindows.has(ssrc)) {
      if (this.#rtcpWindows.size >= MAX_SOURCES) return null;
      this.#rtcpWindows.set(ssrc, window);
    }
    window.note(index);
    return Buffer.concat([header, rest]);
  }

  #noteSource(
    ssrc: number,
    known: Source | undefined,
    at: { rollover: number; sequence: number; index: number },
  ): boolean {
    if (!known && this.#sources.size >= MAX_SOURCES) return false;
    const source = known ?? { ...at, window: new ReplayWindow() };
    this.#sources.set(ssrc, source);
    source.window.note(at.index);
    if (at.index >= source.rollover * SEQUENCE_RANGE + source.sequence) {
      source.rollover = at.rollover;
      source.sequence = at.sequence;
    }
    return true;
  }

  /** RFC 3711 §4.2: over the packet and the rollover counter. */
  #rtpTag(key: KeyObject, parts: readonly Buffer[], rollover: number): Buffer {
    const hmac = createHmac('sha1', key);
    for (const part of parts) hmac.update(part);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(rollover >>> 0);
    return hmac.update(counter).digest().subarray(0, this.#profile.rtpTagBytes);
  }

  #rtcpTag(key: KeyObject, parts: readonly Buffer[]): Buffer {
    const hmac = createHmac('sha1', key);
    for (const part of parts) hmac.update(part);
    return hmac.digest().subarray(0, this.#profile.rtcpTagBytes);
  }
}

/** Fixed header, CSRCs and extension stay in clear (RFC 3711 §3.1). */
function headerBytesOf(bytes: Buffer): number | null {
  if (bytes.length < RTP_HEADER_BYTES) return null;
  const first = bytes.readUInt8(0);
  let length = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if (first & 0x10) {
    if (bytes.length < length + 4) return null;
    length += 4 + 4 * bytes.readUInt16BE(length + 2);
  }
  return length;
}

/** RFC 3711 §3.3.1: the counter that brings the packet nearest to what came before. */
function guessRollover({ rollover, sequence: last }: Source, sequence: number): number {
  const distance = sequenceDistance(sequence, last);
  const position = last + distance;
  if (position >= SEQUENCE_RANGE) return rollover + 1;
  return position < 0 ? rollover - 1 : rollover;
}

/** RFC 3711 §4.1.1: salt·2^16 xor SSRC·2^64 xor index·2^16. */
function counterIv(salt: Buffer, ssrc: number, rollover: number, sequence: number): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  xor32(iv, 4, ssrc);
  xor32(iv, 8, rollover);
  iv.writeUInt16BE(iv.readUInt16BE(12) ^ sequence, 12);
  return iv;
}

function rtcpCounterIv(salt: Buffer, ssrc: number, index: number): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  xor32(iv, 4, ssrc);
  xor32(iv, 10, index);
  return iv;
}

/** RFC 7714 §8.1: two zero bytes, SSRC, rollover counter, sequence number. */
function gcmIv(salt: Buffer, ssrc: number, rollover: number, sequence: number): Buffer {
  const iv = Buffer.from(salt);
  xor32(iv, 2, ssrc);
  xor32(iv, 6, rollover);
  iv.writeUInt16BE(iv.readUInt16BE(10) ^ sequence, 10);
  return iv;
}

/** RFC 7714 §9.1: two zero bytes, SSRC, two zero bytes, index. */
function rtcpGcmIv(salt: Buffer, ssrc: number, index: number): Buffer {
  const iv = Buffer.from(salt);
  xor32(iv, 2, ssrc);
  xor32(iv, 8, index);
  return iv;
}

function xor32(target: Buffer, at: number, value: number): void {
  target.writeUInt32BE((target.readUInt32BE(at) ^ value) >>> 0, at);
}

function sealGcm(key: KeyObject, iv: Buffer, aad: Buffer, plain: Buffer): [Buffer, Buffer] {
  const cipher = createCipheriv('aes-128-gcm', key, iv);
  cipher.setAAD(aad);
  const secret = cipher.update(plain);
  cipher.final();
  return [secret, cipher.getAuthTag()];
}

function openGcm(
  key: KeyObject,
  iv: Buffer,
  aad: Buffer,
  secret: Buffer,
  tag: Buffer,
): Buffer | null {
  const decipher = createDecipheriv('aes-128-gcm', key, iv);
  decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  try {
    const plain = decipher.update(secret);
    decipher.final();
    return plain;
  } catch {
    return null;
  }
}
