import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AdmissionError } from '../../calls/admission-error.ts';
import type { Logger } from '../../shared/logger.ts';
import { NumberError } from '../../trunks/number-store.ts';
import { TrunkError } from '../../trunks/trunk-store.ts';
import { WorkspaceError } from '../../workspaces/workspace-store.ts';
import { toApiError } from '../error-handler.ts';
import {
  admissionApiError,
  type ApiError,
  type ApiErrorCode,
  type FieldProblem,
} from '../errors.ts';

/** A refusal with the status that Bolna's clients expect. */
export class BolnaError extends Error {
  readonly status: number;
  readonly details: readonly FieldProblem[];

  constructor(status: number, message: string, details: readonly FieldProblem[] = []) {
    super(message);
    this.name = 'BolnaError';
    this.status = status;
    this.details = details;
  }
}

/** Something is not there in this workspace. */
export function notFound(kind: string, id: string): BolnaError {
  return new BolnaError(404, `${kind} ${id.slice(0, 100)} not found`);
}

/** Fields are wrong; one sentence names each. */
export function unprocessable(details: readonly FieldProblem[]): BolnaError {
  const message = details.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
  return new BolnaError(422, message, details);
}

/**
 * Bolna answers errors as `{"error", "message"}`, `{"detail"}` or, for sub-accounts,
 * `{"error", "status"}`; this has the fields of the first two, and `details` for people.
 */
export const bolnaErrorSchema = z
  .object({
    error: z.union([z.number().int(), z.string()]),
    message: z.string(),
    detail: z.string(),
    status: z.string().optional(),
    details: z.unknown().optional(),
  })
  .meta({ id: 'BolnaError' });

const MEANINGS: Record<number, string> = {
  400: 'The body is not JSON, or the request does not fit the state of the resource.',
  401: 'There is no API key.',
  403: 'The API key is wrong or may not do this, or a guardrail refused.',
  404: 'There is no such resource in this workspace.',
  409: 'The resource is in a state that does not allow this.',
  422: 'The path is no URL, or a field has a value that it cannot have; `details` names each.',
  429: 'As many calls run as may at once.',
  500: 'A fault of ours.',
  501: 'This part of Bolna’s API is not there; the message says what to use.',
  503: 'A part that is needed is away.',
};

type Described<Status extends number> = Record<
  Status,
  {
    description: string;
    content: { 'application/json': { schema: typeof bolnaErrorSchema } };
  }
>;

/** Responses of error statuses, besides those that every route can have. */
export function bolnaErrors<Status extends number>(
  ...statuses: Status[]
): Described<Status | 400 | 401 | 403 | 422 | 500 | 503> {
  return Object.fromEntries(
    [...new Set([...statuses, 400, 401, 403, 422, 500, 503])].map((status) => [
      status,
      {
        description: MEANINGS[status] ?? '',
        content: { 'application/json': { schema: bolnaErrorSchema } },
      },
    ]),
  ) as Described<Status | 400 | 401 | 403 | 422 | 500 | 503>;
}

/** Gives the errors of the dialect's routes Bolna's form. */
export function installBolnaErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answerBolnaError(error, request, reply, logger),
  );
}

/** Answers an error in Bolna's form. */
export function answerBolnaError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const known = toBolnaError(error, request);
  if (known && known.status < 500) return answer(request, reply, known);
  const at = { request_id: request.id, method: request.method };
  if (known) {
    if (known.status !== 501) logger.warn({ ...at, err: error }, 'request refused');
    return answer(request, reply, known);
  }
  logger.error({ ...at, err: error }, 'request failed');
  const message = `something went wrong on our side (request ${request.id})`;
  return answer(request, reply, new BolnaError(500, message));
}

function answer(request: FastifyRequest, reply: FastifyReply, error: BolnaError): FastifyReply {
  const isSubAccount = request.url.startsWith('/sub-accounts');
  return reply
    .status(error.status)
    .type('application/json; charset=utf-8')
    .send({
      error: isSubAccount ? error.message : error.status,
      message: error.message,
      detail: error.message,
      ...(isSubAccount && { status: 'failure' }),
      ...(error.details.length > 0 && { details: error.details }),
    });
}

/** Bolna's statuses where they are not those of /v1. */
const STATUSES: Partial<Record<ApiErrorCode, number>> = {
  invalid_request: 422,
  invalid_number: 422,
  conflict: 400,
  call_ended: 400,
  number_taken: 400,
  body_too_large: 400,
  unsupported_media_type: 400,
  idempotency_mismatch: 400,
};

function toBolnaError(error: Error, request: FastifyRequest): BolnaError | null {
  if (error instanceof BolnaError) return error;
  if (error instanceof TrunkError) {
    if (error.code === 'name-taken') {
      return new BolnaError(400, error.message, [{ field: 'name', problem: error.message }]);
    }
    if (error.code === 'conflict') return new BolnaError(409, error.message);
    const field = TRUNK_FIELDS[error.field] ?? error.field;
    return unprocessable([{ field, problem: inTheirWords(error.message) }]);
  }
  if (error instanceof NumberError) {
    const status = { 'invalid-number': 422, 'trunk-not-found': 404, 'number-taken': 400 };
    return new BolnaError(status[error.code], error.message);
  }
  if (error instanceof WorkspaceError) {
    const status = { invalid: 422, conflict: 400, forbidden: 403 };
    return new BolnaError(status[error.code], error.message);
  }
  if (error instanceof AdmissionError) return refusedCall(error);
  const known = toApiError(error);
  if (!known) return null;
  return new BolnaError(statusOf(known, request), known.message, known.details);
}

/** Bolna's names for fields of a trunk. */
const TRUNK_FIELDS: Readonly<Record<string, string>> = {
  allowed_sources: 'ip_identifiers',
  codecs: 'allow',
  leading_plus: 'outbound_leading_plus_enabled',
  qualify_frequency_s: 'qualify_frequency',
};

/** A sentence of ours about a trunk, with Bolna's names for the fields in it. */
function inTheirWords(message: string): string {
  return message.replaceAll(/\b[a-z_]+\b/g, (word) =>
    word.includes('_') ? (TRUNK_FIELDS[word] ?? word) : word,
  );
}

/** The guardrail that looks whether the caller's number is one of ours. */
const CALLER_ID_RULE = 'G10';
const CALL_FIELDS: Record<string, string> = {
  from: 'from_phone_number',
  to: 'recipient_phone_number',
  variables: 'user_data',
};

function refusedCall(error: AdmissionError): BolnaError {
  const known = admissionApiError(error, {}, CALL_FIELDS);
  const status = error.rule === CALLER_ID_RULE ? 422 : (STATUSES[known.code] ?? known.status);
  return new BolnaError(status, known.message, known.details);
}

/** An API key that is wrong is 403 at Bolna, one that is missing 401. */
function statusOf(error: ApiError, request: FastifyRequest): number {
  if (error.code === 'unauthorized') {
    return request.headers.authorization === undefined ? 401 : 403;
  }
  return STATUSES[error.code] ?? error.status;
}
