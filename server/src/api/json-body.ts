import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from './errors.ts';

/**
 * Reads JSON bodies, and no others. Where a route takes no body, an empty one is no fault: many
 * clients send `content-type: application/json` with every request.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addHook('preValidation', async (request) => {
    const { schema } = request.routeOptions;
    // Fastify would have null checked, which is no object.
    if (request.body === undefined && schema?.body && takesNothing(schema.body)) request.body = {};
  });
  app.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, body, done) => {
      try {
        const isNeeded = !takesNothing(request.routeOptions.schema?.body);
        done(null, body === '' && !isNeeded ? undefined : parse(body));
      } catch (error) {
        done(error as Error, undefined);
      }
    },
  );
}

/** Whether a route can do without a body: it has none, or its schema says what stands for it. */
function takesNothing(schema: unknown): boolean {
  return (
    schema === undefined || (schema instanceof z.ZodType && schema.safeParse(undefined).success)
  );
}

/** @throws ApiError `invalid_json`; without V8's words, which quote the body and so its secrets. */
function parse(text: string): unknown {
  if (text === '') throw new ApiError('invalid_json', 'the body is empty; send a JSON object');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const isCut = error instanceof SyntaxError && error.message.includes('end of JSON');
    throw new ApiError(
      'invalid_json',
      isCut ? 'the body is not valid JSON: it ends too early' : 'the body is not valid JSON',
    );
  }
}
