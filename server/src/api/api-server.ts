import fastifySwagger from '@fastify/swagger';
import fastifyWebsocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { WebSocket } from 'ws';
import type { Clock } from '../shared/clock.ts';
import type { ApiContext } from './api-context.ts';
import { authenticate, requireScope, type Caller } from './auth.ts';
import { bolnaRoutes } from './bolna/bolna-routes.ts';
import { boltiRoutes } from './bolti/bolti-routes.ts';
import { installErrorHandler } from './error-handler.ts';
import { answerFrameworkError } from './framework-error.ts';
import { readJsonBodies } from './json-body.ts';
import { openApiDocument } from './openapi-document.ts';
import { operationsRoutes } from './operations-routes.ts';
import { installReferencePage } from './reference-page.ts';
import { registerLiveKit } from './livekit/livekit-routes.ts';
import { recordingRoutes } from './recording-routes.ts';
import { createRouteList } from './route-list.ts';
import { refuseLongIds, refuseUnstorable } from './safe-input.ts';
import { agentRoutes } from './v1/agent-routes.ts';
import { callRoutes } from './v1/call-routes.ts';
import { callTraceRoutes } from './v1/call-trace-routes.ts';
import { callTransferRoutes } from './v1/call-transfer-routes.ts';
import { consentRoutes } from './v1/consent-routes.ts';
import { doNotCallImportRoute, doNotCallRoutes } from './v1/do-not-call-routes.ts';
import { guardrailOverrideRoutes } from './v1/guardrail-override-routes.ts';
import { guardrailRoutes } from './v1/guardrail-routes.ts';
import { dispatchRuleRoutes } from './v1/dispatch-rule-routes.ts';
import { keyRoutes } from './v1/key-routes.ts';
import { liveRoutes } from './v1/live-routes.ts';
import { numberRoutes } from './v1/number-routes.ts';
import { providerKeyRoutes } from './v1/provider-key-routes.ts';
import { providerSubstitutionRoutes } from './v1/provider-substitution-routes.ts';
import { rateRoutes } from './v1/rate-routes.ts';
import { retentionRoutes } from './v1/retention-routes.ts';
import { roomRoutes } from './v1/room-routes.ts';
import { trunkRoutes } from './v1/trunk-routes.ts';
import { walletRoutes } from './v1/wallet-routes.ts';
import { webhookRoutes } from './v1/webhook-routes.ts';
import { acceptUuids } from './uuid-ids.ts';
import { workspaceRoutes } from './v1/workspace-routes.ts';
import { canonicalPath } from './zentrunk/canonical-path.ts';
import { zentrunkRoutes } from './zentrunk/zentrunk-routes.ts';

const BODY_LIMIT_BYTES = 1 << 20;
/** More than Node takes of a request's head: what is too long for an id is said by the routes. */
const MAX_PARAM_CHARS = 65_536;
/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;
const CLOSE_LIMIT_MS = 1_000;
const REQUEST_ID_HEADER = 'x-request-id';

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
  const routes = createRouteList();
  const app = withZod(
    Fastify({
      logger: false,
      bodyLimit: BODY_LIMIT_BYTES,
      forceCloseConnections: true,
      genReqId: () => context.newRequestId(),
      rewriteUrl: (request) => canonicalPath(request.url ?? '/'),
      routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_CHARS },
      frameworkErrors: (error, request, reply) => {
        // Hooks do not run for a path that the router refuses.
        void reply.header(REQUEST_ID_HEADER, request.id);
        answerFrameworkError(error, request, reply, { logger: context.logger, routes });
      },
    }),
  );
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  readJsonBodies(plain(app));
  routes.watch(plain(app));
  installErrorHandler(plain(app), { logger: context.logger, routes });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
  });
  await app.register(fastifySwagger, openApiDocument(context.version));
  await installReferencePage(plain(app));
  await app.register(fastifyWebsocket, {
    // A client that sends much over the live feed is cut off: it has nothing to say.
    options: { maxPayload: 4096 },
    preClose(done) {
      sayGoodbye(this.websocketServer.clients, context.clock);
      done();
    },
  });

  operationsRoutes(app, context);
  recordingRoutes(app, context);
  await app.register(
    async (v1) => {
      v1.decorateRequest('caller', null as unknown as Caller);
      v1.addHook('onRequest', async (request) => {
        request.caller = await authenticate(request, context.auth);
        requireScope(request, request.caller);
      });
      v1.addHook('preValidation', async (request) => {
        const { params, query, body } = request;
        refuseLongIds(params);
        refuseUnstorable({ ...asObject(params), ...asObject(query) });
        refuseUnstorable(body);
        acceptUuids(request);
      });
      const routes = withZod(v1);
      agentRoutes(routes, context);
      callRoutes(routes, context);
      callTraceRoutes(routes, context);
      callTransferRoutes(routes, context);
      consentRoutes(routes, context);
      dispatchRuleRoutes(routes, context);
      doNotCallRoutes(routes, context);
      guardrailOverrideRoutes(routes, context);
      guardrailRoutes(routes, context);
      await v1.register(async (csv) => doNotCallImportRoute(withZod(csv), context));
      keyRoutes(routes, context);
      liveRoutes(routes, context);
      numberRoutes(routes, context);
      providerKeyRoutes(routes, context);
      providerSubstitutionRoutes(routes, context);
      rateRoutes(routes, context);
      retentionRoutes(routes, context);
      roomRoutes(routes, context);
      trunkRoutes(routes, context);
      walletRoutes(routes, context);
      webhookRoutes(routes, context);
      workspaceRoutes(routes, context);
    },
    { prefix: '/v1' },
  );
  await app.register(async (root) => bolnaRoutes(withZod(root), context));
  await app.register(async (root) => boltiRoutes(withZod(root), context));
  await app.register(async (account) => zentrunkRoutes(withZod(account), context, routes), {
    prefix: '/v1/Account',
  });
  await registerLiveKit(plain(app), {
    ...context,
    findLiveKitSecret: (apiKey) => context.auth.findLiveKitSecret(apiKey),
  });
  await app.ready();
  return plain(app);
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

/** Followers are told to connect again elsewhere; one that does not answer is not waited for. */
function sayGoodbye(clients: Iterable<WebSocket>, clock: Clock): void {
  for (const client of clients) {
    client.close(GOING_AWAY, 'the server is stopping');
    const limit = clock.setTimer(CLOSE_LIMIT_MS, () => client.terminate());
    client.once('close', () => limit.cancel());
  }
}

/** The same instance, for parts that know nothing of zod. */
function plain(app: Api): FastifyInstance {
  return app;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
