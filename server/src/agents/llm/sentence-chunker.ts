/** The first piece of a reply may be a clause, so that speech begins early. */
const FIRST_CLAUSE_MIN_CHARS = 25;
/** Without any boundary in this many characters a piece is cut at a space. */
const MAX_CHUNK_CHARS = 300;

const ABBREVIATIONS = new Set(
  'dr mr mrs ms prof st ave rd no vs etc approx dept inc ltd jr sr e.g i.e a.m p.m u.s fig mt'.split(
    ' ',
  ),
);

/** Cuts a stream of text into sentences that can be spoken, free of markup. */
export class SentenceChunker {
  readonly #firstClauseEarly: boolean;
  #text = '';
  #emitted = false;

  /** @param firstClauseEarly whether the first piece may end at a comma. Default true. */
  constructor(options: { firstClauseEarly?: boolean } = {}) {
    this.#firstClauseEarly = options.firstClauseEarly ?? true;
  }

  /** Adds text; returns the pieces that are complete. */
  push(delta: string): string[] {
    this.#text += delta;
    const pieces: string[] = [];
    for (;;) {
      const end = this.#boundary();
      if (end === null) return pieces;
      this.#take(end, pieces);
    }
  }

  /** The text has ended: what is left, if anything can be spoken. */
  flush(): string[] {
    const pieces: string[] = [];
    this.#take(this.#text.length, pieces);
    return pieces;
  }

  #take(end: number, pieces: string[]): void {
    const spoken = speakable(this.#text.slice(0, end));
    this.#text = this.#text.slice(end);
    if (spoken === '') return;
    pieces.push(spoken);
    this.#emitted = true;
  }

  #boundary(): number | null {
    const text = this.#text;
    for (let i = 0; i < text.length; i++) {
      const char = text.charAt(i);
      if (char === '\n') return i + 1;
      // The character after decides ("3.5", "..."): without it the piece is not complete yet.
      const end = endOfMarks(text, i);
      if (end === null) break;
      if (end > i && isSentenceEnd(text, i, end)) return end;
      const early = this.#firstClauseEarly && !this.#emitted;
      if (early && i + 1 >= FIRST_CLAUSE_MIN_CHARS && isClauseEnd(text, i)) return i + 1;
    }
    if (text.length <= MAX_CHUNK_CHARS) return null;
    const space = text.lastIndexOf(' ', MAX_CHUNK_CHARS);
    return space > 0 ? space + 1 : MAX_CHUNK_CHARS;
  }
}

/** The sentences of a text that is known as a whole. */
export function splitSentences(text: string): string[] {
  const chunker = new SentenceChunker({ firstClauseEarly: false });
  return [...chunker.push(text), ...chunker.flush()];
}

/**
 * Index after the sentence marks and closing quotes that begin at `at`; `at` itself: none there;
 * null: the text ends in them, more may come.
 */
function endOfMarks(text: string, at: number): number | null {
  if (!/[.!?\u2026]/.test(text.charAt(at))) return at;
  let end = at;
  while (end < text.length && /[.!?\u2026"')\]*_\u201d\u2019]/.test(text.charAt(end))) end++;
  return end < text.length ? end : null;
}

function isSentenceEnd(text: string, at: number, end: number): boolean {
  if (!/\s/.test(text.charAt(end))) return false;
  if (text.charAt(at) !== '.' || end > at + 1) return true;
  const word = /[\p{L}\p{N}.]*$/u.exec(text.slice(0, at))?.[0] ?? '';
  if (ABBREVIATIONS.has(word.toLowerCase())) return false;
  // An initial ("J. Smith") or the number of a list item ("1. First").
  return !/^(\p{Lu}|\d{1,2})$/u.test(word) || (/^\d/.test(word) && !startsLine(text, at, word));
}

function startsLine(text: string, at: number, word: string): boolean {
  const before = text.slice(0, at - word.length);
  return before.trimEnd() === '' || before.endsWith('\n');
}

function isClauseEnd(text: string, at: number): boolean {
  return /[,;:\u2014]/.test(text.charAt(at)) && /\s/.test(text.charAt(at + 1));
}

/** Text as it can be read aloud: no markdown, links, emojis or control characters. */
export function speakable(text: string): string {
  const plain = text
    .replaceAll(/!?\[([^\]]{0,300})\]\([^)]{0,500}\)/g, '$1')
    .replaceAll(/^\s{0,8}(?:#{1,6}|[-*+\u2022]|>|\d{1,2}[.)])\s+/gm, '')
    .replaceAll(/[*_~`]{1,3}/g, '')
    .replaceAll(
      /\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\p{Variation_Selector}|\u20E3|\u200D/gu,
      '',
    )
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ([,.!?;:])/g, '$1')
    .trim();
  return /[\p{L}\p{N}]/u.test(plain) ? plain : '';
}
