import type { CallRow } from '../../db/queries/calls.ts';
import { sipFailure, TwirpError } from './twirp-error.ts';

type FailedCall = Pick<CallRow, 'endReason' | 'status' | 'sipCode' | 'sipReason'>;

/** Why a call that was waited for was not answered. */
export function callFailure(call: FailedCall, before = ''): TwirpError {
  const meta = { end_reason: call.endReason ?? call.status, sip_call_status: call.status };
  const { sipCode, sipReason } = call;
  if (call.endReason === 'ring-timeout') {
    // Our CANCEL made it a 487, if the far end answered that at all.
    return new TwirpError(
      'deadline_exceeded',
      `${before}nobody answered in time`,
      sipCode === null ? meta : { sip_status_code: String(sipCode), sip_status: sipReason ?? '' },
    );
  }
  if (sipCode !== null && sipCode >= 300) {
    return sipFailure({ code: sipCode, reason: sipReason ?? '' }, { before });
  }
  if (call.endReason === 'canceled') {
    return new TwirpError('canceled', `${before}the call was canceled`, meta);
  }
  return new TwirpError(
    'failed_precondition',
    `${before}the call ended before it was answered: ${call.endReason ?? call.status}`,
    meta,
  );
}
