import type { LegFailure } from '../sip/leg.ts';

/** Whose doing the end of a call was, as records name it. */
export type HangupSource = 'customer' | 'carrier' | 'zentrunk';

/** Why a call over a trunk ended. */
export interface Hangup {
  code: number;
  name: string;
  source: HangupSource;
}

/** Zentrunk's codes, as far as something here can lead to them. */
const NAMES = {
  3000: 'normal_hangup',
  3010: 'normal_hangup',
  3020: 'rtp_timeout',
  4000: 'bad_request',
  4010: 'unauthorized_by_carrier',
  4020: 'unauthorized',
  4030: 'insufficient_plivo_credits',
  4040: 'forbidden',
  4060: 'forbidden',
  4070: 'trunk_not_found',
  4090: 'destination_not_found',
  4110: 'secure_trunking_disabled',
  4120: 'destination_invalid',
  4130: 'incorrect_callerid_non_numeric',
  4140: 'incorrect_callerid_too_short',
  4160: 'request_timeout_carrier',
  4170: 'request_timeout_customer',
  4180: 'call_rejected_unauthorized',
  4190: 'unknown_caller_id',
  4220: 'unsupported_media_type',
  4270: 'session_interval_too_small',
  4310: 'uri_not_found',
  4320: 'uri_invalid',
  4330: 'temporary_unavailable',
  4340: 'temporary_unavailable',
  4350: 'temporary_unavailable',
  4370: 'loop_detected',
  4380: 'too_many_hops',
  4410: 'user_busy',
  4420: 'carrier_cancelled',
  4430: 'sdp_not_acceptable_here',
  4440: 'request_terminated',
  4500: 'request_pending',
  4540: 'forbidden',
  4550: 'user_cancelled',
  4560: 'barred_country',
  4570: 'barred_number',
  4620: 'codec_not_acceptable_here',
  4630: 'sdp_not_acceptable_here_by_carrier',
  4640: 'sdp_not_acceptable_here_by_user',
  5000: 'service_unavailable_no_more_destinations',
  5010: 'port_limit_reached',
  5030: 'not_implemented',
  5040: 'not_implemented',
  5180: 'cps_limit_reached',
  5190: 'concurrent_call_limit_exceeded',
  5220: 'service_interrupted_by_customer',
  5250: 'internal_error',
  5300: 'bad_gateway',
  5310: 'service_interrupted_by_carrier_4xx',
  5330: 'server_timeout',
  5340: 'server_timeout',
  5350: 'service_unavailable_by_carrier',
  5360: 'service_unavailable_by_user',
  6000: 'busy_everywhere',
  6020: 'does_not_exist_anywhere',
  6030: 'alloted_timeout',
  6040: 'declined_from_carrier',
  6070: 'not_acceptable',
} as const;

export type HangupCode = keyof typeof NAMES;

export function hangup(code: HangupCode, source: HangupSource): Hangup {
  return { code, name: NAMES[code], source };
}

/** How a call ended, seen from the switch between the two legs. */
export type CallOutcome =
  | { type: 'hung-up'; by: 'caller' | 'callee' }
  /** A leg that was up stopped answering. */
  | { type: 'lost'; of: 'caller' | 'callee' }
  | { type: 'cancelled' }
  /** The last destination that was tried refused, or nothing came of it. */
  | { type: 'failed'; failure: Pick<LegFailure, 'cause' | 'status'> }
  | { type: 'refused'; hangup: Hangup }
  | { type: 'rtp-timeout' }
  | { type: 'time-is-up' };

/**
 * Zentrunk's code for how a call ended. On an outbound trunk the customer calls and the carrier is
 * called; on an inbound trunk it is the other way round.
 */
export function hangupOf(outcome: CallOutcome, direction: 'outbound' | 'inbound'): Hangup {
  const outbound = direction === 'outbound';
  const ofCaller: HangupSource = outbound ? 'customer' : 'carrier';
  const ofCallee: HangupSource = outbound ? 'carrier' : 'customer';
  switch (outcome.type) {
    case 'hung-up': {
      const source = outcome.by === 'caller' ? ofCaller : ofCallee;
      return hangup(source === 'carrier' ? 3000 : 3010, source);
    }
    case 'lost': {
      const source = outcome.of === 'caller' ? ofCaller : ofCallee;
      return hangup(source === 'carrier' ? 5310 : 5220, source);
    }
    case 'cancelled':
      return hangup(outbound ? 4550 : 4420, ofCaller);
    case 'failed':
      return hangup(codeOfFailure(outcome.failure, outbound), ofCallee);
    case 'refused':
      return outcome.hangup;
    case 'rtp-timeout':
      return hangup(3020, 'zentrunk');
    case 'time-is-up':
      return hangup(6030, 'zentrunk');
  }
}

/** Codes that do not depend on who was called. */
const BY_STATUS: Readonly<Record<number, HangupCode>> = {
  400: 4000,
  402: 4030,
  404: 4090,
  410: 4090,
  415: 4220,
  422: 4270,
  482: 4370,
  483: 4380,
  484: 4120,
  485: 4120,
  486: 4410,
  487: 4440,
  491: 4500,
  500: 5000,
  502: 5300,
  600: 6000,
  603: 6040,
  604: 6020,
  606: 6070,
};

function codeOfFailure(
  { cause, status }: Pick<LegFailure, 'cause' | 'status'>,
  outbound: boolean,
): HangupCode {
  // An address that cannot be reached at all is the URI's fault where the customer gave it.
  if (cause === 'transport') return outbound ? 5000 : 4320;
  if (cause === 'timeout') return outbound ? 4160 : 4170;
  const shared = BY_STATUS[status];
  if (shared !== undefined) return shared;
  switch (status) {
    case 401:
    case 407:
      return outbound ? 4010 : 4020;
    case 403:
      return outbound ? 4040 : 4060;
    case 408:
      return outbound ? 4160 : 4170;
    case 480:
      return outbound ? 4340 : 4350;
    case 488:
      return outbound ? 4630 : 4640;
    case 501:
      return outbound ? 5030 : 5040;
    case 503:
      return outbound ? 5350 : 5360;
    case 504:
      return outbound ? 5330 : 5340;
    default:
      if (status >= 600) return 6040;
      return status >= 500 ? 5000 : 4330;
  }
}
