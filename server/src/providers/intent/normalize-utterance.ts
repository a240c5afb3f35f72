/** Spoken short forms; the longer come first where one contains another. */
const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\bcan'?t\b|\bcannot\b/g, 'can not'],
  [/\bwon'?t\b/g, 'will not'],
  [/\bshan't\b/g, 'shall not'],
  [/\bain'?t\b/g, 'is not'],
  [/\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need)n'?t\b/g, '$1 not'],
  [/\blet's\b/g, 'let us'],
  [/\b(i)'m\b|\bim\b/g, 'i am'],
  [/\b(it|that|this|what|who|where|when|how|there|here|he|she)'s\b/g, '$1 is'],
  [/\bthats\b/g, 'that is'],
  [/\bwhos\b/g, 'who is'],
  [/\bwhats\b/g, 'what is'],
  [/\b(i|you|we|they|he|she|it|that)'ll\b/g, '$1 will'],
  [/\b(i|you|we|they|he|she|it|that)'d\b/g, '$1 would'],
  [/\b(i|you|we|they)'ve\b/g, '$1 have'],
  [/\b(you|we|they)'re\b/g, '$1 are'],
  [/\bgonna\b/g, 'going to'],
  [/\bwanna\b/g, 'want to'],
  [/\bgotta\b/g, 'have to'],
  [/\blemme\b/g, 'let me'],
  [/\bgimme\b/g, 'give me'],
  [/\bdunno\b/g, 'do not know'],
  [/\by'?all\b/g, 'you'],
];

/** Sounds of hesitation, said without meaning. */
const FILLERS =
  /\b(?:um+|uh(?![ -]?huh)|er+m*|hm+|ah+|oh|well|like i said|you know|i mean|i guess|actually|basically|just|please|kindly)\b/g;

/**
 * Lower case, contractions spelled out, hesitation and punctuation gone; `,` stands where a
 * clause ends, because negation does not reach beyond it.
 */
export function normalizeUtterance(text: string): string {
  let normal = text.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '').replace(/[‘’`]/g, "'");
  for (const [pattern, long] of CONTRACTIONS) normal = normal.replace(pattern, long);
  return normal
    .replace(/\bmm+[ -]?hmm*\b|\buh[ -]?huh\b/g, 'yes')
    .replace(FILLERS, ' ')
    .replace(/\bo'clock\b/g, 'oclock')
    .replace(/'s?\b/g, '')
    .replace(/[.,;:!?]+/g, ' , ')
    .replace(/[^a-z0-9, ]+/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/,(?: ,)+/g, ',')
    .replace(/^(?: ?, ?)+|(?: ?, ?)+$/g, '')
    .trim();
}
