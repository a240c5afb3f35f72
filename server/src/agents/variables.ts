/** A value as JSON has it. */
export type JsonValue =
  string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** A template with its variables filled in. */
export interface RenderedText {
  text: string;
  /** Variables that had no value, each once, in order of appearance. */
  missing: string[];
}

/**
 * `{name}` or `{{ name }}`. A name starts with a letter or underscore, so the braces of JSON in a
 * prompt are left alone.
 */
const PLACEHOLDER =
  /\{\{\s{0,20}([A-Za-z_][\w.-]{0,63})\s{0,20}\}\}|\{\s{0,20}([A-Za-z_][\w.-]{0,63})\s{0,20}\}/g;

/**
 * Fills in variables. Unknown ones are left out, together with the gap they would leave. Values
 * are inserted as they are: braces inside a value are never expanded, so that a caller's data
 * cannot reach other variables.
 */
export function renderVariables(
  template: string,
  variables: Readonly<Record<string, string>>,
): RenderedText {
  const missing: string[] = [];
  let text = '';
  let position = 0;
  let gap = false;
  const append = (piece: string): void => {
    if (piece === '') return;
    // What was left out takes its space along: "Hello {name}." is "Hello.", not "Hello .".
    if (gap && /^[.,;:!?]/.test(piece)) text = text.replace(/ +$/, '');
    const opens = text === '' || /\s$/.test(text);
    text += gap && opens ? piece.replace(/^ +(?=\S)/, '') : piece;
    gap = false;
  };
  for (const match of template.matchAll(PLACEHOLDER)) {
    append(template.slice(position, match.index));
    position = match.index + match[0].length;
    const name = match[1] ?? match[2] ?? '';
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) {
      if (!missing.includes(name)) missing.push(name);
      gap = true;
    } else {
      append(value);
    }
  }
  append(template.slice(position));
  return { text, missing };
}
