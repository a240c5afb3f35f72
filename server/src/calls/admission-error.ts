export type AdmissionCode =
  | 'agent-not-found'
  | 'agent-not-usable'
  | 'invalid-to'
  | 'invalid-from'
  | 'from-not-found'
  | 'trunk-inactive'
  | 'trunk-without-gateway'
  | 'invalid-schedule'
  | 'idempotency-conflict'
  | 'draining';

/** A call was refused before anything was stored. The message is one sentence for the caller. */
export class AdmissionError extends Error {
  readonly code: AdmissionCode;
  /** HTTP status that fits. */
  readonly httpStatus: number;
  /** The field of the request that is to blame; null: none. */
  readonly field: string | null;

  constructor(code: AdmissionCode, message: string, field: string | null = null) {
    super(message);
    this.name = 'AdmissionError';
    this.code = code;
    this.httpStatus = HTTP_STATUS[code];
    this.field = field;
  }
}

const HTTP_STATUS: Record<AdmissionCode, number> = {
  'agent-not-found': 404,
  'agent-not-usable': 422,
  'invalid-to': 422,
  'invalid-from': 422,
  'from-not-found': 422,
  'trunk-inactive': 409,
  'trunk-without-gateway': 409,
  'invalid-schedule': 422,
  'idempotency-conflict': 409,
  draining: 503,
};
