import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import type { LiveKitSecret } from '../../workspaces/livekit-keys.ts';
import { grantsOf, type LiveKitCaller } from './grants.ts';
import { TwirpError } from './twirp-error.ts';

/** The secret of an API key; null where there is no such key. */
export type FindLiveKitSecret = (apiKey: string) => Promise<LiveKitSecret | null>;

export interface LiveKitAuthOptions {
  findSecret: FindLiveKitSecret;
  clock: Clock;
}

/** Clocks of client and server may differ by so much. */
const LEEWAY_S = 60;
const MAX_TOKEN_CHARS = 8_192;

/** Who asks, from the token of a request. */
export type LiveKitAuth = (request: FastifyRequest) => Promise<LiveKitCaller>;

/** Checks LiveKit's access tokens: JWT signed HS256 with the secret of their issuer. */
export function createLiveKitAuth({ findSecret, clock }: LiveKitAuthOptions): LiveKitAuth {
  return async (request) => {
    const token = tokenOf(request);
    const apiKey = issuerOf(token);
    const found = await findSecret(apiKey);
    if (!found) throw new TwirpError('unauthenticated', 'invalid API key');
    const payload = await verified(token, found.secret, clock.now());
    const { workspaceId, scopes } = found;
    return { workspaceId, apiKey, scopes, grants: grantsOf(payload) };
  };
}

function tokenOf({ headers, query }: FastifyRequest): string {
  const { authorization } = headers;
  const asQuery = (query as Record<string, unknown>)['access_token'];
  if (authorization === undefined && typeof asQuery === 'string') return bounded(asQuery);
  if (authorization?.startsWith('Bearer ') !== true) {
    throw new TwirpError(
      'unauthenticated',
      'invalid authorization header. Must start with Bearer ',
    );
  }
  return bounded(authorization.slice('Bearer '.length).trim());
}

function bounded(token: string): string {
  if (token.length <= MAX_TOKEN_CHARS) return token;
  throw new TwirpError('unauthenticated', 'invalid authorization token');
}

function issuerOf(token: string): string {
  let issuer: string | undefined;
  try {
    ({ iss: issuer } = decodeJwt(token));
  } catch {
    throw new TwirpError('unauthenticated', 'invalid authorization token');
  }
  if (typeof issuer !== 'string' || issuer === '') {
    throw new TwirpError('unauthenticated', 'invalid API key');
  }
  return issuer;
}

async function verified(token: string, secret: string, nowMs: number): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      clockTolerance: LEEWAY_S,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp'],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw new TwirpError('unauthenticated', 'token expired');
    }
    throw new TwirpError('unauthenticated', 'invalid authorization token');
  }
}
