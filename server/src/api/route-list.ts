import type { FastifyInstance } from 'fastify';

/** Which methods a path takes, for an honest 405. */
export interface RouteList {
  /** In the order in which they were registered; empty: there is no such path. */
  methodsOf(path: string): string[];
}

/** Watches the routes as they are registered; call it before the first. */
export function listRoutes(app: FastifyInstance): RouteList {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // The assets of the reference are nobody's to send to.
    if (url.includes('*')) return;
    routes.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  return {
    methodsOf(path) {
      const found = routes.filter(({ pattern }) => pattern.test(path));
      return [...new Set(found.flatMap(({ methods }) => methods))];
    },
  };
}

function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    return segment.startsWith(':') ? '[^/]+' : segment.replaceAll(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}/?$`);
}
