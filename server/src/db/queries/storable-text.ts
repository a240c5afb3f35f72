/**
 * Text that PostgreSQL takes. Its text and jsonb know no NUL and no half of a surrogate pair, and
 * text of a far end or of a model may hold both: losing one character is better than the row.
 */
export function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** A value as text for a jsonb column, every string in it storable. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => storablePart(part));
}

function storablePart(part: unknown): unknown {
  if (typeof part === 'string') return storableText(part);
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  const names = Object.keys(part);
  if (names.every((name) => storableText(name) === name)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [storableText(name), value as unknown]),
  );
}
