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

/** Bytes of JSON that the variables of one call may have. */
export const MAX_VARIABLES_BYTES = 65_536;
const MAX_NAMES = 500;
const MAX_DEPTH = 6;
const NAME = /^[^\0{}]{1,100}$/;

/** What is wrong with the variables of a call, in one sentence; null: nothing. */
export function variablesProblem(values: Readonly<Record<string, JsonValue>>): string | null {
  const bytes = Buffer.byteLength(JSON.stringify(values));
  if (bytes > MAX_VARIABLES_BYTES) {
    return `expected at most ${MAX_VARIABLES_BYTES} bytes of variables, got ${bytes}`;
  }
  const name = Object.keys(values).find((each) => !NAME.test(each));
  if (name !== undefined) {
    return `expected names of 1 to 100 characters without braces, got '${name.slice(0, 100)}'`;
  }
  return null;
}

/**
 * Values by the names that templates use: text as it is, numbers and truth values as JSON writes
 * them, null as nothing; an object as JSON and each of its values as `{object.name}`.
 */
export function flattenVariables(
  values: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const flat: Record<string, string> = {};
  let count = 0;
  const add = (name: string, value: unknown, depth: number): void => {
    if (value === undefined || count++ >= MAX_NAMES) return;
    if (typeof value !== 'object' || value === null) {
      flat[name] = typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
      return;
    }
    flat[name] = JSON.stringify(value);
    if (depth >= MAX_DEPTH) return;
    for (const [key, part] of Object.entries(value)) add(`${name}.${key}`, part, depth + 1);
  };
  for (const [name, value] of Object.entries(values)) add(name, value, 1);
  return flat;
}
