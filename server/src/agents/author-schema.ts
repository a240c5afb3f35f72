import { Ajv, type ValidateFunction } from 'ajv';
import formatsPlugin from 'ajv-formats';

/** A place in a schema and what is wrong there. */
export interface SchemaProblem {
  path: (string | number)[];
  message: string;
}

/** How large a schema may be, and what it is for in the words of a refusal. */
export interface SchemaLimits {
  maxChars: number;
  maxDepth: number;
  purpose: string;
}

/** They fetch from elsewhere, recurse without end, or run a stranger's regular expression here. */
const REFUSED: ReadonlySet<string> = new Set([
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  '$id',
  'id',
  'pattern',
  'patternProperties',
]);
/** Below these, keys are names that the author chose. */
const MAPS: ReadonlySet<string> = new Set(['properties', 'definitions', '$defs', 'dependencies']);
/** Below these, anything is a value. */
const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);

/** What keeps an agent's author from using a JSON Schema of an object here; empty: nothing. */
export function checkAuthorSchema(
  schema: Record<string, unknown>,
  limits: SchemaLimits,
): SchemaProblem[] {
  const { maxChars } = limits;
  if (JSON.stringify(schema).length > maxChars) {
    return [{ path: [], message: `expected a schema of at most ${maxChars} characters` }];
  }
  if (schema['type'] !== 'object') {
    return [{ path: ['type'], message: 'expected the schema of an object: "type": "object"' }];
  }
  const refused = findRefused(schema, limits, [], 0);
  if (refused) return [refused];
  try {
    compileAuthorSchema(schema);
    return [];
  } catch (error) {
    return [{ path: [], message: `not a JSON Schema: ${(error as Error).message}` }];
  }
}

/** A check of data against a schema that `checkAuthorSchema` has nothing against. */
export function compileAuthorSchema(schema: Record<string, unknown>): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: false, addUsedSchema: false });
  formatsPlugin.default(ajv, { mode: 'fast' });
  const { $schema: _draft, ...rest } = schema;
  return ajv.compile(rest);
}

function findRefused(
  node: unknown,
  limits: SchemaLimits,
  path: (string | number)[],
  depth: number,
): SchemaProblem | null {
  if (typeof node !== 'object' || node === null) return null;
  if (depth > limits.maxDepth) {
    return { path, message: `expected at most ${limits.maxDepth} levels` };
  }
  for (const [key, value] of Object.entries(node)) {
    const here = [...path, key];
    const isName = MAPS.has(String(path.at(-1)));
    if (!isName && REFUSED.has(key)) {
      return { path: here, message: `${key} cannot be used in ${limits.purpose}` };
    }
    if (!isName && VALUES.has(key)) continue;
    const found = findRefused(value, limits, here, depth + 1);
    if (found) return found;
  }
  return null;
}
