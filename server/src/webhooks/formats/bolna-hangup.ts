import type { CallDirection, EndedByValue } from '../../db/queries/calls.ts';

/** Who ended a call, why and by which number, in Bolna's words. */
export interface BolnaHangup {
  hangup_by: string;
  hangup_reason: string;
  /** Numbers of Plivo's Voice API, as Bolna passes them on. */
  hangup_provider_code: number;
}

type Party = 'API Request' | 'Callee' | 'Caller' | 'Carrier' | 'Error' | 'Plivo' | 'Unknown';

/** Party, reason and code of an end reason. Codes are of the sets that Bolna names for the party. */
const HANGUPS: Record<string, [Party, string, number]> = {
  'callee-hangup': ['Callee', 'Call recipient hung up', 4000],
  'caller-hangup': ['Caller', 'Call ended', 4000],
  'agent-goodbye': ['API Request', 'llm_prompted_hangup', 4000],
  'caller-requested-human': ['API Request', 'llm_prompted_hangup', 4000],
  'do-not-call-requested': ['API Request', 'llm_prompted_hangup', 4000],
  'wrong-number': ['API Request', 'llm_prompted_hangup', 4000],
  'no-input': ['API Request', 'inactivity_timeout', 4000],
  silence: ['API Request', 'inactivity_timeout', 4000],
  'max-duration': ['Plivo', 'Call timed out', 6000],
  voicemail: ['API Request', 'voicemail_detected', 4000],
  ivr: ['API Request', 'Call ended', 4000],
  'call-screening': ['API Request', 'Call ended', 4000],
  fax: ['API Request', 'Call ended', 4000],
  transferred: ['API Request', 'Call ended', 4000],
  'api-stopped': ['API Request', 'Call ended', 4000],
  canceled: ['API Request', 'Call canceled', 4000],
  'caller-canceled': ['Caller', 'Call canceled', 4000],
  'answered-elsewhere': ['Caller', 'Call canceled', 4000],
  'user-busy': ['Carrier', 'Call recipient was busy', 3010],
  unavailable: ['Carrier', 'Call unanswered', 3000],
  'request-timeout': ['Carrier', 'Call unanswered', 3070],
  'request-terminated': ['Carrier', 'Call unanswered', 3000],
  'ring-timeout': ['Plivo', 'Call unanswered', 6010],
  declined: ['Callee', 'Call recipient rejected', 3020],
  'carrier-blocked': ['Carrier', 'Carrier declined', 3020],
  'invalid-number': ['Carrier', 'Call recipient number invalid', 3050],
  forbidden: ['Carrier', 'Carrier declined', 3040],
  'auth-failed': ['Carrier', 'Carrier declined', 3040],
  'no-credit': ['Plivo', 'Carrier declined', 1010],
  'media-incompatible': ['Error', 'Carrier unable to receive media', 5010],
  'routing-loop': ['Error', 'Carrier Internal Error', 5020],
  'negotiation-failed': ['Error', 'Carrier Internal Error', 3080],
  'identity-rejected': ['Carrier', 'Carrier declined', 3040],
  redirected: ['Carrier', 'failed', 2000],
  rejected: ['Carrier', 'Carrier declined', 3020],
  'carrier-error': ['Error', 'Carrier Internal Error', 3080],
  congestion: ['Error', 'Network Congestion From Carrier', 3090],
  'channel-limit': ['Carrier', 'Carrier ended because call limit exceeded', 3040],
  'trunk-unreachable': ['Error', 'Carrier unable to reach bolna', 5020],
  'trunk-inactive': ['Error', 'failed', 5020],
  'trunk-secret-unreadable': ['Error', 'failed', 5010],
  'media-timeout': ['Plivo', 'Call timed out', 6020],
  'hold-timeout': ['Plivo', 'Call timed out', 6020],
  'dialog-lost': ['Error', 'Telephony Internal Error', 5010],
  'provider-error': ['Error', 'llm_error', 5010],
  'caller-not-allowed': ['API Request', 'Call recipient rejected', 4000],
  'caller-limit': ['API Request', 'Call recipient rejected', 4000],
  'wrong-pin': ['API Request', 'Call recipient rejected', 4000],
  guardrail: ['API Request', 'Call canceled', 4000],
  'limit-reached': ['Plivo', 'Carrier ended because call limit exceeded', 5020],
  'no-capacity': ['Plivo', 'Carrier ended because call limit exceeded', 5020],
  'credit-exhausted': ['Plivo', 'failed', 1010],
  'insufficient-credit': ['Plivo', 'failed', 1010],
};

/** The numbers and words for whoever ended it, where the reason says nothing of its own. */
const BY_PARTY: Record<EndedByValue, [Party, string, number]> = {
  caller: ['Caller', 'Call ended', 4000],
  callee: ['Callee', 'Call recipient hung up', 4000],
  agent: ['API Request', 'End of inputs from Bolna', 4000],
  api: ['API Request', 'Call ended', 4000],
  system: ['Error', 'Bolna Error', 5010],
  carrier: ['Carrier', 'failed', 0],
};

/** Null values while nobody has hung up. */
export function bolnaHangup(call: {
  endReason: string | null;
  endedBy: EndedByValue | null;
  direction: CallDirection;
}): BolnaHangup | { [Field in keyof BolnaHangup]: null } {
  if (call.endReason === null) {
    return { hangup_by: null, hangup_reason: null, hangup_provider_code: null };
  }
  const byParty = call.endedBy && BY_PARTY[call.endedBy];
  const [party, reason, code] = HANGUPS[call.endReason] ?? byParty ?? ['Unknown', 'Unknown', 0];
  // The person is the callee of an outbound call and the caller of an inbound one.
  const person = call.direction === 'outbound' ? 'Callee' : 'Caller';
  return {
    hangup_by: party === 'Callee' || party === 'Caller' ? person : party,
    hangup_reason: reason,
    hangup_provider_code: code,
  };
}
