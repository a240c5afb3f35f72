const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** Whether the text is a `token` (RFC 3261 §25.1). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Puts text into quotes, with `"` and `\` escaped (RFC 3261 §25.1, quoted-string). */
export function quoteString(text: string): string {
  return `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;
}

/** The text of a quoted-string, or the text as it is where it has no quotes. */
export function unquoteString(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** Index of the quote that closes the one at `open`; -1 where there is none. */
export function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) return at;
  }
  return -1;
}
