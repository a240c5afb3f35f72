import { BUILT_IN_INTENTS } from '../agents/scripted/built-in-intents.ts';
import type { CallReport, TurnRecord, VoiceCallEvent } from '../voice/worker-protocol.ts';

/** Intent of scripts, outcome and end reason that mean a machine took the call. */
const VOICEMAIL = 'voicemail';

/**
 * What recordings say and people hardly do: menus, call screening, full mailboxes, the network's own
 * announcements. Said in a call, it keeps the call from being told as answered by a person.
 */
const RECORDED_WORDS: readonly RegExp[] = [
  ...(BUILT_IN_INTENTS[VOICEMAIL]?.patterns ?? []),
  '\\b(press|dial|push|enter) (the )?(\\d|zero|one|two|three|four|five|six|seven|eight|nine|star|pound|hash)\\b',
  '\\bmail ?box\\b',
  '\\bvoice ?mail\\b',
  '\\banswering machine\\b',
  '\\b(call )?screening\\b',
  '\\b(your|the) reason (for|of) (your )?call(ing)?\\b',
  '\\b(say|state|record) your name\\b',
  "\\b(person|party|subscriber|customer|number) (that )?you('re| are|'ve| have) (calling|called|dialed|dialled|trying|reached)\\b",
  "\\b(can't|cannot|can not|unable to|not available to) (come to the phone|take your call|answer your call)\\b",
  '\\b(this|your) call (is|will be|may be) (recorded|monitored|forwarded|answered|important)\\b',
].map((pattern) => new RegExp(pattern, 'i'));

/** Whether an agent recognised in mid-call that a machine answered. */
export function hearsVoicemail(event: VoiceCallEvent): boolean {
  if (event.type === 'end-requested') return event.reason === VOICEMAIL;
  if (event.type !== 'note') return false;
  const { name, data } = event;
  if (name === 'intent') return data['intent'] === VOICEMAIL;
  return name === 'tool' && data['tool'] === 'end_call' && reasonOf(data) === VOICEMAIL;
}

/**
 * Who answered an outbound call, by what was said in it; null: that is not known. A person is one
 * who spoke once the agent had been heard, none of whose words are those of a recording.
 */
export function answererOf(report: Pick<CallReport, 'turns' | 'outcome'>): string | null {
  const { outcome, intents, end_reason: endReason } = report.outcome;
  const recognised =
    outcome === VOICEMAIL ||
    endReason === VOICEMAIL ||
    (Array.isArray(intents) && intents.includes(VOICEMAIL));
  if (recognised) return VOICEMAIL;
  return isConversation(report.turns) ? 'human' : null;
}

function isConversation(turns: readonly TurnRecord[]): boolean {
  const heard = turns.filter(({ speaker, text }) => speaker === 'agent' && text !== '');
  const agentHeardMs = Math.min(...heard.map(({ endedMs }) => endedMs));
  const said = turns.filter(({ speaker, text }) => speaker === 'caller' && /\p{L}/u.test(text));
  return (
    said.some(({ startedMs }) => startedMs >= agentHeardMs) &&
    !said.some(({ text }) => RECORDED_WORDS.some((pattern) => pattern.test(text)))
  );
}

function reasonOf(data: Readonly<Record<string, unknown>>): unknown {
  const args = data['arguments'];
  return typeof args === 'object' && args !== null ? (args as { reason?: unknown }).reason : null;
}
