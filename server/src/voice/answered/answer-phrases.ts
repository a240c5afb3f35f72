/** Who takes a call. */
export const ANSWERERS = [
  'human',
  'voicemail',
  'ivr',
  'call-screening',
  'unavailable',
  'fax',
  'unknown',
] as const;

export type Answerer = (typeof ANSWERERS)[number];

/** What the words of the far end say about it. */
export interface PhraseMatch {
  answeredBy: Exclude<Answerer, 'human' | 'fax' | 'unknown'>;
  /** Names of the rules that matched, the most telling first. */
  rules: string[];
  /** Of the first rule. */
  words: string;
  /** No person says so in a conversation. */
  conclusive: boolean;
}

interface Rule {
  name: string;
  pattern: RegExp;
  /** Said by people as well: believed of the first words of a call only. */
  soft?: boolean;
}

const KEY =
  '(?:\\d|zero|one|two|to|three|four|for|five|six|seven|eight|nine|star|pound|hash|the pound)';
/** What a recogniser makes of "reached": the article and the end are often lost. */
const REACHED =
  "(?:you(?:'ve| have|'re| are)? (?:reach|reached|called|ridge|reaching)|forwarded to)";

const rule = (name: string, pattern: string, soft = false): Rule => ({
  name,
  pattern: new RegExp(pattern, 'i'),
  soft,
});

const SCREENING: readonly Rule[] = [
  rule(
    'screening',
    '\\b(?:call )?screening (?:assistant|service|this call|your call|call)\\b|\\bscreening calls?\\b|\\bcall screening\\b',
  ),
  rule(
    'name-and-reason',
    '\\b(?:say|state|record|give|tell me|leave) your name\\b.{0,40}\\b(?:reason|why|purpose|about|calling)\\b',
  ),
  rule(
    'reason-for-calling',
    '\\b(?:your|the) (?:reason|purpose) (?:for|of) (?:your |the |this )?call(?:ing)?\\b',
  ),
  rule(
    'see-if-available',
    "\\b(?:see|check|find out) (?:if|whether) (?:they|he|she|this person|the person|[a-z]+) (?:is|are|'s|'re) available\\b",
  ),
  rule(
    'assistant-answers',
    '\\b(?:truecaller|virtual|digital|automated|google|ai) assistant\\b.{0,60}\\b(?:who|why|name|calling)\\b',
  ),
  rule(
    'person-uses-assistant',
    '\\b(?:person|number|party)\\b.{0,30}\\b(?:call|calling|called|reach|dialed)\\b.{0,30}\\b(?:using|uses) (?:a|an|the)?\\b',
  ),
];

const VOICEMAIL: readonly Rule[] = [
  rule(
    'mailbox-full',
    '\\b(?:mail ?box|voice ?mail)\\b.{0,40}\\b(?:full|not (?:been )?set ?up|has not been|cannot (?:accept|receive|take))\\b',
  ),
  rule(
    'after-the-tone',
    '\\b(?:after|at|following|wait for) (?:the |a |this )?(?:tone|beep|signal|town|tongue)\\b',
  ),
  rule(
    'leave-a-message',
    '\\bleave (?:me |us |him |her |them )?(?:(?:a|your|the|you) )?(?:(?:short|brief|detailed|quick|voice) )?(?:message|messages|voice ?mail)\\b',
  ),
  rule(
    'leave-name-and-number',
    '\\bleave (?:me |us )?(?:your )?name\\b.{0,40}\\b(?:number|message|call)\\b',
  ),
  rule('record-a-message', '\\brecord (?:your|a) (?:message|voice)\\b'),
  rule(
    'reached-a-mailbox',
    `\\b${REACHED} .{0,60}\\b(?:voice ?mail|voice mail|mail ?box|answering (?:machine|service)|voice messag\\w+)\\b`,
  ),
  rule(
    'voice-messaging',
    '\\b(?:automatic|automated) voice ?(?:messag\\w+|mail)\\b|\\bvoice messag(?:e|ing) system\\b|\\banswering machine\\b',
  ),
  rule('voicemail', '\\bvoice ?mail\\b|\\bmail ?box\\b'),
  rule(
    'cannot-take-your-call',
    "\\b(?:can(?:'t|not| not)|unable to|not able to|not available to) (?:come|get|take|answer|pick) (?:to|up|your|the|this)\\b.{0,20}\\b(?:phone|call)\\b",
    true,
  ),
  rule(
    'call-you-back',
    "\\b(?:i|we)(?:'ll| will| shall) (?:get back to|call|return)\\b.{0,20}\\b(?:you|your call)\\b.{0,20}\\b(?:back|as soon as|soon|possible|can)\\b",
    true,
  ),
  rule(
    'away-from-the-phone',
    "\\b(?:i'm|i am|we're|we are)\\b.{0,12}\\b(?:away from|not at|not available|unavailable|not in the office|out of the office)\\b",
    true,
  ),
];

const IVR: readonly Rule[] = [
  rule('press-a-key', `\\b(?:press|dial|push|enter|hit) (?:the )?(?:number |key )?${KEY}\\b`),
  rule(
    'menu-options',
    '\\b(?:menu|following) options\\b|\\boptions have (?:recently )?changed\\b|\\bmain menu\\b|\\blisten (?:carefully|closely)\\b',
  ),
  rule(
    'say-or-press',
    '\\b(?:say|press) or (?:say|press)\\b|\\busing your (?:keypad|telephone keypad|touch)\\b',
  ),
  rule('enter-number', '\\benter your\\b.{0,40}\\b(?:number|digits?|pin|code|extension)\\b'),
  rule(
    'know-your-party',
    '\\bif you know (?:your|the) party|\\bextension (?:of|number)\\b.{0,40}\\b(?:dial|enter|press)\\b',
  ),
  rule(
    'call-may-be-recorded',
    '\\b(?:this|your) call (?:is|will|may) (?:be )?(?:being )?(?:recorded|monitored)\\b',
    true,
  ),
  rule(
    'call-is-important',
    '\\byour call is (?:very )?important\\b|\\ball (?:of )?(?:our )?(?:agents|representatives|operators|lines) are\\b',
  ),
];

const UNAVAILABLE: readonly Rule[] = [
  rule(
    'not-in-service',
    "\\b(?:number|line)\\b.{0,60}\\b(?:is|has been|isn't|are|was)\\b.{0,20}\\b(?:not in service|disconnected|no longer in service|out of service|not assigned|invalid|incorrect|does not exist)\\b",
  ),
  rule(
    'number-does-not-exist',
    '\\bnumber\\b.{0,40}\\bdoes not exist\\b|\\bcheck the number and (?:dial|try|call)\\b',
  ),
  rule(
    'cannot-be-completed',
    "\\b(?:your )?call (?:cannot|can not|could not|can't) be (?:completed|connected|put through)\\b|\\bas dialed\\b",
  ),
  rule(
    'switched-off',
    '\\b(?:number|person|customer|subscriber|party|phone|mobile)\\b.{0,60}\\b(?:switched off|turned off|out of (?:coverage|reach|range|the coverage)|not reachable|unreachable|not answering|busy)\\b',
  ),
  rule(
    'not-accepting-calls',
    '\\b(?:person|customer|subscriber|party|number)\\b.{0,50}\\b(?:not accepting|cannot (?:accept|receive|take)|is unable to (?:accept|receive))\\b.{0,12}\\bcalls?\\b',
  ),
  rule(
    'not-available-try-later',
    '\\b(?:person|customer|subscriber|party|number)\\b.{0,60}\\bnot available\\b.{0,60}\\b(?:try|call) (?:again|back|your call)\\b',
  ),
];

/** In order: the most particular first, for a mailbox also says that somebody is not available. */
const CLASSES: readonly (readonly [PhraseMatch['answeredBy'], readonly Rule[]])[] = [
  ['call-screening', SCREENING],
  ['voicemail', VOICEMAIL],
  ['ivr', IVR],
  ['unavailable', UNAVAILABLE],
];

/** "To leave a message, press 5" is a menu; "leave a message, then press 1" is a mailbox. */
const OFFERS_A_MAILBOX = new RegExp(
  `\\b(?:to |you (?:can|may) )leave (?:a |your )?(?:message|voice ?mail)[, ]+(?:please )?(?:press|dial) ${KEY}\\b|\\b(?:press|dial) ${KEY} (?:now )?(?:to|and) leave (?:a |your )?(?:message|voice ?mail)\\b`,
  'gi',
);

/** What the words said so far tell of who says them; null: they may be anybody's. English. */
export function matchPhrases(text: string): PhraseMatch | null {
  const normal = text.replaceAll('\u2019', "'").replaceAll(/[.,;:!?\s]+/g, ' ');
  const withoutOffers = normal.replaceAll(OFFERS_A_MAILBOX, ' press 1 ');
  let soft: PhraseMatch | null = null;
  for (const [answeredBy, rules] of CLASSES) {
    const found = rules.flatMap(({ name, pattern, soft: isSoft = false }) => {
      const words = pattern.exec(withoutOffers)?.[0].trim();
      return words === undefined ? [] : [{ name, words, isSoft }];
    });
    const [first] = found;
    if (!first) continue;
    const names = found.map(({ name }) => name);
    const conclusive = found.some(({ isSoft }) => !isSoft) || found.length > 1;
    const match = { answeredBy, rules: names, words: first.words, conclusive };
    if (conclusive) return match;
    soft ??= match;
  }
  return soft;
}

const GREETING_WORDS = new Set(
  "hello hi hey yes yeah yep ya speaking good morning afternoon evening who is this who's it's calling there what ok okay hallo".split(
    ' ',
  ),
);

/** Words with which people, and hardly any machine, begin: a greeting of one to four words, or a question to the caller. */
export function soundsLikePickingUp(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}']+/gu) ?? [];
  if (words.length === 0) return false;
  if (words.length <= 5 && words.every((word) => GREETING_WORDS.has(word))) return true;
  return /\b(?:who is (?:this|calling)|who's (?:this|calling|there)|how (?:can|may|could) i help|what can i do for you|(?:this is|it's) (?:he|she|him|her)|can i help you|can you hear me|anybody there)\b/i.test(
    text,
  );
}

const BEGINS_AS_PEOPLE_DO =
  /^(?:hello|hi|hey|yes|yeah|good (?:morning|afternoon|evening)|speaking|this is [a-z]+\W*$)(?![a-z])/i;
const MACHINE_MANNERS =
  /\b(?:you (?:pressed|entered|selected|said)|please (?:hold|wait|stay|press|say|try)|thank you for|one moment|connecting|transferring|goodbye|i did not|i didn't|invalid|not a valid)\b/i;
const MOST_WORDS_OF_A_GREETING = 16;

/** Whether words that come behind a machine are those of somebody who has picked up. */
export function soundsLikeSomebodyCame(text: string): boolean {
  const said = text.trim();
  if (said.split(/\s+/).length > MOST_WORDS_OF_A_GREETING) return false;
  if (matchPhrases(said) !== null || MACHINE_MANNERS.test(said)) return false;
  return soundsLikePickingUp(said) || BEGINS_AS_PEOPLE_DO.test(said) || /\bspeaking\b/i.test(said);
}

/** Rules whose words are also said by people, in the middle of a talk. */
const ALSO_IN_A_TALK = new Set([
  'leave-a-message',
  'leave-name-and-number',
  'voicemail',
  'reason-for-calling',
  'menu-options',
  'enter-number',
  'see-if-available',
]);

/** Whether words prove a machine although a person was believed to have answered. */
export function provesAMachine({
  conclusive,
  rules,
}: Pick<PhraseMatch, 'conclusive' | 'rules'>): boolean {
  return conclusive && (rules.length > 1 || rules.some((name) => !ALSO_IN_A_TALK.has(name)));
}
