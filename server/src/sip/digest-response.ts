import { createHash } from 'node:crypto';

/** Hash functions of RFC 7616 §6.1 and RFC 8760 §2.1, strongest first, as OpenSSL calls them. */
const HASHES = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' } as const;

export type DigestHash = keyof typeof HASHES;
export type DigestAlgorithm = DigestHash | `${DigestHash}-sess`;
export type DigestQop = 'auth' | 'auth-int';

/** Algorithms from the strongest to the weakest. */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = [
  'SHA-512-256',
  'SHA-512-256-sess',
  'SHA-256',
  'SHA-256-sess',
  'MD5',
  'MD5-sess',
];

/** The algorithm of that name, compared without case; MD5 where none is named (RFC 7616 §3.3). */
export function digestAlgorithm(name: string | undefined): DigestAlgorithm | null {
  if (name === undefined) return 'MD5';
  return DIGEST_ALGORITHMS.find((known) => known.toLowerCase() === name.toLowerCase()) ?? null;
}

/** The hash that an algorithm rests on. */
export function digestHash(algorithm: DigestAlgorithm): DigestHash {
  return algorithm.replace(/-sess$/, '') as DigestHash;
}

/** H(username:realm:password), in hex: what a server stores instead of a password. */
export function digestHa1(
  hash: DigestHash,
  username: string,
  realm: string,
  password: string,
): string {
  return hex(hash, `${username}:${realm}:${password}`);
}

export interface DigestResponseInput {
  algorithm: DigestAlgorithm;
  /** Of `digestHa1`; the session form is made here. */
  ha1: string;
  method: string;
  uri: string;
  nonce: string;
  /** Null for a client or server of RFC 2069. */
  qop: DigestQop | null;
  /** Eight hex digits. */
  nc: string;
  cnonce: string;
  /** Counts for `auth-int` only. */
  body: string;
}

/** The `response` value (RFC 7616 §3.4.1 to §3.4.3). */
export function digestResponse(input: DigestResponseInput): string {
  const { algorithm, nonce, nc, cnonce, qop } = input;
  const hash = digestHash(algorithm);
  const ha1 = algorithm === hash ? input.ha1 : hex(hash, `${input.ha1}:${nonce}:${cnonce}`);
  const bodyPart = qop === 'auth-int' ? `:${hex(hash, input.body)}` : '';
  const ha2 = hex(hash, `${input.method}:${input.uri}${bodyPart}`);
  const middle = qop === null ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
  return hex(hash, `${ha1}:${middle}:${ha2}`);
}

function hex(hash: DigestHash, text: string): string {
  return createHash(HASHES[hash]).update(text).digest('hex');
}
