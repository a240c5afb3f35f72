/** Who has to act so that it does not happen again. */
export type Fault = 'user' | 'config' | 'carrier' | 'provider' | 'platform' | 'none';

export interface EndReasonInfo {
  meaning: string;
  fault: Fault;
  /** What to do about it. */
  action: string;
}

/** Every reason for which a call can end. A closed list: nothing else is ever stored. */
export const END_REASONS = {
  'callee-hangup': {
    meaning: 'The called person hung up.',
    fault: 'none',
    action: 'Nothing.',
  },
  'caller-hangup': {
    meaning: 'The person who called in hung up.',
    fault: 'none',
    action: 'Nothing.',
  },
  'agent-goodbye': {
    meaning: 'The agent had said everything and hung up.',
    fault: 'none',
    action: 'Nothing.',
  },
  'caller-requested-human': {
    meaning: 'The person asked for a human and the agent ended the call.',
    fault: 'none',
    action: 'Have a human call back.',
  },
  'do-not-call-requested': {
    meaning: 'The person asked not to be called again.',
    fault: 'none',
    action: 'Do not call the number again.',
  },
  'wrong-number': {
    meaning: 'The person said that the number is not the one of the wanted contact.',
    fault: 'user',
    action: 'Correct the contact.',
  },
  'no-input': {
    meaning: 'The agent asked several times and got no usable answer.',
    fault: 'none',
    action: 'Call at another time, or make the question simpler.',
  },
  silence: {
    meaning: 'Nobody spoke for the agent’s silence limit.',
    fault: 'none',
    action: 'Nothing; silence.hangup_after_ms of the agent sets the limit.',
  },
  'max-duration': {
    meaning: 'The call reached the longest duration that the agent allows.',
    fault: 'none',
    action: 'Raise max_duration_s of the agent if calls need longer.',
  },
  voicemail: {
    meaning: 'A voicemail system answered and the agent hung up.',
    fault: 'none',
    action: 'Call at another time.',
  },
  ivr: {
    meaning:
      'A menu answered; the agent hung up, as `answering.ivr` says, or found no way through.',
    fault: 'none',
    action: 'Give `answering.keys` of the agent the keys that lead to a person.',
  },
  'call-screening': {
    meaning: 'A call-screening assistant answered and nobody came behind it.',
    fault: 'none',
    action: 'Give the agent an `answering.screening_answer`.',
  },
  fax: {
    meaning: 'A fax or a modem answered.',
    fault: 'user',
    action: 'Correct the number.',
  },
  transferred: {
    meaning:
      'The far end was connected with somebody else: the carrier moved the call, or their talk is over.',
    fault: 'none',
    action: 'Nothing; the event `call.transferred` says with whom.',
  },
  'api-stopped': {
    meaning: 'The live call was stopped over the API.',
    fault: 'none',
    action: 'Nothing.',
  },
  canceled: {
    meaning: 'The call was stopped over the API before it was answered.',
    fault: 'none',
    action: 'Nothing.',
  },
  'caller-canceled': {
    meaning: 'The person who called in hung up before the call was answered.',
    fault: 'none',
    action: 'Nothing.',
  },
  'answered-elsewhere': {
    meaning: 'Another phone of the same number took the call that came in.',
    fault: 'none',
    action: 'Nothing.',
  },
  'user-busy': {
    meaning: 'The line is busy (486, 600).',
    fault: 'none',
    action: 'Call later.',
  },
  unavailable: {
    meaning: 'The called person cannot be reached now (480, or an announcement of the network).',
    fault: 'none',
    action: 'Call later.',
  },
  'request-timeout': {
    meaning: 'The carrier got no answer from the called side in its time (408).',
    fault: 'none',
    action: 'Call later.',
  },
  'request-terminated': {
    meaning: 'The far end gave the request up by itself (487 without a CANCEL of ours).',
    fault: 'carrier',
    action: 'Call later; ask the carrier if it happens often.',
  },
  'ring-timeout': {
    meaning: 'The phone rang for the trunk’s ring timeout and nobody answered.',
    fault: 'none',
    action: 'Call later; ring_timeout_ms of the trunk sets the limit.',
  },
  declined: {
    meaning: 'The called person declined the call (603).',
    fault: 'none',
    action: 'Do not call again by itself.',
  },
  'carrier-blocked': {
    meaning: 'The carrier or the network blocked the call as unwanted (607, 608).',
    fault: 'carrier',
    action: 'Do not call again; have the caller number checked for spam marks.',
  },
  'invalid-number': {
    meaning: 'The number does not exist or is incomplete (404, 410, 484, 485, 604).',
    fault: 'user',
    action: 'Correct the number.',
  },
  forbidden: {
    meaning: 'The carrier refused the call: caller number, country or source address (403).',
    fault: 'config',
    action: 'Check the caller number, the permitted countries and the addresses at the carrier.',
  },
  'auth-failed': {
    meaning: 'The carrier did not accept the trunk’s credentials (401, 407).',
    fault: 'config',
    action: 'Correct the user name and password of the trunk.',
  },
  'no-credit': {
    meaning: 'The carrier asks for payment (402).',
    fault: 'config',
    action: 'Top the account at the carrier up.',
  },
  'media-incompatible': {
    meaning: 'No common codec or an unusable session description (415, 488, 606, bad SDP).',
    fault: 'config',
    action: 'Allow PCMU or PCMA on both sides.',
  },
  'routing-loop': {
    meaning: 'The request ran in a circle (482, 483).',
    fault: 'config',
    action: 'Check the gateways of the trunk and the routing at the carrier.',
  },
  'negotiation-failed': {
    meaning: 'The far end needs an extension that is not there (420, 421, 422).',
    fault: 'carrier',
    action: 'Ask the carrier which extensions it requires and switch them off.',
  },
  'identity-rejected': {
    meaning:
      'The carrier wants a signed caller identity or did not accept it (428, 436, 437, 438).',
    fault: 'config',
    action: 'Have the caller number verified at the carrier.',
  },
  redirected: {
    meaning: 'The far end pointed elsewhere (3xx), where the call was not allowed to go.',
    fault: 'carrier',
    action: 'Name the host in redirect_hosts of the trunk if you trust it.',
  },
  rejected: {
    meaning: 'The far end refused the call for a reason of its own (other 4xx, 6xx).',
    fault: 'carrier',
    action: 'Read the SIP code and ask the carrier.',
  },
  'carrier-error': {
    meaning: 'Every gateway that was tried failed (500, 502, 504, other 5xx).',
    fault: 'carrier',
    action: 'Call later; add a second gateway.',
  },
  congestion: {
    meaning: 'The carrier is overloaded or out of service (503).',
    fault: 'carrier',
    action: 'Call later; add a second gateway.',
  },
  'channel-limit': {
    meaning: 'The carrier’s limit of calls per second or of parallel calls is reached.',
    fault: 'config',
    action: 'Call slower, or buy channels.',
  },
  'trunk-unreachable': {
    meaning: 'No gateway of the trunk answered (no response, DNS, connection refused).',
    fault: 'carrier',
    action: 'Check host, port and transport of the gateways and the firewall.',
  },
  'caller-not-allowed': {
    meaning: 'The number called takes no calls from this caller.',
    fault: 'config',
    action:
      'Add the caller to `allowed_callers` of the trunk and `inbound.allowed_callers` of the ' +
      'agent, or empty those lists; `inbound.unknown_callers` decides on whom a lookup knows.',
  },
  'trunk-inactive': {
    meaning: 'The trunk was switched off, or lost its gateways, before the call was dialled.',
    fault: 'config',
    action: 'Switch the trunk on and give it a gateway.',
  },
  'trunk-secret-unreadable': {
    meaning: 'The trunk’s password was sealed with another master key, so nothing was dialled.',
    fault: 'config',
    action: 'Set the TRUNKLINE_MASTER_KEY of before, or enter the trunk’s password anew.',
  },
  'media-timeout': {
    meaning: 'No audio came from the far end for the trunk’s media timeout.',
    fault: 'carrier',
    action: 'Check firewall and NAT for the RTP ports.',
  },
  'hold-timeout': {
    meaning: 'The far end kept the call on hold longer than the trunk allows.',
    fault: 'none',
    action: 'Nothing; media_timeouts.hold_ms of the trunk sets the limit.',
  },
  'dialog-lost': {
    meaning: 'The far end no longer knew the call, or never confirmed the answer.',
    fault: 'carrier',
    action: 'Check that the carrier can reach the advertised address.',
  },
  'provider-error': {
    meaning: 'A speech or language provider failed and the agent could not go on.',
    fault: 'provider',
    action: 'Check the provider’s key, quota and status.',
  },
  'agent-not-ready': {
    meaning: 'The agent could not be made ready, so nothing was dialled or answered.',
    fault: 'config',
    action: 'Check the agent’s providers and keys; the call’s event says what failed.',
  },
  'credit-exhausted': {
    meaning: 'The wallet ran empty during the call; the agent said goodbye.',
    fault: 'user',
    action: 'Top the wallet up.',
  },
  'no-capacity': {
    meaning: 'All call slots were taken when the call came in.',
    fault: 'config',
    action: 'Raise MAX_CALLS or add a machine.',
  },
  'limit-reached': {
    meaning: 'As many calls ran as the workspace, the trunk or the agent may have at once.',
    fault: 'config',
    action: 'Raise max_concurrent_calls, or spread the calls.',
  },
  guardrail: {
    meaning: 'A guardrail refused the call; `guardrail` of the call names the rule.',
    fault: 'config',
    action: 'Read the call’s warning; change the rule’s setting only where the law allows it.',
  },
  'insufficient-credit': {
    meaning: 'The wallet of the workspace did not cover the call.',
    fault: 'user',
    action: 'Top the wallet up.',
  },
  'caller-limit': {
    meaning: 'The caller called more often than the agent allows.',
    fault: 'none',
    action: 'Nothing; inbound.max_calls_per_caller of the agent sets the limit.',
  },
  'wrong-pin': {
    meaning: 'The caller did not enter the PIN of the dispatch rule.',
    fault: 'none',
    action: 'Nothing.',
  },
  'voice-worker-crashed': {
    meaning: 'The thread that carried the call’s audio ended.',
    fault: 'platform',
    action: 'Report it with the log.',
  },
  'platform-error': {
    meaning: 'The platform made a mistake.',
    fault: 'platform',
    action: 'Report it with the log.',
  },
  'node-lost': {
    meaning: 'The machine or process that carried the call is gone. It is never dialled again.',
    fault: 'platform',
    action: 'Call again if you want the person to be called twice.',
  },
  shutdown: {
    meaning: 'The program was stopped while the call was live.',
    fault: 'none',
    action: 'Nothing; DRAIN_TIMEOUT_S says how long live calls may finish.',
  },
} as const satisfies Record<string, EndReasonInfo>;

/** A stable slug that says why a call ended. */
export type EndReason = keyof typeof END_REASONS;

/** Whether `text` is one of the closed list. */
export function isEndReason(text: string): text is EndReason {
  return Object.hasOwn(END_REASONS, text);
}

/** The page `docs/reference/end-reasons.md`. */
export function endReasonsMarkdown(): string {
  const rows = Object.entries(END_REASONS).map(
    ([slug, info]) => `| \`${slug}\` | ${info.meaning} | ${info.fault} | ${info.action} |`,
  );
  return [
    '<!-- generated by tools/generate-reference.mjs -->',
    '',
    '# End reasons',
    '',
    'Every call ends with exactly one of these in `end_reason`. `fault` says who has to act:',
    '`user`, `config`, `carrier`, `provider`, `platform` or `none`.',
    '',
    '| end reason | meaning | fault | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
