import { closingQuote } from './quoted-string.ts';

/**
 * Splits the value of a field that may hold several (Via, Route, Record-Route, Contact) at the
 * commas that are in neither quotes nor angle brackets (RFC 3261 §7.3.1). Empty items are left out.
 */
export function splitHeaderValues(value: string): string[] {
  if (!value.includes(',')) {
    const only = value.trim();
    return only === '' ? [] : [only];
  }
  const items: string[] = [];
  let start = 0;
  let inBrackets = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (char === '"' && !inBrackets) {
      const close = closingQuote(value, at);
      // An unbalanced quote swallows the rest; the parser of the item refuses it.
      if (close < 0) break;
      at = close;
    } else if (char === '<') inBrackets = true;
    else if (char === '>') inBrackets = false;
    else if (char === ',' && !inBrackets) {
      items.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  items.push(value.slice(start).trim());
  return items.filter((item) => item !== '');
}
