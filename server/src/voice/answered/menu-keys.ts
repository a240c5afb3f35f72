/** What to press when the menu offers something. */
export interface MenuRule {
  /** Words of the menu, such as `billing`. */
  heard: string;
  /** Keys; null: those that the menu names for it. */
  press: string | null;
}

/** One thing that a menu offers. */
export interface MenuOption {
  key: string;
  what: string;
}

const KEY_WORDS: Readonly<Record<string, string>> = {
  zero: '0',
  oh: '0',
  one: '1',
  two: '2',
  to: '2',
  too: '2',
  three: '3',
  four: '4',
  for: '4',
  five: '5',
  six: '6',
  seven: '7',
  eight: '8',
  nine: '9',
  star: '*',
  pound: '#',
  hash: '#',
};
const KEY = `(\\d|${Object.keys(KEY_WORDS).join('|')})`;
const PRESS =
  '(?:press|dial|push|hit|enter|select|say)(?: or (?:press|say))?(?: the)?(?: number| key)?';
/** "For billing, press 2", "to reach an operator press 0". */
const WHAT_FIRST = new RegExp(
  `\\b(?:for|to|if you)\\b((?:(?!\\b(?:press|dial|push|hit)\\b)[^.;])+?)[, ]+(?:please )?${PRESS} ${KEY}(?![a-z])`,
  'gi',
);
/** "Press 2 for billing". */
const KEY_FIRST = new RegExp(
  `\\b${PRESS} ${KEY},? (?:for|to|if)\\b((?:(?!\\b(?:press|dial|push|hit)\\b)[^.;,])+)`,
  'gi',
);

/** What the menu offers, in its order. */
export function menuOptions(text: string): MenuOption[] {
  const whatFirst = Array.from(text.matchAll(WHAT_FIRST), (match) => optionOf(match[2], match[1]));
  const keyFirst = Array.from(text.matchAll(KEY_FIRST), (match) => optionOf(match[1], match[2]));
  // A menu keeps to one order; read in the other one, its options run into each other.
  return keyFirst.length > whatFirst.length ? keyFirst : whatFirst;
}

function optionOf(key = '', what = ''): MenuOption {
  return { key: keyOf(key), what: wordsOf(what).join(' ') };
}

/**
 * The keys that the first rule gives whose words the menu says; null: none. A rule that names no
 * key waits until the menu has named it.
 */
export function keysFor(text: string, rules: readonly MenuRule[]): string | null {
  const said = ` ${wordsOf(text).join(' ')} `;
  for (const { heard, press } of rules) {
    const wanted = wordsOf(heard).join(' ');
    if (wanted === '' || !said.includes(` ${wanted} `)) continue;
    if (press !== null) return press;
    const option = menuOptions(text).find(({ what }) => ` ${what} `.includes(` ${wanted} `));
    if (option) return option.key;
  }
  return null;
}

function keyOf(word: string): string {
  return KEY_WORDS[word.toLowerCase()] ?? word;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}
