import { createCipheriv } from 'node:crypto';
import type { SrtpSuite } from '../sdp/sdp.ts';

/** What a suite is made of (RFC 4568 §6.2, RFC 7714 §12). */
export interface SrtpProfile {
  aead: boolean;
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
  masterKeyBytes: 16,
  masterSaltBytes: 14,
  saltBytes: 14,
  authKeyBytes: 20,
  rtcpTagBytes: 10,
} as const;

export const SRTP_PROFILES: Readonly<Record<SrtpSuite, SrtpProfile>> = {
  AES_CM_128_HMAC_SHA1_80: { ...COUNTER_MODE, rtpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { ...COUNTER_MODE, rtpTagBytes: 4 },
  AEAD_AES_128_GCM: {
    aead: true,
    masterKeyBytes: 16,
    masterSaltBytes: 12,
    saltBytes: 12,
    authKeyBytes: 0,
    rtpTagBytes: 16,
    rtcpTagBytes: 16,
  },
};

/** The keys of one direction. */
export interface SessionKeys {
  rtpKey: Buffer;
  rtpAuthKey: Buffer;
  rtpSalt: Buffer;
  rtcpKey: Buffer;
  rtcpAuthKey: Buffer;
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
    return createCipheriv('aes-128-ctr', key, iv).update(Buffer.alloc(bytes));
  };
  return {
    rtpKey: derive(LABELS.rtpKey, masterKeyBytes),
    rtpAuthKey: derive(LABELS.rtpAuthKey, authKeyBytes),
    rtpSalt: derive(LABELS.rtpSalt, saltBytes),
    rtcpKey: derive(LABELS.rtcpKey, masterKeyBytes),
    rtcpAuthKey: derive(LABELS.rtcpAuthKey, authKeyBytes),
    rtcpSalt: derive(LABELS.rtcpSalt, saltBytes),
  };
}
