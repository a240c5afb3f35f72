import fastifySwagger from '@fastify/swagger';
import fastifyWebsocket from '@fastify/websocket';
import scalarReference from '@scalar/fastify-api-reference';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { ApiContext } from './api-context.ts';
import { authenticate, type Caller } from './auth.ts';
import { installErrorHandler } from './error-handler.ts';
import { operationsRoutes } from './operations-routes.ts';
import { agentRoutes } from './v1/agent-routes.ts';
import { callRoutes } from './v1/call-routes.ts';
import { keyRoutes } from './v1/key-routes.ts';
import { liveRoutes } from './v1/live-routes.ts';
import { numberRoutes } from './v1/number-routes.ts';
import { trunkRoutes } from './v1/trunk-routes.ts';

const BODY_LIMIT_BYTES = 1 << 20;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the authentication hook of the routes under /v1. */
    caller: Caller;
  }
}

/** A Fastify instance whose schemas are zod's. */
export type Api = ReturnType<typeof withZod>;

export interface ApiServer {
  readonly app: FastifyInstance;
  /** The port that is bound. */
  readonly port: number;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Builds the routes without listening, for tests by `inject` and for the OpenAPI document.
 */
export async function buildApi(context: ApiContext): Promise<FastifyInstance> {
  const app = withZod(
    Fastify({
      logger: false,
      bodyLimit: BODY_LIMIT_BYTES,
      forceCloseConnections: true,
      genReqId: () => context.newRequestId(),
      routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
      exposeHeadRoutes: false,
    }),
  );
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installErrorHandler(app as unknown as FastifyInstance, context.logger);

  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trunkline',
        version: context.version,
        description:
          'Phone agents over SIP trunks: place and follow calls, keep agents and trunks.',
        license: { name: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { api_key: { type: 'http', scheme: 'bearer' } } },
      security: [{ api_key: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(scalarReference, {
    routePrefix: '/docs',
    configuration: { title: 'Trunkline API', withDefaultFonts: false, telemetry: false },
  });
  // A client that sends much over the live feed is cut off: it has nothing to say.
  await app.register(fastifyWebsocket, { options: { maxPayload: 4096 } });

  operationsRoutes(app, context);
  await app.register(
    async (v1) => {
      v1.decorateRequest('caller', null as unknown as Caller);
      v1.addHook('onRequest', async (request) => {
        request.caller = await authenticate(request, context.auth);
      });
      const routes = withZod(v1);
      agentRoutes(routes, context);
      callRoutes(routes, context);
      keyRoutes(routes, context);
      liveRoutes(routes, context);
      numberRoutes(routes, context);
      trunkRoutes(routes, context);
    },
    { prefix: '/v1' },
  );
  await app.ready();
  return app as unknown as FastifyInstance;
}

/** Listens. Rejects with `code: 'EADDRINUSE'` where the port is taken. */
export async function startApi(
  context: ApiContext,
  listen: { host: string; port: number },
): Promise<ApiServer> {
  const app = await buildApi(context);
  await app.listen({ host: listen.host, port: listen.port });
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : listen.port;
  return { app, port, close: () => app.close() };
}

function withZod(app: FastifyInstance) {
  return app.withTypeProvider<ZodTypeProvider>();
}
