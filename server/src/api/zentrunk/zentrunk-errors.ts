import { randomUUID } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../../shared/logger.ts';
import { NumberError } from '../../trunks/number-store.ts';
import { ZentrunkError } from '../../trunk-service/zentrunk-error.ts';
import { toApiError } from '../error-handler.ts';
import { ApiError } from '../errors.ts';
import type { RouteList } from '../route-list.ts';

export const zentrunkErrorSchema = z
  .object({
    api_id: z.string(),
    error: z.string(),
    app_id: z.string().optional(),
    status: z.literal('error').optional(),
  })
  .meta({ id: 'ZentrunkError' });

const MEANINGS: Record<number, string> = {
  400: 'A parameter is unknown or has a value that it cannot have.',
  401: 'The auth id and auth token do not belong together.',
  403: 'The key may not do this.',
  404: 'There is no such resource in this account.',
  405: 'The path takes other methods.',
  413: 'The body is larger than 1 MiB.',
  415: 'The body is not application/json.',
  422: 'A parameter that is needed is missing.',
  429: 'More requests than 300 in 5 s.',
  500: 'A fault of ours.',
  503: 'A part that is needed is away.',
};

/** More requests than an account may send. */
export class TooManyRequestsError extends Error {
  constructor() {
    super('rate limit exceeded: try again in 5 seconds');
    this.name = 'TooManyRequestsError';
  }
}

/** A list cannot be narrowed by this parameter. */
export class FilterError extends Error {
  constructor(parameter: string) {
    super(`filtering not allowed on ${parameter.slice(0, 100)}`);
    this.name = 'FilterError';
  }
}

type Described<Status extends number> = Record<
  Status,
  { description: string; content: { 'application/json': { schema: typeof zentrunkErrorSchema } } }
>;
type EveryStatus = 400 | 401 | 403 | 404 | 413 | 415 | 422 | 429 | 500 | 503;

/** Responses of the statuses that every route can have. */
export function zentrunkErrors(): Described<EveryStatus> {
  const statuses: EveryStatus[] = [400, 401, 403, 404, 413, 415, 422, 429, 500, 503];
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: MEANINGS[status] ?? '',
        content: { 'application/json': { schema: zentrunkErrorSchema } },
      },
    ]),
  ) as Described<EveryStatus>;
}

/** `{"api_id": ..., "error": ...}` for whatever goes wrong. */
export function installZentrunkErrors(
  app: FastifyInstance,
  { logger, routes }: { logger: Logger; routes: RouteList },
): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answerZentrunkError(error, request, reply, logger),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const methods = routes.methodsOf(path);
    if (methods.length === 0) {
      return answer(request, reply, 404, `there is no path ${request.method} ${path}`);
    }
    // RFC 9110 §15.5.6: a 405 names the methods that the path takes.
    void reply.header('allow', methods.join(', '));
    return answer(request, reply, 405, `${path} does not take ${request.method}`);
  });
}

/** Answers an error in Zentrunk's form. */
export function answerZentrunkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const { status, message } = statusOf(error);
  if (status === 401) void reply.header('www-authenticate', 'Basic realm="trunkline"');
  if (status >= 500) logger.error({ err: error, request_id: request.id }, 'request failed');
  const extra = error instanceof FilterError && { app_id: request.apiId, status: 'error' };
  return answer(request, reply, status, message, extra || {});
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  error: string,
  extra: object = {},
): FastifyReply {
  return reply
    .status(status)
    .type('application/json; charset=utf-8')
    .send({ api_id: request.apiId || randomUUID(), error, ...extra });
}

function statusOf(error: FastifyError): { status: number; message: string } {
  if (error instanceof ZentrunkError) return { status: error.status, message: error.message };
  if (error instanceof TooManyRequestsError) return { status: 429, message: error.message };
  if (error instanceof FilterError) return { status: 400, message: error.message };
  if (error instanceof NumberError) return { status: 400, message: error.message };
  const known = toApiError(error);
  if (known instanceof ApiError) return { status: known.status, message: known.message };
  return { status: 500, message: 'something went wrong on our side' };
}

/** Without the query, which may hold what is nobody's business. */
function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? '').slice(0, 200);
}
