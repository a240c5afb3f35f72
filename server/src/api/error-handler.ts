import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from '../shared/logger.ts';
import { ApiError, isApiErrorCode, type ApiErrorCode, type FieldProblem } from './errors.ts';
import { fieldProblems, invalidRequest } from './validate.ts';

interface ValidationEntry {
  keyword?: string;
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
}

/** An error of a lower floor that names a code of the catalogue, such as calls/admission's. */
interface CodedError extends Error {
  code: string;
}

/** Gives every error the API's form; what is no fault of the client is logged and not shown. */
export function installErrorHandler(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toApiError(error);
    if (known) return answer(reply, known);
    logger.error({ err: error, request_id: request.id, path: request.url }, 'request failed');
    return answer(
      reply,
      new ApiError('internal', `something went wrong on our side (request ${request.id})`),
    );
  });
  app.setNotFoundHandler((request, reply) => answer(reply, notFound(app, request)));
}

function notFound(app: FastifyInstance, request: FastifyRequest): ApiError {
  const path = request.url.split('?')[0] ?? request.url;
  const methods = (['GET', 'POST', 'PATCH', 'DELETE'] as const).filter(
    (method) => app.findRoute({ method, url: path }) !== null,
  );
  if (methods.length > 0) {
    return new ApiError(
      'method_not_allowed',
      `${path} takes ${methods.join(', ')}, not ${request.method}`,
    );
  }
  return new ApiError('not_found', `there is no path ${request.method} ${path}; see /docs`);
}

function answer(reply: FastifyReply, error: ApiError): FastifyReply {
  return reply
    .status(error.status)
    .send({ error: { code: error.code, message: error.message, details: error.details } });
}

function toApiError(error: FastifyError | ApiError | CodedError): ApiError | null {
  if (error instanceof ApiError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    return invalidRequest(error.validation.flatMap(problemsOf));
  }
  if (typeof error.code === 'string' && isApiErrorCode(error.code)) {
    return new ApiError(error.code, error.message);
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  const code = fastifyCode(error.code, status);
  return code ? new ApiError(code, plainMessage(code, error)) : null;
}

function fastifyCode(code: string, status: number): ApiErrorCode | null {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'body_too_large';
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'unsupported_media_type';
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY' || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return 'invalid_json';
  }
  // Fastify's secure JSON parser throws a bare SyntaxError with status 400.
  if (status === 400) return 'invalid_json';
  if (status === 429) return 'rate_limited';
  return null;
}

function plainMessage(code: ApiErrorCode, error: Error): string {
  switch (code) {
    case 'body_too_large':
      return 'the body is larger than 1 MiB';
    case 'unsupported_media_type':
      return 'send the body as JSON with content-type: application/json';
    case 'invalid_json':
      return `the body is not valid JSON: ${error.message}`;
    default:
      return error.message;
  }
}

function problemsOf(entry: ValidationEntry): FieldProblem[] {
  const keys = entry.params['keys'];
  return fieldProblems({
    code: entry.keyword,
    field: entry.instancePath.slice(1).replaceAll('/', '.'),
    message: entry.message,
    keys: Array.isArray(keys) ? keys.map(String) : [],
  });
}
