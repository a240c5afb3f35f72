export type AdmissionCode =
  | 'agent-not-found'
  | 'agent-not-usable'
  | 'agent-not-ready'
  | 'invalid-to'
  | 'invalid-from'
  | 'from-not-found'
  | 'trunk-not-found'
  | 'trunk-inactive'
  | 'trunk-without-gateway'
  | 'invalid-schedule'
  | 'invalid-variables'
  | 'invalid-option'
  | 'guardrail'
  | 'limit-reached'
  | 'insufficient-credit'
  | 'idempotency-conflict'
  | 'draining';

/** What a refusal says besides its code and its words. */
export interface AdmissionFacts {
  /** The field of the request that is to blame; null: none. */
  field?: string | null;
  /** Of `guardrail`: the rule, such as `G04`. */
  rule?: string | null;
  /** Of `guardrail` and `limit-reached`: when the same call may be placed; null: never, or unknown. */
  retryAt?: Date | null;
  /** Of `insufficient-credit`. */
  balanceMicros?: number | null;
  neededMicros?: number | null;
}

/** A call was refused before anything was stored. The message is one sentence for the caller. */
export class AdmissionError extends Error {
  readonly code: AdmissionCode;
  /** HTTP status that fits. */
  readonly httpStatus: number;
  /** The field of the request that is to blame; null: none. */
  readonly field: string | null;
  /** The guardrail that refused; null: none did. */
  readonly rule: string | null;
  /** When the same call may be placed; null: never, or unknown. */
  readonly retryAt: Date | null;
  readonly balanceMicros: number | null;
  readonly neededMicros: number | null;

  constructor(code: AdmissionCode, message: string, facts: string | AdmissionFacts | null = null) {
    super(message);
    this.name = 'AdmissionError';
    this.code = code;
    this.httpStatus = HTTP_STATUS[code];
    const said = typeof facts === 'string' ? { field: facts } : (facts ?? {});
    this.field = said.field ?? null;
    this.rule = said.rule ?? null;
    this.retryAt = said.retryAt ?? null;
    this.balanceMicros = said.balanceMicros ?? null;
    this.neededMicros = said.neededMicros ?? null;
  }
}

const HTTP_STATUS: Record<AdmissionCode, number> = {
  'agent-not-found': 404,
  'agent-not-usable': 422,
  'agent-not-ready': 422,
  'invalid-to': 422,
  'invalid-from': 422,
  'from-not-found': 422,
  'trunk-not-found': 404,
  'trunk-inactive': 409,
  'trunk-without-gateway': 409,
  'invalid-schedule': 422,
  'invalid-variables': 422,
  'invalid-option': 422,
  guardrail: 403,
  'limit-reached': 429,
  'insufficient-credit': 402,
  'idempotency-conflict': 409,
  draining: 503,
};
