import { ApiError } from './errors.ts';
import { invalidRequest } from './validate.ts';

/** Nothing that the API takes is nested deeper; what is would exhaust the stack of a serialiser. */
const MAX_DEPTH = 64;
const MAX_ID_CHARS = 100;
/** Rooms and who is in them are called what their makers say. */
const MAX_NAME_CHARS = 200;
const NAMES: ReadonlySet<string> = new Set(['name', 'identity']);
// oxlint-disable-next-line no-control-regex -- NUL is what is looked for.
const HAS_NUL = /\0/;

/**
 * Refuses what is in a path and longer than any id: such a thing cannot be there.
 * @throws ApiError `not_found`
 */
export function refuseLongIds(params: unknown): void {
  if (typeof params !== 'object' || params === null) return;
  for (const [name, value] of Object.entries(params)) {
    const most = NAMES.has(name) ? MAX_NAME_CHARS : MAX_ID_CHARS;
    if (typeof value !== 'string' || value.length <= most) continue;
    throw new ApiError(
      'not_found',
      `${name}: there is none of ${value.length} characters; the longest have ${most}`,
    );
  }
}

/**
 * Refuses names that mean something to JavaScript itself, and what PostgreSQL cannot store: text and
 * jsonb have neither NUL nor lone surrogates. Walks without recursion, because depth is what is checked.
 * @throws ApiError `invalid_request`
 */
export function refuseUnstorable(input: unknown): void {
  const rest: { value: unknown; path: string[] }[] = [{ value: input, path: [] }];
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { value, path } = next;
    if (typeof value === 'string') refuseText(value, path);
    if (typeof value !== 'object' || value === null) continue;
    if (path.length >= MAX_DEPTH)
      refuse(path.slice(0, 3), `nested deeper than ${MAX_DEPTH} levels`);
    for (const [name, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) refuseName(name, path);
      rest.push({ value: inner, path: [...path, name] });
    }
  }
}

function refuseName(name: string, path: readonly string[]): void {
  refuseText(name, path);
  if (name === '__proto__') refuse(path, "has the field '__proto__', which is not accepted");
}

function refuseText(text: string, path: readonly string[]): void {
  if (HAS_NUL.test(text)) refuse(path, 'has the character NUL, which cannot be stored');
  if (!text.isWellFormed()) refuse(path, 'has half of a surrogate pair, which is no character');
}

function refuse(path: readonly string[], problem: string): never {
  throw invalidRequest([{ field: path.join('.').toWellFormed().slice(0, 200), problem }]);
}
