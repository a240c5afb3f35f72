/**
 * Words that mean the same on the telephone. A concept is no intent: it lets an example with one
 * word of a line match a caller who uses another.
 */
const CONCEPT_WORDS: Readonly<Record<string, string>> = {
  yes: 'yes yeah yep yup yah ya yea aye sure ok okay correct right absolutely definitely certainly fine perfect great alright good confirm confirmed indeed exactly agreed totally true sounds works work',
  no: 'no nope nah negative',
  cancel: 'cancel canceled cancelled cancellation cancelling canceling scrap',
  move: 'reschedule rescheduled rescheduling move change shift postpone push delay switch rebook another different later earlier instead sooner',
  repeat: 'repeat again pardon hear heard catch caught louder slower say said',
  human:
    'human person people someone somebody operator representative receptionist staff manager talk speak transfer',
  stop: 'stop remove unsubscribe quit harassing bothering list',
  identity: 'who whom whose company calling',
  wrong: 'wrong mistaken incorrect',
  bye: 'bye goodbye farewell cheerio',
  thanks: 'thanks thank appreciate cheers thankful',
  when: 'monday tuesday wednesday thursday friday saturday sunday tomorrow today tonight morning afternoon evening noon week weekend day time month oclock when hour date',
  price: 'cost costs price much expensive fee fees charge charges pay payment',
  place: 'where address located location directions street parking',
  hold: 'wait hold minute second moment',
  machine: 'robot machine bot ai computer recording automated',
  go: 'make come attend be there show',
  unable: 'unable unavailable busy conflict sick ill away',
};

const PHRASES: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:of course|you bet|by all means|go ahead|why not|no problem|not a problem|no worries|that is it)\b/g,
    'yes',
  ],
  [
    /\b(?:will|can|could) do\b|\bsee you then\b|\bi will be there\b|\bcount me in\b|\b(?:am|are|is) still (?:good|on|coming)\b/g,
    'yes',
  ],
  [
    /\b(?:call|calling) (?:it |this |that |the appointment |the whole thing )?off\b|\bget rid of\b|\b(?:do|does) not need (?:it|the appointment|this|that) (?:anymore|any more|any longer)\b/g,
    'cancel',
  ],
  [
    /\bput (?:it |this )?off\b|\b(?:some|an)other (?:time|day)\b|\bnot then but\b|\bbring (?:it )?forward\b/g,
    'move when',
  ],
  [
    /\bcome again\b|\bone more time\b|\bonce more\b|\bwhat was that\b|\bsay what\b|\bexcuse me\b|\bwhat did you say\b/g,
    'repeat',
  ],
  [
    /\b(?:did|could|can|do) not (?:quite |really )?(?:hear|catch|get|understand|follow|make out)\b(?: (?:that|you|it|what))?/g,
    'repeat',
  ],
  [
    /\b(?:will|would|can|could|am|are|do) not (?:going to )?(?:be able to )?(?:make it|come|attend|be there|make that|be coming|be available|available|show up|able)\b/g,
    'unable',
  ],
  [
    /\b(?:am|will be) (?:out of town|on vacation|on holiday|at work|traveling|travelling)\b|\bsomething came up\b/g,
    'unable',
  ],
  [
    /\b(?:do|does) not work\b(?: for me)?|\bnot (?:good|convenient|possible|suitable)\b/g,
    'no unable',
  ],
  [/\b(?:real|live|actual) (?:person|human|agent)\b|\bcustomer service\b|\bfront desk\b/g, 'human'],
  [
    /\btake me off\b|\b(?:do not|never|stop) (?:ever )?(?:call|calling|phone|phoning|ring|contact|contacting)\b|\bleave me alone\b|\bnot interested\b/g,
    'stop call',
  ],
  [
    /\b(?:no one|nobody|no body|noone|no) (?:here |one |body )?(?:by|with|of|called) (?:that|this) name\b|\b(?:do|does) not (?:live|work) here\b|\bno such person\b|\bnever heard of\b/g,
    'wrong',
  ],
  [
    /\b(?:am|is) not (?:him|her|he|she|that person|the (?:right )?person|[a-z]+ [a-z]+son)\b|\bnot the (?:right )?(?:person|number)\b/g,
    'wrong',
  ],
  [
    /\b(?:who|what) (?:is|am|are) (?:this|it|calling|speaking|i (?:speaking|talking)|you)\b|\bwhere (?:are|is) (?:you|this) calling\b|\bwhat (?:company|is this about|is this regarding)\b/g,
    'identity',
  ],
  [
    /\bhave a (?:good|nice|great) (?:day|one|evening|night|weekend)\b|\bsee you\b|\btalk to you later\b|\bgood night\b|\btake care\b/g,
    'bye',
  ],
  [/\b(?:hang|hold) on\b|\b(?:one|a|give me a) (?:sec|second|minute|moment)\b/g, 'hold'],
];

const CONCEPT_OF_WORD: ReadonlyMap<string, string> = new Map(
  Object.entries(CONCEPT_WORDS).flatMap(([concept, words]) =>
    words.split(' ').map((word) => [word, concept] as const),
  ),
);

/** The concept that a word stands for. */
export function conceptOf(word: string): string | undefined {
  return CONCEPT_OF_WORD.get(word);
}

/** Takes the phrases that stand for concepts out of a normalised text. */
export function takePhrases(text: string): { concepts: string[]; rest: string } {
  const concepts: string[] = [];
  let rest = text;
  for (const [pattern, names] of PHRASES) {
    rest = rest.replace(pattern, () => {
      concepts.push(...names.split(' '));
      return ' ; ';
    });
  }
  return { concepts, rest };
}
