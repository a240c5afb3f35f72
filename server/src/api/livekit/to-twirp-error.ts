import { AdmissionError } from '../../calls/admission-error.ts';
import { DispatchRuleError } from '../../trunks/dispatch-rule-store.ts';
import { NumberError } from '../../trunks/number-store.ts';
import { TrunkError } from '../../trunks/trunk-store.ts';
import { ApiError } from '../errors.ts';
import { isDatabaseAway } from '../error-handler.ts';
import { twirpErrorOfRoom } from './room-errors.ts';
import { TwirpError, type TwirpCode } from './twirp-error.ts';

/** Any error in Twirp's form; what is no fault of the client becomes `internal`, without words. */
export function toTwirpError(error: unknown): TwirpError {
  if (error instanceof TwirpError) return error;
  if (error instanceof AdmissionError) {
    return new TwirpError(codeOfAdmission(error.code), error.message, { reason: error.code });
  }
  if (error instanceof TrunkError && error.code === 'conflict') {
    return new TwirpError('aborted', error.message);
  }
  if (error instanceof TrunkError || error instanceof DispatchRuleError) {
    const argument = error.field === 'allowed_sources' ? 'allowed_addresses' : error.field;
    return new TwirpError('invalid_argument', error.message, { argument });
  }
  if (error instanceof NumberError) {
    return new TwirpError(
      error.code === 'number-taken' ? 'already_exists' : 'invalid_argument',
      error.message,
      { argument: 'numbers' },
    );
  }
  const ofRoom = twirpErrorOfRoom(error);
  if (ofRoom) return ofRoom;
  if (error instanceof ApiError) return ofApiError(error);
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (isDatabaseAway(code, message)) {
    return new TwirpError('unavailable', 'the database is away; try again in a moment');
  }
  const internal = new TwirpError('internal', 'something went wrong on our side');
  internal.cause = error;
  return internal;
}

function ofApiError(error: ApiError): TwirpError {
  const [problem] = error.details;
  const text = problem ? `${problem.field}: ${problem.problem}` : error.message;
  if (error.status === 404) return new TwirpError('not_found', text);
  if (error.status === 503) return new TwirpError('unavailable', text);
  return new TwirpError('invalid_argument', text);
}

/** Words of the product that say more than that the argument is wrong. */
const ADMISSION: Record<string, TwirpCode> = {
  'agent-not-found': 'not_found',
  'agent-not-usable': 'failed_precondition',
  'from-not-found': 'invalid_argument',
  'trunk-inactive': 'failed_precondition',
  'trunk-without-gateway': 'failed_precondition',
  'idempotency-conflict': 'already_exists',
  'insufficient-credit': 'resource_exhausted',
  'limit-reached': 'resource_exhausted',
  guardrail: 'permission_denied',
  draining: 'unavailable',
};

function codeOfAdmission(code: string): TwirpCode {
  return ADMISSION[code] ?? 'invalid_argument';
}
