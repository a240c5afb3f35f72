/** Codes that the API's errors carry; what they mean is in docs/reference/errors.md. */
export const API_ERROR_CODES = [
  'invalid_json',
  'invalid_request',
  'invalid_number',
  'unauthorized',
  'insufficient_credit',
  'guardrail',
  'forbidden',
  'not_found',
  'agent_not_found',
  'trunk_not_found',
  'method_not_allowed',
  'conflict',
  'call_ended',
  'number_taken',
  'idempotency_mismatch',
  'body_too_large',
  'unsupported_media_type',
  'agent_not_ready',
  'from_not_on_active_trunk',
  'limit_reached',
  'upgrade_required',
  'internal',
  'draining',
  'unavailable',
] as const;

export type ApiErrorCode = (typeof API_ERROR_CODES)[number];

/** One field of a request that is wrong. */
export interface FieldProblem {
  /** Dotted path; empty for the whole body. */
  field: string;
  problem: string;
}

/** The API said no. */
export class TrunklineApiError extends Error {
  readonly status: number;
  /** `unknown` where something in between has answered instead of the API. */
  readonly code: ApiErrorCode | 'unknown';
  readonly details: readonly FieldProblem[];
  /** What the server's log has the request under. */
  readonly requestId: string | null;

  constructor(options: {
    status: number;
    code: TrunklineApiError['code'];
    message: string;
    details?: readonly FieldProblem[];
    requestId?: string | null;
  }) {
    super(options.message);
    this.name = 'TrunklineApiError';
    this.status = options.status;
    this.code = options.code;
    this.details = options.details ?? [];
    this.requestId = options.requestId ?? null;
  }
}

/** The API could not be reached, or the line to it broke. */
export class TrunklineConnectionError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TrunklineConnectionError';
  }
}

const SHOWN_CHARS = 200;

/** The error of an answer that is not 2xx. */
export function apiErrorOf(
  status: number,
  text: string,
  requestId: string | null,
): TrunklineApiError {
  const error = errorIn(text);
  if (error) return new TrunklineApiError({ status, requestId, ...error });
  const shown = text.trim().replaceAll(/\s+/g, ' ').slice(0, SHOWN_CHARS);
  const message = `HTTP ${status}${shown === '' ? '' : `: ${shown}`}`;
  return new TrunklineApiError({ status, code: 'unknown', message, requestId });
}

function errorIn(
  text: string,
): { code: ApiErrorCode; message: string; details: FieldProblem[] } | null {
  try {
    const { error } = JSON.parse(text) as { error?: Record<string, unknown> };
    const { code, message, details } = error ?? {};
    if (typeof code !== 'string' || typeof message !== 'string') return null;
    return {
      code: code as ApiErrorCode,
      message,
      details: Array.isArray(details) ? (details as FieldProblem[]) : [],
    };
  } catch {
    // Not our JSON: a proxy in between has answered.
    return null;
  }
}
