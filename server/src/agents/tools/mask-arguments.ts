/** What stands for a value that is not to be on record. */
export const MASK = '•••';

/** Names of arguments that nobody wants to read in a log. */
const SENSITIVE =
  /(^|[_-])(pin|cvv|cvc|otp|passcode|password|passwd|secret|token|ssn|aadhaar|iban)([_-]|$)|card_?(number|no)$|api_?key/i;
/** A payment card, as it is spoken or written. */
const CARD = /\b\d(?:[ -]?\d){12,18}\b/g;
const MAX_TEXT_CHARS = 500;
const MAX_ITEMS = 50;
const MAX_DEPTH = 5;

/**
 * A tool's arguments as they may be stored: what the schema marks `writeOnly`, what is named like a
 * secret and what looks like a card's number is left out; long texts are cut.
 */
export function maskArguments(args: unknown, schema: Record<string, unknown>): unknown {
  return mask(args, schema, 0);
}

function mask(value: unknown, schema: unknown, depth: number): unknown {
  if (isObject(schema) && schema['writeOnly'] === true) return MASK;
  if (typeof value === 'string') return cut(value.replace(CARD, MASK));
  if (typeof value === 'number')
    return String(value).replace(CARD, MASK) === String(value) ? value : MASK;
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth >= MAX_DEPTH) return MASK;
  if (Array.isArray(value)) {
    const items = isObject(schema) ? schema['items'] : undefined;
    return value.slice(0, MAX_ITEMS).map((item) => mask(item, items, depth + 1));
  }
  const properties = isObject(schema) ? schema['properties'] : undefined;
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ITEMS)
      .map(([name, item]) => [
        cut(name),
        SENSITIVE.test(name)
          ? MASK
          : mask(item, isObject(properties) ? properties[name] : undefined, depth + 1),
      ]),
  );
}

function cut(text: string): string {
  return text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
