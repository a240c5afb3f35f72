import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../shared/logger.ts';
import { answerBolnaError } from './bolna/bolna-errors.ts';
import { answerBoltiError } from './bolti/bolti-errors.ts';
import { answerError } from './error-handler.ts';
import { answerBadPath } from './livekit/twirp-routes.ts';
import type { RouteList } from './route-list.ts';
import { answerZentrunkError } from './zentrunk/zentrunk-errors.ts';

/** Answers what the router refuses before any route has it, in the form of whose path it is. */
export function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  { logger, routes }: { logger: Logger; routes: RouteList },
): FastifyReply {
  const path = request.url;
  if (path.startsWith('/twirp/')) return answerBadPath(request, reply);
  if (/^\/v1\/account\//i.test(path)) return answerZentrunkError(error, request, reply, logger);
  const tags = [...routes.tagsNear(path)];
  const isOnly = (tag: string): boolean => tags.length === 1 && tags[0] === tag;
  if (isOnly('bolna')) return answerBolnaError(error, request, reply, logger);
  if (isOnly('bolti')) return answerBoltiError(error, request, reply, logger);
  return answerError(error, request, reply, logger);
}
