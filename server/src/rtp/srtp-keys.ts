import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { SrtpSuite } from '../sdp/sdp.ts';

/** What a suite is made of (RFC 4568 §6.2, RFC 6188 §3, RFC 7714 §12). */
export interface SrtpProfile {
  aead: boolean;
  /** AES in counter mode (RFC 3711 §4.1.1), which keys are derived with too. */
  counterCipher: 'aes-128-ctr' | 'aes-256-ctr';
  masterKeyBytes: number;
  masterSaltBytes: number;
  /** Session salt as the key derivation gives it. */
  saltBytes: number;
  authKeyBytes: number;
  rtpTagBytes: number;
  rtcpTagBytes: number;
}

const COUNTER_MODE = {
  aead: false,
  counterCipher: 'aes-128-ctr',
  masterKeyBytes: 16,
  masterSaltBytes: 14,
  saltBytes: 14,
  authKeyBytes: 20,
  rtcpTagBytes: 10,
} as const;

const COUNTER_MODE_256 = {
  ...COUNTER_MODE,
  counterCipher: 'aes-256-ctr',
  masterKeyBytes: 32,
} as const;

export const SRTP_PROFILES: Readonly<Record<SrtpSuite, SrtpProfile>> = {
  AES_CM_128_HMAC_SHA1_80: { ...COUNTER_MODE, rtpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { ...COUNTER_MODE, rtpTagBytes: 4 },
  AEAD_AES_128_GCM: {
    aead: true,
    counterCipher: 'aes-128-ctr',
    masterKeyBytes: 16,
    masterSaltBytes: 12,
    saltBytes: 12,
    authKeyBytes: 0,
    rtpTagBytes: 16,
    rtcpTagBytes: 16,
  },
  AES_256_CM_HMAC_SHA1_80: { ...COUNTER_MODE_256, rtpTagBytes: 10 },
  AES_256_CM_HMAC_SHA1_32: { ...COUNTER_MODE_256, rtpTagBytes: 4 },
};

/** The keys of one direction. */
export interface SessionKeys {
  rtpKey: KeyObject;
  rtpAuthKey: KeyObject;
  rtpSalt: Buffer;
  rtcpKey: KeyObject;
  rtcpAuthKey: KeyObject;
  rtcpSalt: Buffer;
}

/** RFC 3711 §4.3.2. */
const LABELS = { rtpKey: 0, rtpAuthKey: 1, rtpSalt: 2, rtcpKey: 3, rtcpAuthKey: 4, rtcpSalt: 5 };

/**
 * Session keys from a master key (RFC 3711 §4.3.1, with a key derivation rate of 0).
 * @param inline base64 of master key and salt, as in the `inline:` of an SDP (RFC 4568 §6.1).
 * @returns null where it is not as long as the suite needs.
 */
export function sessionKeys(suite: SrtpSuite, inline: string): SessionKeys | null {
  const profile = SRTP_PROFILES[suite];
  const { masterKeyBytes, masterSaltBytes, saltBytes, authKeyBytes } = profile;
  const master = Buffer.from(inline, 'base64');
  if (master.length !== masterKeyBytes + masterSaltBytes) return null;
  const key = master.subarray(0, masterKeyBytes);
  // RFC 7714 §11: a salt of 12 bytes counts as one of 14 with zeroes behind it.
  const salt = Buffer.concat([master.subarray(masterKeyBytes), Buffer.alloc(2)], 14);
  const derive = (label: number, bytes: number): Buffer => {
    const iv = Buffer.alloc(16);
    salt.copy(iv);
    iv.writeUInt8(iv.readUInt8(7) ^ label, 7);
    return createCipheriv(profile.counterCipher, key, iv).update(Buffer.alloc(bytes));
  };
  // Made once: from raw bytes Node makes a key anew for each packet, which costs more than the work.
  const deriveKey = (label: number, bytes: number): KeyObject =>
    createSecretKey(derive(label, bytes));
  return {
    rtpKey: deriveKey(LABELS.rtpKey, masterKeyBytes),
    rtpAuthKey: deriveKey(LABELS.rtpAuthKey, authKeyBytes),
    rtpSalt: derive(LABELS.rtpSalt, saltBytes),
    rtcpKey: deriveKey(LABELS.rtcpKey, masterKeyBytes),
    rtcpAuthKey: deriveKey(LABELS.rtcpAuthKey, authKeyBytes),
    rtcpSalt: derive(LABELS.rtcpSalt, saltBytes),
  };
}
