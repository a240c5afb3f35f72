import { textOf } from './tool-values.ts';

/** What of an answer is used. */
export interface ResponseMapping {
  text: string;
  variables: Readonly<Record<string, string>>;
  max_chars: number;
}

export interface ReadResponse {
  /** Told to the model. */
  text: string;
  variables: Record<string, string>;
}

const MAX_VARIABLE_CHARS = 10_000;
const NOTHING = 'The answer is empty.';

/** Reads an answer; one that is no JSON is text, in which paths find nothing. */
export function readToolResponse(body: string, mapping: ResponseMapping): ReadResponse {
  const json = parsed(body);
  const found = mapping.text === '' ? (json ?? body) : valueAt(json, mapping.text);
  const text = textOf(found).trim();
  const variables: Record<string, string> = {};
  for (const [name, path] of Object.entries(mapping.variables)) {
    const value = valueAt(json, path);
    if (value !== undefined) variables[name] = textOf(value).slice(0, MAX_VARIABLE_CHARS);
  }
  return { text: text === '' ? NOTHING : cut(text, mapping.max_chars), variables };
}

/** A value by JSON pointer (RFC 6901) or by names with dots between them; undefined: none. */
export function valueAt(json: unknown, path: string): unknown {
  let value = json;
  for (const key of keysOf(path)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function keysOf(path: string): string[] {
  if (path === '' || path === '$') return [];
  if (path.startsWith('/')) {
    // RFC 6901 §4: ~1 before ~0.
    return path
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return path
    .replace(/^\$\./, '')
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.');
}

function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)} [cut]` : text;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // Text is an answer too.
    return undefined;
  }
}
