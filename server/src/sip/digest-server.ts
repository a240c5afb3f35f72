import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../shared/clock.ts';
import { parseDigestParams } from './digest-params.ts';
import {
  digestAlgorithm,
  digestHa1,
  digestHash,
  digestResponse,
  type DigestAlgorithm,
  type DigestHash,
} from './digest-response.ts';
import { NonceRegister } from './nonce-register.ts';
import { uriEquals } from './parse-uri.ts';
import { quoteString } from './quoted-string.ts';

export interface DigestVerifierOptions {
  realm: string;
  clock: Clock;
  /** Signs the nonces; nodes that share it take each other's. Default: random. */
  secret?: Uint8Array | string;
  /** How long a nonce is good. Default 60,000. */
  nonceTtlMs?: number;
  /** Offered in this order. Default MD5 and SHA-256. */
  algorithms?: readonly DigestHash[];
  /** Whether the `uri` of the credentials must equal the Request-URI; proxies on the way may have rewritten it. Default false. */
  requireSameUri?: boolean;
  /** Used nonces whose counts are remembered. Default 10,000. */
  nonceCapacity?: number;
}

/** What is known of a user: hashes by `digestHa1`, one an algorithm, or the password. */
export type DigestSecret = { ha1?: string; ha1Sha256?: string } | { password: string };

export interface VerifyInput {
  /** Value of Authorization or Proxy-Authorization. */
  authorization: string | undefined;
  method: string;
  /** The Request-URI as it came. */
  uri: string;
  /** Body of the request, for `auth-int`. Default empty. */
  body?: string;
  /** Null where there is no such user. */
  lookup: (username: string) => DigestSecret | null;
}

export interface VerifyResult {
  /**
   * `missing`: no credentials for this realm, challenge; `stale`: right, but the nonce is too old
   * or was used, challenge with stale; `wrong`, `unknown-user`: challenge again and count it.
   */
  result: 'ok' | 'missing' | 'stale' | 'wrong' | 'unknown-user';
  /** As claimed; proven for `ok` and `stale` only. Null for `missing`. */
  username: string | null;
}

interface Credentials {
  username: string;
  realm: string;
  nonce: string;
  uri: string;
  response: string;
  algorithm: DigestAlgorithm;
  qop: 'auth' | 'auth-int' | null;
  nc: string;
  cnonce: string;
}

/** The server's half of digest authentication (RFC 3261 §22, RFC 7616, RFC 8760). */
export class DigestVerifier {
  readonly #realm: string;
  readonly #algorithms: readonly DigestHash[];
  readonly #requireSameUri: boolean;
  readonly #nonces: NonceRegister;
  readonly #decoyPassword = randomBytes(16).toString('hex');

  constructor(options: DigestVerifierOptions) {
    this.#realm = options.realm;
    this.#algorithms = options.algorithms ?? ['MD5', 'SHA-256'];
    this.#requireSameUri = options.requireSameUri ?? false;
    this.#nonces = new NonceRegister({
      clock: options.clock,
      secret: Buffer.from(options.secret ?? randomBytes(32)),
      ttlMs: options.nonceTtlMs ?? 60_000,
      capacity: options.nonceCapacity ?? 10_000,
    });
  }

  /** Values for WWW-Authenticate or Proxy-Authenticate, one a header field. */
  challenges(stale = false): string[] {
    const nonce = this.#nonces.issue();
    return this.#algorithms.map(
      (algorithm) =>
        `Digest realm=${quoteString(this.#realm)}, nonce="${nonce}", algorithm=${algorithm}, qop="auth"` +
        (stale ? ', stale=true' : ''),
    );
  }

  verify(input: VerifyInput): VerifyResult {
    const credentials = readCredentials(input.authorization ?? '');
    if (credentials?.realm !== this.#realm) return { result: 'missing', username: null };
    const { username, nonce, nc } = credentials;
    const secret = input.lookup(username);
    // The work is the same for a user that is not there, so that time tells nothing.
    const isRight = this.#isRight(credentials, input, secret ?? { password: this.#decoyPassword });
    if (!secret) return { result: 'unknown-user', username };
    if (!isRight) return { result: 'wrong', username };
    // Only after the digest: who does not know the password learns nothing about nonces, and
    // cannot fill the register. Without qop there is no count, and a nonce is good once.
    const count = credentials.qop === null ? 0 : Number.parseInt(nc, 16);
    return { result: this.#nonces.redeem(nonce, count) ? 'ok' : 'stale', username };
  }

  #isRight(credentials: Credentials, input: VerifyInput, secret: DigestSecret): boolean {
    const hash = digestHash(credentials.algorithm);
    const ha1 = this.#ha1(hash, credentials.username, secret);
    if (ha1 === undefined || !this.#algorithms.includes(hash)) return false;
    if (this.#requireSameUri && !isSameUri(credentials.uri, input.uri)) return false;
    const { method, body = '' } = input;
    const expected = Buffer.from(digestResponse({ ...credentials, ha1, method, body }));
    const given = Buffer.from(credentials.response.toLowerCase());
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #ha1(hash: DigestHash, username: string, secret: DigestSecret): string | undefined {
    if ('password' in secret) return digestHa1(hash, username, this.#realm, secret.password);
    if (hash === 'MD5') return secret.ha1;
    return hash === 'SHA-256' ? secret.ha1Sha256 : undefined;
  }
}

function isSameUri(left: string, right: string): boolean {
  return left === right || uriEquals(left, right);
}

/** Null where a part that the digest needs is missing or malformed (RFC 7616 §3.4). */
function readCredentials(value: string): Credentials | null {
  const params = parseDigestParams(value);
  if (!params) return null;
  const [username, realm, nonce, uri, response] = [
    'username',
    'realm',
    'nonce',
    'uri',
    'response',
  ].map((name) => params.get(name));
  const algorithm = digestAlgorithm(params.get('algorithm'));
  const qop = params.get('qop')?.toLowerCase() ?? null;
  const nc = params.get('nc') ?? '';
  const cnonce = params.get('cnonce') ?? '';
  if (username === undefined || realm === undefined || nonce === undefined) return null;
  if (uri === undefined || response === undefined || algorithm === null) return null;
  if (qop !== null && qop !== 'auth' && qop !== 'auth-int') return null;
  if (qop !== null && (!/^[0-9a-f]{8}$/i.test(nc) || cnonce === '')) return null;
  return { username, realm, nonce, uri, response, algorithm, qop, nc, cnonce };
}
