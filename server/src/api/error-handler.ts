import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { CursorError } from '../db/queries/row.ts';
import type { Logger } from '../shared/logger.ts';
import { ApiError, isApiErrorCode, type ApiErrorCode, type FieldProblem } from './errors.ts';
import type { RouteList } from './route-list.ts';
import { fieldProblems, invalidRequest } from './validate.ts';

interface ValidationEntry {
  keyword?: string;
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
}

/** Gives every error the API's form; what is no fault of the client is logged and not shown. */
export function installErrorHandler(
  app: FastifyInstance,
  options: { logger: Logger; routes: RouteList },
): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answerError(error, request, reply, options.logger),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const methods = options.routes.methodsOf(path);
    if (methods.length === 0) {
      return answer(
        reply,
        new ApiError('not_found', `there is no path ${request.method} ${path}; see /docs`),
      );
    }
    // RFC 9110 §15.5.6: a 405 names the methods that the path takes.
    return answer(
      reply.header('allow', methods.join(', ')),
      new ApiError(
        'method_not_allowed',
        `${path} takes ${methods.filter((method) => method !== 'HEAD').join(', ')}, not ${request.method}`,
      ),
    );
  });
}

/** Answers an error that was thrown on the way of a request. */
export function answerError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const known = toApiError(error);
  if (known && known.status < 500) {
    if (known.code === 'unauthorized') {
      // RFC 9110 §15.5.2: a 401 says how to sign in.
      void reply.header('www-authenticate', 'Bearer realm="trunkline"');
    }
    return answer(reply, known);
  }
  const at = { request_id: request.id, method: request.method, path: pathOf(request) };
  if (known) {
    logger.warn({ ...at, code: known.code, err: error }, 'request refused');
    return answer(reply, known);
  }
  logger.error({ ...at, err: error }, 'request failed');
  return answer(
    reply,
    new ApiError('internal', `something went wrong on our side (request ${request.id})`),
  );
}

function answer(reply: FastifyReply, error: ApiError): FastifyReply {
  return reply
    .status(error.status)
    .type('application/json; charset=utf-8')
    .send({ error: { code: error.code, message: error.message, details: error.details } });
}

/** Without the query, which may hold what is nobody's business. */
function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? request.url).slice(0, 200);
}

/** The API's word for an error; null: it is no fault of the client and none that we know. */
export function toApiError(error: FastifyError | Error): ApiError | null {
  if (error instanceof ApiError) return error;
  if (error instanceof CursorError) {
    return invalidRequest([{ field: 'cursor', problem: error.message }]);
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    return invalidRequest(error.validation.flatMap(problemsOf));
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (isApiErrorCode(code)) return new ApiError(code, error.message);
  const byFastify = FASTIFY_ERRORS[code];
  if (byFastify) return new ApiError(...byFastify);
  if (isDatabaseAway(code, error.message)) {
    return new ApiError('unavailable', 'the database is away; try again in a moment');
  }
  if ('statusCode' in error && error.statusCode === 400) {
    return new ApiError('invalid_request', error.message);
  }
  return null;
}

const FASTIFY_ERRORS: Record<string, [ApiErrorCode, string] | undefined> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'the body is larger than 1 MiB'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'send the body as JSON with content-type: application/json',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'invalid_request',
    'the body is not as long as content-length says',
  ],
  FST_ERR_BAD_URL: ['invalid_request', 'the path is not a valid URL: a % is not followed by hex'],
  // The reference page makes a URL of the Host header.
  ERR_INVALID_URL: ['invalid_request', 'the header Host is not a host'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'a part of the path is longer than any id'],
};

const DATABASE_AWAY =
  /^(08\w{3}|53300|57P0[1-5]|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND)$/;

/** SQLSTATE classes of a lost connection, the system's own codes, and what pg says in words. */
export function isDatabaseAway(code: string, message: string): boolean {
  return (
    DATABASE_AWAY.test(code) ||
    /^(connection terminated|timeout exceeded when trying to connect)/i.test(message)
  );
}

function problemsOf(entry: ValidationEntry): FieldProblem[] {
  const keys = entry.params['keys'];
  const field = entry.instancePath.slice(1).replaceAll('/', '.');
  return fieldProblems({
    code: entry.keyword,
    field,
    message: entry.message,
    keys: Array.isArray(keys) ? keys.map(String) : [],
  });
}
