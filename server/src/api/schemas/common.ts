import { z } from 'zod';
import { API_ERRORS, type ApiErrorCode } from '../errors.ts';

/** Body of every error. */
const errorSchema = z
  .object({
    error: z.object({
      code: z.enum(Object.keys(API_ERRORS) as ApiErrorCode[]),
      message: z.string().describe('One sentence: what was expected, what came.'),
      details: z
        .array(
          z.object({
            field: z.string(),
            problem: z.string(),
            rule: z.string().optional().describe('The guardrail that refused.'),
            retry_at: z.iso.datetime().optional().describe('When the same request may succeed.'),
          }),
        )
        .describe('The fields that are wrong, where fields are.'),
    }),
  })
  .meta({ id: 'Error' });

/** The answer of an error status, described by the codes that it may carry. */
interface ErrorResponse {
  description: string;
  content: { 'application/json': { schema: typeof errorSchema } };
}

/** Responses of error statuses. */
export function errorResponses<Status extends number>(
  ...statuses: Status[]
): Record<Status, ErrorResponse> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: codesOf(status),
        content: { 'application/json': { schema: errorSchema } },
      },
    ]),
  ) as Record<Status, ErrorResponse>;
}

function codesOf(status: number): string {
  const codes = Object.entries(API_ERRORS).filter(([, error]) => error.status === status);
  return codes.map(([code, { meaning }]) => `\`${code}\`: ${meaning}`).join(' ');
}

/** Errors that any route of /v1 may answer. */
export const readErrors = errorResponses(400, 401, 403, 404, 500, 503);

/** Errors of the routes that change something. */
export const writeErrors = errorResponses(400, 401, 403, 404, 413, 415, 500, 503);

/** An id in a path. */
export const idParams = z.strictObject({
  id: z.string().min(1).max(100).describe('Id of the resource.'),
});

/** Paging by keyset: newest first. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Rows a page.'),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
});

/** A list answer. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** A time as ISO 8601 in UTC, or null. */
export const timeOrNull = z.iso.datetime().nullable();

export function isoOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
