/** What the virtual phone of a number does. */
export type PhoneBehaviour =
  | 'dashboard'
  | 'person'
  | 'busy'
  | 'no-answer'
  | 'voicemail'
  | 'declines'
  | 'unknown-number'
  | 'overloaded'
  | 'ivr'
  | 'call-screening'
  | 'echo'
  | 'silent'
  | 'no-audio'
  | 'interrupts'
  | 'hangs-up'
  | 'holds';

const PHONE_BOOK: Readonly<Record<string, PhoneBehaviour>> = {
  '+15005550100': 'dashboard',
  '+15005550101': 'person',
  '+15005550102': 'busy',
  '+15005550103': 'no-answer',
  '+15005550104': 'voicemail',
  '+15005550105': 'declines',
  '+15005550106': 'unknown-number',
  '+15005550107': 'overloaded',
  '+15005550108': 'ivr',
  '+15005550109': 'call-screening',
  '+15005550110': 'echo',
  '+15005550111': 'silent',
  '+15005550112': 'no-audio',
  '+15005550113': 'interrupts',
  '+15005550114': 'hangs-up',
  '+15005550115': 'holds',
};

/** The behaviour of a dialled number; whoever is not in the book is an ordinary person. */
export function behaviourOf(dialledNumber: string): PhoneBehaviour {
  return PHONE_BOOK[dialledNumber] ?? 'person';
}
