import { checkAuthorSchema, compileAuthorSchema, type SchemaProblem } from './author-schema.ts';

const LIMITS = { maxChars: 50_000, maxDepth: 12, purpose: 'an extraction schema' };

/** What keeps a JSON Schema from being the form of extracted data; empty: nothing. */
export function checkExtractionSchema(schema: Record<string, unknown>): SchemaProblem[] {
  return checkAuthorSchema(schema, LIMITS);
}

/** A check of data against a schema that `checkExtractionSchema` has nothing against. */
export function compileExtractionSchema(
  schema: Record<string, unknown>,
): (data: unknown) => string[] {
  const validate = compileAuthorSchema(schema);
  return (data) =>
    validate(data)
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message }) => `${instancePath || '/'} ${message ?? 'is wrong'}`,
        );
}
