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
  unauthorized: { status: 401, meaning: 'There is no API key, or it is wrong or revoked.' },
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
  uri_too_long: { status: 414, meaning: 'A part of the path is longer than any id.' },
  agent_not_ready: {
    status: 422,
    meaning: 'The agent cannot speak as it is configured; the message says what is missing.',
  },
  from_not_on_active_trunk: {
    status: 422,
    meaning: 'The from-number does not belong to an active trunk.',
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
}

/** Whether a code of a lower floor is one of the catalogue. */
export function isApiErrorCode(code: string): code is ApiErrorCode {
  return Object.hasOwn(API_ERRORS, code);
}
