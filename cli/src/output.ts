import type { WriteStream } from 'node:tty';

/** Where a command prints. */
export interface Output {
  line(text: string): void;
  /** A first column, then text in lines that fit, each under the first one's beginning. */
  row(first: string, text: string): void;
  /** A line that the next one replaces; null takes it away. Nothing where the output is no terminal. */
  interim(text: string | null): void;
  bold(text: string): string;
  dim(text: string): string;
  yellow(text: string): string;
}

const CLEAR_LINE = '\r\u001b[2K';
const DEFAULT_COLUMNS = 80;
const MIN_TEXT_CHARS = 20;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g;
// oxlint-disable-next-line no-control-regex -- ESC begins a colour.
const COLOUR = /\u001b\[\d+m/g;

/** Plain text into a pipe; colours and a growing line on a terminal. */
export function createOutput(stream: WriteStream, noColor: boolean): Output {
  const terminal = stream.isTTY;
  const columns = (): number => (terminal && stream.columns) || DEFAULT_COLUMNS;
  const colour = (code: string, text: string): string =>
    terminal && !noColor ? `\u001b[${code}m${text}\u001b[0m` : text;
  let hasInterim = false;
  const clear = (): void => {
    if (hasInterim) stream.write(CLEAR_LINE);
    hasInterim = false;
  };
  const line = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    line,
    row(first, text) {
      const indent = first.replaceAll(COLOUR, '').length;
      const lines = wrap(text, Math.max(MIN_TEXT_CHARS, columns() - indent));
      lines.forEach((part, index) => line((index === 0 ? first : ' '.repeat(indent)) + part));
    },
    interim(text) {
      if (!terminal) return;
      clear();
      if (text === null) return;
      // The end of what is being said is what is new.
      const width = Math.max(MIN_TEXT_CHARS, columns() - 1);
      stream.write(text.length <= width ? text : `...${text.slice(3 - width)}`);
      hasInterim = true;
    },
    bold: (text) => colour('1', text),
    dim: (text) => colour('2', text),
    yellow: (text) => colour('33', text),
  };
}

/** What came from the far end or a carrier must not steer the terminal. */
export function plain(text: unknown): string {
  return String(text).replaceAll(CONTROL, ' ');
}

/** Lines of whole words; a word that is longer than a line has one for itself. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && longer.replaceAll(COLOUR, '').length > width) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  return [...lines, current];
}
