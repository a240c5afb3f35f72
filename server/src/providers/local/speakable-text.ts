/** Symbols that a voice of ASCII English skips or spells. */
const SYMBOLS: readonly (readonly [RegExp, string])[] = [
  [/[‘’‚‛]/g, "'"],
  [/[“”„«»]/g, '"'],
  [/[–—]/g, ', '],
  [/…/g, '. '],
  [/(\d)\s*%/g, '$1 percent'],
  [/€\s*(\d[\d,.]*)/g, '$1 euros'],
  [/£\s*(\d[\d,.]*)/g, '$1 pounds'],
  [/₹\s*(\d[\d,.]*)/g, '$1 rupees'],
  [/(\d)\s*°\s*([CF])\b/g, '$1 degrees $2'],
  [/°/g, ' degrees'],
  [/&/g, ' and '],
  [/#\s*(\d)/g, 'number $1'],
  [/(?<=\d)\s*\+\s*(?=\d)/g, ' plus '],
  [/(?<=^|\s)\+(?=\d)/g, 'plus '],
  [/(?<=\d)\s*=\s*(?=\d)/g, ' equals '],
  [/(\w)\/(\w)/g, '$1 slash $2'],
];

const EMAIL = /[\w.%+-]+@[\w-]+(?:\.[\w-]+)+/g;
const WEB_ADDRESS =
  /\b(?:https?:\/\/)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|co|in|dev|app|gov|edu|uk|de))\b(\/[^\s]*)?/gi;

/** What has no decomposition into a letter and an accent. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  Ø: 'O',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ı: 'i',
  þ: 'th',
  ð: 'd',
};

/**
 * Text that an English ASCII voice reads well: addresses spoken with "at" and "dot", symbols as
 * words, letters without accents, markup and everything else beyond ASCII gone. Prices, times,
 * dates and abbreviations are left alone: the voice knows them.
 */
export function speakableText(text: string): string {
  let spoken = text.normalize('NFC').replace(EMAIL, spellAddress).replace(WEB_ADDRESS, spellSite);
  for (const [pattern, words] of SYMBOLS) spoken = spoken.replace(pattern, words);
  spoken = spoken
    .replace(/[ßøØæÆœŒłŁđĐıþð]/g, (letter) => LETTERS[letter] ?? '')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    // Markup of chat models would be read as "asterisk".
    .replace(/[*_`~^|<>{}[\]\\]/g, ' ')
    // oxlint-disable-next-line no-control-regex -- the printable range.
    .replace(/[^\x20-\x7e]/g, ' ');
  return spoken
    .replace(/\s+/g, ' ')
    .replace(/\s+([,.!?;:])/g, '$1')
    .trim();
}

function spellAddress(address: string): string {
  return address
    .replace(/@/g, ' at ')
    .replace(/\./g, ' dot ')
    .replace(/_/g, ' underscore ')
    .replace(/-/g, ' dash ')
    .replace(/\+/g, ' plus ');
}

function spellSite(_whole: string, host: string, path: string | undefined): string {
  const tail = path === undefined || path === '/' ? '' : path.replace(/\//g, ' slash ');
  return `${host.replace(/\./g, ' dot ').replace(/-/g, ' dash ')}${tail}`;
}
