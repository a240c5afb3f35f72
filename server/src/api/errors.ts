import type { AdmissionCode, AdmissionError } from '../calls/admission-error.ts';

/** Every error that the API answers: code, HTTP status, what it means. One list for code and docs. */
export const API_ERRORS = {
  invalid_json: { status: 400, meaning: 'The body is empty or not JSON.' },
  invalid_request: {
    status: 400,
    meaning:
      'A field is missing, unknown or has a value that it cannot have; `details` names each.',
  },
  invalid_number: {
    status: 400,
    meaning: 'A phone number is not in E.164 form, such as +14155550123.',
  },
  unauthorized: {
    status: 401,
    meaning: 'There is no API key, or it is wrong, revoked or expired.',
  },
  insufficient_credit: {
    status: 402,
    meaning: 'The wallet of the workspace does not cover the call; top it up.',
  },
  guardrail: {
    status: 403,
    meaning: 'A guardrail refused the call; `details` names the rule, and when it may be placed.',
  },
  forbidden: { status: 403, meaning: 'The API key lacks the scope that this needs.' },
  not_found: { status: 404, meaning: 'There is no such path or resource in this workspace.' },
  agent_not_found: { status: 404, meaning: 'There is no such agent in this workspace.' },
  trunk_not_found: { status: 404, meaning: 'There is no such trunk in this workspace.' },
  method_not_allowed: { status: 405, meaning: 'The path exists, with another method.' },
  conflict: { status: 409, meaning: 'The resource is in a state that does not allow this.' },
  call_ended: { status: 409, meaning: 'The call is over; there is nothing to hang up.' },
  number_taken: { status: 409, meaning: 'The number belongs to a trunk already.' },
  idempotency_mismatch: {
    status: 409,
    meaning: 'The Idempotency-Key was used before with another body.',
  },
  body_too_large: { status: 413, meaning: 'The body is larger than 1 MiB.' },
  unsupported_media_type: { status: 415, meaning: 'The body is not application/json.' },
  agent_not_ready: {
    status: 422,
    meaning: 'The agent cannot speak as it is configured; the message says what is missing.',
  },
  from_not_on_active_trunk: {
    status: 422,
    meaning: 'The from-number does not belong to an active trunk.',
  },
  limit_reached: {
    status: 429,
    meaning: 'As many calls run as the workspace, the trunk or the agent may have at once.',
  },
  upgrade_required: {
    status: 426,
    meaning: 'The path is a WebSocket; connect with a client of that.',
  },
  internal: {
    status: 500,
    meaning: 'A fault of ours; the log has it under the id in the header `x-request-id`.',
  },
  draining: { status: 503, meaning: 'The program is stopping and takes no new calls.' },
  unavailable: { status: 503, meaning: 'A part that is needed (database, voice) is away.' },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** Thrown by a route; answered as `{"error": {"code", "message", "details"}}`. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly details: readonly FieldProblem[];

  constructor(code: ApiErrorCode, message: string, details: readonly FieldProblem[] = []) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return API_ERRORS[this.code].status;
  }
}

/** One field of a request that is wrong. */
export interface FieldProblem {
  /** Dotted path in the body or query; empty for the whole. */
  field: string;
  problem: string;
  /** The guardrail that refused. */
  rule?: string;
  /** When the same request may succeed, ISO 8601. */
  retry_at?: string;
}

const ADMISSION_ERRORS: Record<AdmissionCode, ApiErrorCode> = {
  'agent-not-found': 'agent_not_found',
  'agent-not-usable': 'agent_not_ready',
  'agent-not-ready': 'agent_not_ready',
  'invalid-to': 'invalid_number',
  'invalid-from': 'invalid_number',
  'from-not-found': 'from_not_on_active_trunk',
  'trunk-not-found': 'trunk_not_found',
  'trunk-inactive': 'from_not_on_active_trunk',
  'trunk-without-gateway': 'from_not_on_active_trunk',
  'invalid-schedule': 'invalid_request',
  'invalid-variables': 'invalid_request',
  'invalid-option': 'invalid_request',
  guardrail: 'guardrail',
  'limit-reached': 'limit_reached',
  'insufficient-credit': 'insufficient_credit',
  'idempotency-conflict': 'idempotency_mismatch',
  draining: 'draining',
};

/**
 * The answer of /v1 to a call that was not admitted. `body`: the request, to quote what is wrong;
 * `names`: what the fields are called in it, where that is not what they are called here.
 */
export function admissionApiError(
  { code, field: ownField, message, rule, retryAt }: AdmissionError,
  body: Record<string, unknown> = {},
  names: Readonly<Record<string, string>> = {},
): ApiError {
  const field = ownField === null ? null : (names[ownField] ?? ownField);
  const value = field === null ? undefined : body[field];
  const named = typeof value === 'string' && !message.split(' ').includes(value);
  const facts = {
    ...(rule !== null && { rule }),
    ...(retryAt && { retry_at: retryAt.toISOString() }),
  };
  const hasDetails = field !== null || rule !== null || retryAt !== null;
  return new ApiError(
    ADMISSION_ERRORS[code],
    named ? `${field} '${value}': ${message}` : message,
    hasDetails ? [{ field: field ?? '', problem: message, ...facts }] : [],
  );
}

/** Whether a code of a lower floor is one of the catalogue. */
export function isApiErrorCode(code: string): code is ApiErrorCode {
  return Object.hasOwn(API_ERRORS, code);
}
