import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../shared/clock.ts';
import { ALL_SCOPES, allows, type Scope } from '../workspaces/scopes.ts';
import type { LiveKitSecret } from '../workspaces/livekit-keys.ts';
import { ApiError } from './errors.ts';

/** Who asks. */
export interface Caller {
  workspaceId: string;
  /** Id of the API key; null for the operator's local sign-in. */
  keyId: string | null;
  scopes: ReadonlySet<Scope>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must be allowed to take this route. Default: `read` for GET, else `write`. */
    scope?: Scope;
  }
}

export interface AuthOptions {
  /** Whose API key it is, or null where it is wrong, revoked or past its end. */
  verifyKey: (key: string) => Promise<Caller | null>;
  /** A key was revoked here: what `verifyKey` remembers counts no more. */
  forgetKeys: () => void;
  /** Whose pair a LiveKit token names, with the secret that signs it; null: nobody's. */
  findLiveKitSecret: (apiKey: string) => Promise<LiveKitSecret | null>;
  /** Workspace of the local sign-in. */
  defaultWorkspaceId: string;
  masterKey: Buffer;
  clock: Clock;
}

/** Text that the local sign-in's MAC is made over; the CLI makes the same. */
export const LOCAL_SIGN_IN_CONTEXT = 'trunkline-local-sign-in-v1';
const LOCAL_TOKEN = /^local\.(\d{10,16})\.([0-9a-f]{64})$/;
const LOCAL_TOKEN_TTL_MS = 60_000;
/** Both read the same machine's clock, which may be set back between the two readings. */
const LOCAL_TOKEN_AHEAD_MS = 5_000;
/** A proxy sets one of these; a browser, which acts for whatever page is open in it, the last. */
const NOT_OF_THE_CLI = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'origin'];
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * `Authorization: Bearer <API key>`. On the machine itself the operator needs no key: whoever can
 * read the master key's file proves it by an HMAC over the time, valid for a minute and over the
 * loopback interface only, so that no key has to lie about in clear.
 * @throws ApiError `unauthorized`
 */
export async function authenticate(request: FastifyRequest, options: AuthOptions): Promise<Caller> {
  const header = request.headers.authorization;
  if (header === undefined) {
    throw new ApiError(
      'unauthorized',
      'send your API key in the header Authorization: Bearer <key>',
    );
  }
  const [scheme, token, ...rest] = header.split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined || rest.length > 0) {
    throw new ApiError('unauthorized', 'the header Authorization must read: Bearer <key>');
  }
  const local = LOCAL_TOKEN.exec(token);
  if (local) {
    if (isFromThisMachine(request) && localTokenIsGood(local, options)) {
      return { workspaceId: options.defaultWorkspaceId, keyId: null, scopes: ALL_SCOPES };
    }
    throw new ApiError('unauthorized', 'the local sign-in is wrong or older than a minute');
  }
  const verified = await options.verifyKey(token);
  if (!verified) throw new ApiError('unauthorized', 'the API key is wrong, revoked or expired');
  return verified;
}

/** What the request's route asks of a key. */
export function neededScope(request: FastifyRequest): Scope {
  const { config } = request.routeOptions;
  return config.scope ?? (['GET', 'HEAD'].includes(request.method) ? 'read' : 'write');
}

/**
 * Refuses a key that may not take the request's route; the dialects' routes ask the same.
 * @throws ApiError `forbidden`
 */
export function requireScope(request: FastifyRequest, caller: Caller): void {
  const needed = neededScope(request);
  if (allows(caller.scopes, needed)) return;
  throw new ApiError('forbidden', `the API key lacks the scope '${needed}' that this needs`);
}

function localTokenIsGood(match: RegExpExecArray, options: AuthOptions): boolean {
  const [, stamp = '', mac = ''] = match;
  const ageMs = options.clock.now() - Number(stamp);
  if (ageMs > LOCAL_TOKEN_TTL_MS || ageMs < -LOCAL_TOKEN_AHEAD_MS) return false;
  const expected = createHmac('sha256', options.masterKey)
    .update(`${LOCAL_SIGN_IN_CONTEXT}:${stamp}`)
    .digest();
  return timingSafeEqual(expected, Buffer.from(mac, 'hex'));
}

/**
 * A proxy on this machine speaks for clients elsewhere, and a name that somebody else's DNS points
 * at this machine brings their requests here.
 */
function isFromThisMachine({ ip, headers }: FastifyRequest): boolean {
  if (NOT_OF_THE_CLI.some((name) => headers[name] !== undefined)) return false;
  if (!LOOPBACK_HOST.test(headers.host ?? '')) return false;
  return ip === '::1' || ip.startsWith('127.') || ip.startsWith('::ffff:127.');
}
