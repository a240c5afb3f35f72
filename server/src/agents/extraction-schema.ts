import { Ajv } from 'ajv';
import formatsPlugin from 'ajv-formats';

/** A place in a schema and what is wrong there. */
export interface SchemaProblem {
  path: (string | number)[];
  message: string;
}

const MAX_SCHEMA_CHARS = 50_000;
const MAX_SCHEMA_DEPTH = 12;
/** They fetch from elsewhere, recurse without end, or run a stranger's regular expression here. */
const REFUSED: readonly string[] = [
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  '$id',
  'id',
  'pattern',
  'patternProperties',
];
/** Below these, keys are names that the author chose. */
const MAPS: ReadonlySet<string> = new Set(['properties', 'definitions', '$defs', 'dependencies']);
/** Below these, anything is a value. */
const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);

/** What keeps a JSON Schema from being the form of extracted data; empty: nothing. */
export function checkExtractionSchema(schema: Record<string, unknown>): SchemaProblem[] {
  if (JSON.stringify(schema).length > MAX_SCHEMA_CHARS) {
    return [{ path: [], message: `expected a schema of at most ${MAX_SCHEMA_CHARS} characters` }];
  }
  if (schema['type'] !== 'object') {
    return [{ path: ['type'], message: 'expected the schema of an object: "type": "object"' }];
  }
  const refused = findRefused(schema, [], 0);
  if (refused) return [refused];
  try {
    compileExtractionSchema(schema);
    return [];
  } catch (error) {
    return [{ path: [], message: `not a JSON Schema: ${(error as Error).message}` }];
  }
}

/** A check of data against a schema that `checkExtractionSchema` has nothing against. */
export function compileExtractionSchema(
  schema: Record<string, unknown>,
): (data: unknown) => string[] {
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    validateFormats: true,
    addUsedSchema: false,
  });
  formatsPlugin.default(ajv, { mode: 'fast' });
  const { $schema: _draft, ...rest } = schema;
  const validate = ajv.compile(rest);
  return (data) =>
    validate(data)
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message }) => `${instancePath || '/'} ${message ?? 'is wrong'}`,
        );
}

function findRefused(
  node: unknown,
  path: (string | number)[],
  depth: number,
): SchemaProblem | null {
  if (typeof node !== 'object' || node === null) return null;
  if (depth > MAX_SCHEMA_DEPTH) {
    return { path, message: `expected at most ${MAX_SCHEMA_DEPTH} levels` };
  }
  for (const [key, value] of Object.entries(node)) {
    const here = [...path, key];
    const isName = MAPS.has(String(path.at(-1)));
    if (!isName && REFUSED.includes(key)) {
      return { path: here, message: `${key} cannot be used in an extraction schema` };
    }
    if (!isName && VALUES.has(key)) continue;
    const found = findRefused(value, here, depth + 1);
    if (found) return found;
  }
  return null;
}
