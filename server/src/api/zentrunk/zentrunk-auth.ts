import type { FastifyRequest } from 'fastify';
import { authenticate, type AuthOptions, type Caller } from '../auth.ts';
import { ApiError } from '../errors.ts';

/**
 * HTTP Basic with the account's auth id and auth token, which are a workspace's id and an API key of
 * it; or the key alone as a Bearer token.
 * @throws ApiError `unauthorized`
 */
export async function authenticateZentrunk(
  request: FastifyRequest,
  options: AuthOptions,
): Promise<Caller> {
  const [scheme = '', encoded = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return authenticate(request, options);
  if (scheme.toLowerCase() !== 'basic') {
    throw new ApiError('unauthorized', 'sign in by HTTP Basic with your auth id and auth token');
  }
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [authId, token] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  const caller = colon < 0 ? null : await options.verifyKey(token);
  if (!caller || caller.workspaceId !== authId) {
    throw new ApiError('unauthorized', 'the auth id and the auth token do not belong together');
  }
  return caller;
}
