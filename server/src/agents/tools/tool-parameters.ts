import type { ValidateFunction } from 'ajv';
import { checkAuthorSchema, compileAuthorSchema, type SchemaProblem } from '../author-schema.ts';

const LIMITS = { maxChars: 20_000, maxDepth: 10, purpose: 'the schema of a tool' };
/** Compiled schemas that are kept: an agent has the same ones in every call. */
const MAX_KEPT = 200;
const MAX_TOLD = 5;

const kept = new Map<string, ValidateFunction>();

/** What keeps a JSON Schema from being that of a tool's arguments; empty: nothing. */
export function checkToolParameters(schema: Record<string, unknown>): SchemaProblem[] {
  return checkAuthorSchema(schema, LIMITS);
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
  const validate = compileAuthorSchema(schema);
  const oldest = kept.size >= MAX_KEPT ? kept.keys().next().value : undefined;
  if (oldest !== undefined) kept.delete(oldest);
  kept.set(key, validate);
  return validate;
}
