/** What stands in the place of a key. */
const REDACTED = '[redacted]';
/** Less is no key, and would be found inside of words. */
const MIN_KEY_CHARS = 4;
/** What a header or a vendor's key looks like, whoever it belongs to. */
const KEY_SHAPES = [/\bBearer\s+\S+/gi, /\bsk-\S+/g];
/** A chain of causes that is longer tells nothing more. */
const MAX_CAUSES = 5;

/** A text of a provider without the key in use and without what looks like a key. */
export function redactKeys(text: string, keyInUse = ''): string {
  const withoutKey =
    keyInUse.length < MIN_KEY_CHARS ? text : text.replaceAll(keyInUse, () => REDACTED);
  return KEY_SHAPES.reduce((rest, shape) => rest.replaceAll(shape, REDACTED), withoutKey);
}

/**
 * A cause fit to be logged: the same name, message, stack and code without keys. An HTTP client's
 * own error carries the request and its headers, which a logger would print.
 */
export function redactCause(cause: unknown, keyInUse = '', depth = 0): Error | undefined {
  if (cause === undefined || cause === null || depth >= MAX_CAUSES) return undefined;
  if (!(cause instanceof Error)) return new Error(`not an error, but a value: ${typeof cause}`);
  const inner = redactCause(cause.cause, keyInUse, depth + 1);
  const clean = new Error(
    redactKeys(cause.message, keyInUse),
    inner === undefined ? {} : { cause: inner },
  );
  clean.name = cause.name;
  if (cause.stack !== undefined) clean.stack = redactKeys(cause.stack, keyInUse);
  const { code } = cause as { code?: unknown };
  if (typeof code === 'string') Object.assign(clean, { code: redactKeys(code, keyInUse) });
  return clean;
}
