import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/**
 * Reads JSON bodies, and no others. Where a route takes no body, an empty one is no fault: many
 * clients send `content-type: application/json` with every request.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, body, done) => {
      try {
        const isNeeded = request.routeOptions.schema?.body !== undefined;
        done(null, body === '' && !isNeeded ? undefined : parse(body));
      } catch (error) {
        done(error as Error, undefined);
      }
    },
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
