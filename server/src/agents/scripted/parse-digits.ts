import { DIGIT_WORDS, plainWords, teenOf, tenOf, unitOf } from './number-words.ts';

/** What a recogniser writes when it hears a digit as a word. */
const HOMOPHONES: Readonly<Record<string, string>> = {
  to: '2',
  too: '2',
  for: '4',
  ate: '8',
  won: '1',
  tree: '3',
  sex: '6',
};

const MAX_DIGITS = 40;

/**
 * Digits as people say them: `five five five oh one`, `double seven`, `twenty three`, `555-0147`.
 * Words that are no numbers are passed over. Null: no digits, or not `length` of them.
 */
export function parseDigits(text: string, length?: number): string | null {
  const strict = readDigits(text, false);
  if (fits(strict, length)) return strict;
  if (length === undefined) return null;
  // Only a known length tells a digit "for" from the word.
  const lenient = readDigits(text, true);
  return fits(lenient, length) ? lenient : null;
}

/** `five five five, zero one four seven`: how digits are read back. */
export function speakDigits(digits: string): string {
  const words = Array.from(digits, (digit) => DIGIT_WORDS[Number(digit)] ?? digit);
  const groups: string[] = [];
  const groupSize = words.length > 4 ? 3 : 4;
  for (let i = 0; i < words.length; i += groupSize) {
    // A last digit alone sounds like an afterthought: it joins the group before.
    const rest = words.length - i;
    const size = rest === groupSize + 1 ? rest : groupSize;
    groups.push(words.slice(i, i + size).join(' '));
    if (size === rest) break;
  }
  return groups.join(', ');
}

function fits(digits: string, length: number | undefined): boolean {
  if (digits === '' || digits.length > MAX_DIGITS) return false;
  return length === undefined || digits.length === length;
}

function readDigits(text: string, homophones: boolean): string {
  const words = plainWords(text);
  let digits = '';
  let times = 1;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === 'double' || word === 'triple') {
      times = word === 'double' ? 2 : 3;
      continue;
    }
    let read = readWord(word, homophones);
    const ten = tenOf(word);
    if (ten !== null) {
      const unit = unitOf(words[i + 1] ?? '');
      if (unit !== null && unit > 0) i++;
      read = String(ten + (unit ?? 0));
    } else if (words[i + 1] === 'hundred' && read.length === 1) {
      i++;
      read = `${read}00`;
    }
    if (read === '') continue;
    digits += read.charAt(0).repeat(times - 1) + read;
    times = 1;
  }
  return digits;
}

function readWord(word: string, homophones: boolean): string {
  const unit = unitOf(word) ?? teenOf(word);
  if (unit !== null) return String(unit);
  if (word === 'oh' || word === 'o' || word === 'nought' || word === 'naught') return '0';
  if (homophones && Object.hasOwn(HOMOPHONES, word)) return HOMOPHONES[word] ?? '';
  return /^[0-9#*+:/]+$/.test(word) ? word.replaceAll(/[^0-9]/g, '') : '';
}
