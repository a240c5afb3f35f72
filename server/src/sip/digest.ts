import { randomBytes } from 'node:crypto';
import { parseDigestParams } from './digest-params.ts';
import {
  DIGEST_ALGORITHMS,
  digestAlgorithm,
  digestHa1,
  digestHash,
  digestResponse,
  type DigestAlgorithm,
  type DigestQop,
} from './digest-response.ts';
import { quoteString } from './quoted-string.ts';

/** A WWW-Authenticate or Proxy-Authenticate value of scheme Digest (RFC 7616 §3.3). */
export interface DigestChallenge {
  realm: string;
  nonce: string;
  /** As it came; null where it is missing. */
  opaque: string | null;
  /** True: the credentials were right, only the nonce was too old. */
  stale: boolean;
  /** The name as it came; null where it is missing, which means MD5. */
  algorithm: string | null;
  /** What the server offers, in lower case; null for a server of RFC 2069. */
  qop: readonly string[] | null;
}

export interface AnswerChallengeInput {
  /** Values of WWW-Authenticate, or of Proxy-Authenticate, one a header field. */
  challenges: readonly string[];
  method: string;
  /** The Request-URI as it is sent. */
  uri: string;
  username: string;
  password: string;
  /** Body of the request; counts where only `auth-int` is offered. */
  body: string;
  /** How often the nonce was used, this time included: 1 for the first. */
  nonceCount: number;
  /** Default: random. */
  cnonce?: string;
}

export type ChallengeAnswer =
  | {
      ok: true;
      /** Value for Authorization or Proxy-Authorization. */
      value: string;
      algorithm: DigestAlgorithm;
      /** The one of the challenges that is answered. */
      challenge: DigestChallenge;
    }
  | { ok: false; reason: 'no-digest-challenge' | 'unsupported-algorithm' | 'unsupported-qop' };

/** Reads one challenge; null for another scheme and for what is malformed. */
export function parseChallenge(value: string): DigestChallenge | null {
  const params = parseDigestParams(value);
  const realm = params?.get('realm');
  const nonce = params?.get('nonce');
  if (!params || realm === undefined || nonce === undefined) return null;
  const qop = params.get('qop');
  return {
    realm,
    nonce,
    opaque: params.get('opaque') ?? null,
    stale: params.get('stale')?.toLowerCase() === 'true',
    algorithm: params.get('algorithm') ?? null,
    qop: qop === undefined ? null : splitQop(qop),
  };
}

/**
 * Answers the strongest challenge that can be answered (RFC 8760 §2.4), by `qop=auth` where it is
 * offered, else `auth-int`, else as RFC 2069 does where the server offers no qop.
 */
export function answerChallenge(input: AnswerChallengeInput): ChallengeAnswer {
  const challenges = input.challenges.map(parseChallenge).filter((one) => one !== null);
  if (challenges.length === 0) return { ok: false, reason: 'no-digest-challenge' };
  const candidates = challenges
    .map((challenge) => ({
      challenge,
      algorithm: digestAlgorithm(challenge.algorithm ?? undefined),
      qop: chooseQop(challenge.qop),
    }))
    .filter((one) => one.algorithm !== null);
  if (candidates.length === 0) return { ok: false, reason: 'unsupported-algorithm' };
  const best = candidates
    .filter((one) => one.qop !== undefined)
    .sort((a, b) => strength(a.algorithm) - strength(b.algorithm))[0];
  if (!best?.algorithm || best.qop === undefined) return { ok: false, reason: 'unsupported-qop' };
  const { challenge, algorithm, qop } = best;
  return { ok: true, value: credentials(input, challenge, algorithm, qop), algorithm, challenge };
}

function credentials(
  input: AnswerChallengeInput,
  challenge: DigestChallenge,
  algorithm: DigestAlgorithm,
  qop: DigestQop | null,
): string {
  const { realm, nonce, opaque } = challenge;
  const { username, method, uri, body } = input;
  const nc = input.nonceCount.toString(16).padStart(8, '0');
  const cnonce = input.cnonce ?? randomBytes(16).toString('hex');
  const ha1 = digestHa1(digestHash(algorithm), username, realm, input.password);
  const response = digestResponse({ algorithm, ha1, method, uri, nonce, qop, nc, cnonce, body });
  const parts = [
    `username=${quoteString(username)}`,
    `realm=${quoteString(realm)}`,
    `nonce=${quoteString(nonce)}`,
    `uri=${quoteString(uri)}`,
    `response="${response}"`,
  ];
  if (challenge.algorithm !== null) parts.push(`algorithm=${algorithm}`);
  if (opaque !== null) parts.push(`opaque=${quoteString(opaque)}`);
  if (qop !== null) parts.push(`qop=${qop}`, `nc=${nc}`);
  // RFC 7616 §3.4: no cnonce without qop, but the session key cannot be made without one.
  if (qop !== null || algorithm.endsWith('-sess')) parts.push(`cnonce=${quoteString(cnonce)}`);
  return `Digest ${parts.join(', ')}`;
}

/** Null: none is offered; undefined: none that is known. */
function chooseQop(offered: readonly string[] | null): DigestQop | null | undefined {
  if (offered === null) return null;
  if (offered.includes('auth')) return 'auth';
  return offered.includes('auth-int') ? 'auth-int' : undefined;
}

function splitQop(text: string): string[] {
  return text
    .toLowerCase()
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function strength(algorithm: DigestAlgorithm | null): number {
  return algorithm === null ? Infinity : DIGEST_ALGORITHMS.indexOf(algorithm);
}
