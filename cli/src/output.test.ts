import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { createOutput, plain, wrap } from './output.ts';

/** A terminal of a width that keeps what is written. */
function terminal(columns: number): { stream: WriteStream; text: () => string } {
  let text = '';
  const stream = {
    isTTY: true,
    columns,
    write: (part: string) => {
      text += part;
      return true;
    },
  };
  return { stream: stream as unknown as WriteStream, text: () => text };
}

describe('output on a terminal', () => {
  it('lets a line grow on one line, shows its end, and clears it before the next', () => {
    const { stream, text } = terminal(24);
    const output = createOutput(stream, true);
    output.interim('caller: I would like to move my appointment');
    output.line('done');
    expect(text()).toBe('... move my appointment\r\u001b[2Kdone\n');
  });

  it('aligns under the text, not counting colours', () => {
    const { stream, text } = terminal(30);
    const output = createOutput(stream, false);
    output.row(output.dim('agent: '), 'one two three four five six seven');
    expect(text().split('\n')).toEqual([
      '\u001b[2magent: \u001b[0mone two three four five',
      '       six seven',
      '',
    ]);
  });

  it('has no colours where NO_COLOR is set', () => {
    expect(createOutput(terminal(80).stream, true).bold('x')).toBe('x');
    expect(createOutput(terminal(80).stream, false).bold('x')).toBe('\u001b[1mx\u001b[0m');
  });
});

describe('plain', () => {
  it('takes away what steers a terminal or turns the reading around', () => {
    expect(plain('a\u001b]0;title\u0007b\r\nc\u202ed\u009be')).toBe('a ]0;title b c d e');
  });
});

describe('wrap', () => {
  it('breaks between words and gives a longer word a line of its own', () => {
    expect(wrap('a bb ccccccc d', 4)).toEqual(['a bb', 'ccccccc', 'd']);
    expect(wrap('', 4)).toEqual(['']);
  });
});
