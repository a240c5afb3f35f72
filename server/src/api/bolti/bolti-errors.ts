import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AdmissionError } from '../../calls/admission-error.ts';
import type { Logger } from '../../shared/logger.ts';
import { answerError, toApiError } from '../error-handler.ts';
import { admissionApiError, ApiError, type ApiErrorCode } from '../errors.ts';

/** Bolti's name for an error of ours, where it is not ours in capitals. */
const NAMES: Partial<Record<ApiErrorCode, string>> = {
  insufficient_credit: 'PAYMENT_REQUIRED',
};

export const boltiErrorSchema = z
  .object({
    error: z.object({
      code: z.string().describe('Such as `PAYMENT_REQUIRED`.'),
      message: z.string(),
      details: z.array(z.unknown()),
    }),
  })
  .meta({ id: 'BoltiError' });

/** Bolti's names for the fields of a call. */
const CALL_FIELDS: Readonly<Record<string, string>> = {
  to: 'to_number',
  from: 'agent_phone_number_id',
  variables: 'variable_values',
};

const MEANINGS: Record<number, string> = {
  400: 'A field is missing, unknown or has a value that it cannot have.',
  401: 'There is no API key, or it is wrong or revoked.',
  402: 'The call would not fit the remaining credit.',
  403: 'The key may not do this, or a guardrail refused.',
  404: 'There is no such resource in this workspace.',
  409: 'The resource is in a state that does not allow this.',
  413: 'The body is larger than 1 MiB.',
  415: 'The body is not application/json.',
  422: 'The agent or the number cannot make this call.',
  429: 'As many calls run as may at once.',
  500: 'A fault of ours.',
  503: 'A part that is needed is away.',
};

type Described<Status extends number> = Record<
  Status,
  { description: string; content: { 'application/json': { schema: typeof boltiErrorSchema } } }
>;

/** Responses of error statuses, besides those that every route can have. */
export function boltiErrors<Status extends number>(
  ...statuses: Status[]
): Described<Status | 400 | 401 | 403 | 404 | 413 | 415 | 500 | 503> {
  return Object.fromEntries(
    [...statuses, 400, 401, 403, 404, 413, 415, 500, 503].map((status) => [
      status,
      {
        description: MEANINGS[status] ?? '',
        content: { 'application/json': { schema: boltiErrorSchema } },
      },
    ]),
  ) as Described<Status | 400 | 401 | 403 | 404 | 413 | 415 | 500 | 503>;
}

/** The errors of /v1 with Bolti's names. */
export function installBoltiErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answerBoltiError(error, request, reply, logger),
  );
}

/** Answers an error in Bolti's form. */
export function answerBoltiError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const known =
    error instanceof AdmissionError
      ? admissionApiError(error, asRecord(request.body), CALL_FIELDS)
      : toApiError(error);
  if (!(known instanceof ApiError) || known.status >= 500) {
    return answerError(error, request, reply, logger);
  }
  if (known.status === 401) void reply.header('www-authenticate', 'Bearer realm="trunkline"');
  const code = NAMES[known.code] ?? known.code.toUpperCase();
  return reply
    .status(known.status)
    .type('application/json; charset=utf-8')
    .send({ error: { code, message: known.message, details: known.details } });
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
