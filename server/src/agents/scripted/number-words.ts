const UNITS: Readonly<Record<string, number>> = {
  zero: 0,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
};

const TEENS: Readonly<Record<string, number>> = {
  ten: 10,
  eleven: 11,
  twelve: 12,
  thirteen: 13,
  fourteen: 14,
  fifteen: 15,
  sixteen: 16,
  seventeen: 17,
  eighteen: 18,
  nineteen: 19,
};

const TENS: Readonly<Record<string, number>> = {
  twenty: 20,
  thirty: 30,
  forty: 40,
  fourty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
};

export const DIGIT_WORDS = Object.keys(UNITS);

/** 0 to 9, else null. */
export function unitOf(word: string): number | null {
  return Object.hasOwn(UNITS, word) ? (UNITS[word] ?? null) : null;
}

/** 10 to 19, else null. */
export function teenOf(word: string): number | null {
  return Object.hasOwn(TEENS, word) ? (TEENS[word] ?? null) : null;
}

/** 20, 30 ... 90, else null. */
export function tenOf(word: string): number | null {
  return Object.hasOwn(TENS, word) ? (TENS[word] ?? null) : null;
}

/** Lower case, words separated by one space, plain apostrophes; commas and full stops gone. */
export function plainWords(text: string): string[] {
  return text
    .slice(0, 2_000)
    .toLowerCase()
    .replaceAll('\u2019', "'")
    .replaceAll(/[^\p{L}\p{N}':#*+/]+/gu, ' ')
    .split(' ')
    .filter((word) => word !== '');
}
