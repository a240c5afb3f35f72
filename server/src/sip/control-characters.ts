import { closingQuote } from './quoted-string.ts';

// C0 but HTAB and line breaks, and DEL. RFC 3261 §25.1 has none of them in TEXT-UTF8-TRIM; what lies
// above ASCII is UTF8-NONASCII and may stand.
const CONTROL = /[^\P{Cc}\t\r\n\u0080-\u009f]/u;
const CONTROLS = new RegExp(CONTROL, 'gu');
const ESCAPED_CONTROLS = new RegExp(String.raw`\\(?:(${CONTROL.source})|([\s\S]))`, 'gu');

/** Whether the text holds a control character other than HTAB and line breaks. */
export function hasControls(text: string): boolean {
  return CONTROL.test(text);
}

/** The text without its control characters; HTAB and line breaks stay. */
export function stripControls(text: string): string {
  return text.replace(CONTROLS, '');
}

/**
 * The text without those control characters that stand escaped in quoted strings, where RFC 3261
 * §25.1 (quoted-pair) allows even NUL: nothing above can print, store or log them.
 */
export function dropEscapedControls(text: string): string {
  let result = '';
  let from = 0;
  for (;;) {
    const open = text.indexOf('"', from);
    const close = open < 0 ? -1 : closingQuote(text, open);
    if (close < 0) return result + text.slice(from);
    const quoted = text.slice(open, close);
    result += text.slice(from, open) + quoted.replace(ESCAPED_CONTROLS, keepPlainPair) + '"';
    from = close + 1;
  }
}

function keepPlainPair(pair: string, control: string | undefined): string {
  return control === undefined ? pair : '';
}
