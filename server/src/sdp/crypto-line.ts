import { randomBytes } from 'node:crypto';
import { SRTP_SUITES, type LocalEncryption, type SrtpSuite } from './sdp.ts';

/** One a=crypto that we can use (RFC 4568 §9.1). */
export interface CryptoLine {
  tag: number;
  suite: SrtpSuite;
  /** Base64 of master key and salt. */
  inline: string;
}

/** RFC 4568 §6.2, RFC 6188 §3, RFC 7714 §12: master key and salt. */
const KEY_BYTES: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AEAD_AES_128_GCM: 28,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
};
const LINE = /^(\d{1,9})\s+(\S+)\s+inline:([A-Za-z0-9+/]+={0,2})(\|\S*)?((?:\s+\S+)*)$/;

/**
 * Reads the value of a=crypto. Null: another suite, several keys, a master key identifier, or
 * session parameters, which all change what goes over the wire.
 */
export function parseCrypto(value: string): CryptoLine | null {
  const match = LINE.exec(value);
  if (!match) return null;
  const [, tag = '', suite = '', inline = '', more = '', parameters = ''] = match;
  const known = SRTP_SUITES.find((one) => one === suite.toUpperCase());
  if (!known || Buffer.from(inline, 'base64').length !== KEY_BYTES[known]) return null;
  // `|2^31` is a lifetime, which no call reaches; `|1:4` is a master key identifier.
  if (more.includes(':') || more.includes(';') || parameters.trim() !== '') return null;
  return { tag: Number(tag), suite: known, inline };
}

export function formatCrypto({ tag, suite, inline }: CryptoLine): string {
  return `a=crypto:${tag} ${suite} inline:${inline}`;
}

/** Our lines of an offer: every suite, in order of preference. */
export function offeredCrypto({ keys }: LocalEncryption): CryptoLine[] {
  return SRTP_SUITES.map((suite, index) => ({ tag: index + 1, suite, inline: keys[suite] }));
}

/** New random keys for a call. */
export function newEncryption(policy: LocalEncryption['policy']): LocalEncryption {
  const key = (suite: SrtpSuite): string => randomBytes(KEY_BYTES[suite]).toString('base64');
  return {
    policy,
    keys: {
      AES_CM_128_HMAC_SHA1_80: key('AES_CM_128_HMAC_SHA1_80'),
      AES_CM_128_HMAC_SHA1_32: key('AES_CM_128_HMAC_SHA1_32'),
      AEAD_AES_128_GCM: key('AEAD_AES_128_GCM'),
      AES_256_CM_HMAC_SHA1_80: key('AES_256_CM_HMAC_SHA1_80'),
      AES_256_CM_HMAC_SHA1_32: key('AES_256_CM_HMAC_SHA1_32'),
    },
  };
}
