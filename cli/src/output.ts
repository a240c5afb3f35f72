import type { WriteStream } from 'node:tty';

/** Where a command prints. */
export interface Output {
  line(text: string): void;
  /** A line that the next one replaces; null takes it away. Nothing where the output is no terminal. */
  interim(text: string | null): void;
  bold(text: string): string;
  dim(text: string): string;
  yellow(text: string): string;
}

const CLEAR_LINE = '\r\u001b[2K';

/** Plain text into a pipe; colours and a growing line on a terminal. */
export function createOutput(stream: WriteStream, noColor: boolean): Output {
  const terminal = stream.isTTY === true;
  const colour = (code: string, text: string): string =>
    terminal && !noColor ? `\u001b[${code}m${text}\u001b[0m` : text;
  let hasInterim = false;
  const clear = (): void => {
    if (hasInterim) stream.write(CLEAR_LINE);
    hasInterim = false;
  };
  return {
    line(text) {
      clear();
      stream.write(`${text}\n`);
    },
    interim(text) {
      if (!terminal) return;
      clear();
      if (text === null) return;
      stream.write(text.slice(0, Math.max(20, stream.columns - 1)));
      hasInterim = true;
    },
    bold: (text) => colour('1', text),
    dim: (text) => colour('2', text),
    yellow: (text) => colour('33', text),
  };
}
