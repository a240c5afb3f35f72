import { z } from 'zod';

/** Body of every error. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z.array(z.object({ field: z.string(), problem: z.string() })),
    }),
  })
  .describe('What was wrong and what to do.');

/** Errors that any route of /v1 may answer. */
export const commonErrors = {
  400: errorSchema,
  401: errorSchema,
  404: errorSchema,
  500: errorSchema,
};

/** An id in a path. */
export const idParams = z.strictObject({ id: z.string().min(1).max(100) });

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
