import { Ajv, type ValidateFunction } from 'ajv';
import formatsPlugin from 'ajv-formats';

/** A place in a schema and what is wrong there. */
export interface ParameterProblem {
  path: (string | number)[];
  message: string;
}

const MAX_SCHEMA_CHARS = 20_000;
const MAX_SCHEMA_DEPTH = 10;
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
/** Compiled schemas that are kept: an agent has the same ones in every call. */
const MAX_KEPT = 200;
const MAX_TOLD = 5;

const kept = new Map<string, ValidateFunction>();

/** What keeps a JSON Schema from being that of a tool's arguments; empty: nothing. */
export function checkToolParameters(schema: Record<string, unknown>): ParameterProblem[] {
  if (JSON.stringify(schema).length > MAX_SCHEMA_CHARS) {
    return [{ path: [], message: `expected a schema of at most ${MAX_SCHEMA_CHARS} characters` }];
  }
  if (schema['type'] !== 'object') {
    return [{ path: ['type'], message: 'expected the schema of an object: "type": "object"' }];
  }
  const refused = findRefused(schema, [], 0);
  if (refused) return [refused];
  try {
    compile(schema);
    return [];
  } catch (error) {
    return [{ path: [], message: `not a JSON Schema: ${(error as Error).message}` }];
  }
}

/** What is wrong with arguments, for a model that is to call again; empty: nothing. */
export function argumentProblems(schema: Record<string, unknown>, args: unknown): string[] {
  const validate = compile(schema);
  if (validate(args)) return [];
  return (validate.errors ?? []).slice(0, MAX_TOLD).map(({ instancePath, message, params }) => {
    const extra = (params as { additionalProperty?: string }).additionalProperty;
    const place = instancePath === '' ? 'the arguments' : instancePath.slice(1);
    return `${place} ${message ?? 'are wrong'}${extra === undefined ? '' : ` (${extra})`}`;
  });
}

function compile(schema: Record<string, unknown>): ValidateFunction {
  const key = JSON.stringify(schema);
  const known = kept.get(key);
  if (known) return known;
  const ajv = new Ajv({ allErrors: true, strict: false, addUsedSchema: false });
  formatsPlugin.default(ajv, { mode: 'fast' });
  const { $schema: _draft, ...rest } = schema;
  const validate = ajv.compile(rest);
  const oldest = kept.size >= MAX_KEPT ? kept.keys().next().value : undefined;
  if (oldest !== undefined) kept.delete(oldest);
  kept.set(key, validate);
  return validate;
}

function findRefused(
  node: unknown,
  path: (string | number)[],
  depth: number,
): ParameterProblem | null {
  if (typeof node !== 'object' || node === null) return null;
  if (depth > MAX_SCHEMA_DEPTH) {
    return { path, message: `expected at most ${MAX_SCHEMA_DEPTH} levels` };
  }
  for (const [key, value] of Object.entries(node)) {
    const here = [...path, key];
    const isName = MAPS.has(String(path.at(-1)));
    if (!isName && REFUSED.has(key)) {
      return { path: here, message: `${key} cannot be used in the schema of a tool` };
    }
    if (!isName && VALUES.has(key)) continue;
    const found = findRefused(value, here, depth + 1);
    if (found) return found;
  }
  return null;
}
