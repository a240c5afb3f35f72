import type { FastifyInstance } from 'fastify';

const ORDER = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The routes that there are: which methods a path takes, for an honest 405, and whose it is. */
export interface RouteList {
  /** Lists the routes of `app` from now on. */
  watch(app: FastifyInstance): void;
  /** Empty: there is no such path. */
  methodsOf(path: string): string[];
  /** Tags of the routes that begin with the same word. */
  tagsNear(path: string): ReadonlySet<string>;
}

export function createRouteList(): RouteList {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  const tags = new Map<string, Set<string>>();
  return {
    watch(app) {
      app.addHook('onRoute', ({ url, method, schema }) => {
        // The assets of the reference are nobody's to send to.
        if (url.includes('*')) return;
        routes.push({ pattern: patternOf(url), methods: [method].flat() });
        const word = firstWord(url);
        tags.set(word, new Set([...(tags.get(word) ?? []), ...(schema?.tags ?? [])]));
      });
    },
    methodsOf(path) {
      const found = routes.filter(({ pattern }) => pattern.test(path));
      const methods = new Set(found.flatMap((route) => route.methods));
      return ORDER.filter((method) => methods.has(method));
    },
    tagsNear: (path) => tags.get(firstWord(path)) ?? new Set(),
  };
}

/** Of /v1 the second, too: a part of it is a vendor's. */
function firstWord(path: string): string {
  const [, first = '', second = ''] = path.split(/[/?]/, 3);
  return first === 'v1' ? `v1/${second}` : first;
}

function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    return segment.startsWith(':') ? '[^/]+' : segment.replaceAll(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}/?$`);
}
