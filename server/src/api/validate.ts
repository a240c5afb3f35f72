import type { z } from 'zod';
import { ApiError, type FieldProblem } from './errors.ts';

/** What zod and Fastify's adapter say about one value that is wrong. */
export interface RawProblem {
  code: string | undefined;
  field: string;
  message: string | undefined;
  /** Names of unknown fields. */
  keys: readonly string[];
}

/** One problem a field; unknown fields are named one by one. */
export function fieldProblems(raw: RawProblem): FieldProblem[] {
  if (raw.code === 'unrecognized_keys') {
    return raw.keys.map((key) => ({
      field: raw.field === '' ? key : `${raw.field}.${key}`,
      problem: 'unknown field',
    }));
  }
  const message = raw.message ?? 'has a value that it cannot have';
  return [{ field: raw.field, problem: message.charAt(0).toLowerCase() + message.slice(1) }];
}

/** The answer to a request whose fields are wrong: one sentence that names each. */
export function invalidRequest(problems: readonly FieldProblem[]): ApiError {
  return new ApiError('invalid_request', problems.map(sentenceOf).join('; '), problems);
}

/**
 * Checks a value outside of a route's own schema.
 * @throws ApiError `invalid_request`
 */
export function parseOrRefuse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidRequest(
    parsed.error.issues.flatMap((issue) =>
      fieldProblems({
        code: issue.code,
        field: issue.path.map(String).join('.'),
        message: issue.message,
        keys: issue.code === 'unrecognized_keys' ? issue.keys : [],
      }),
    ),
  );
}

function sentenceOf(problem: FieldProblem): string {
  if (problem.problem === 'unknown field') return `unknown field '${problem.field}'`;
  return problem.field === ''
    ? `the body: ${problem.problem}`
    : `${problem.field}: ${problem.problem}`;
}
