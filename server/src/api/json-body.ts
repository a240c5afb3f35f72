import type { FastifyInstance } from 'fastify';

/**
 * Reads JSON bodies as Fastify does, with one allowance: where a route takes no body, an empty one
 * is no fault. Many clients send `content-type: application/json` with every request.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, body, done) => {
      if (body === '' && request.routeOptions.schema?.body === undefined) {
        done(null, undefined);
        return;
      }
      void parse(request, body, done);
    },
  );
}
