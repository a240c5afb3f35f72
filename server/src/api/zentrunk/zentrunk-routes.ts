import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { createZentrunkStore } from '../../trunk-service/zentrunk-store.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { requireScope, type Caller } from '../auth.ts';
import { ApiError } from '../errors.ts';
import type { RouteList } from '../route-list.ts';
import { refuseLongIds, refuseUnstorable } from '../safe-input.ts';
import { installAsyncCallbacks, type AsyncCallback } from './async-callback.ts';
import { callRoutes } from './call-routes.ts';
import { credentialRoutes } from './credential-routes.ts';
import { ipAclRoutes } from './ip-acl-routes.ts';
import { numberRoutes } from './number-routes.ts';
import { RequestRate } from './request-rate.ts';
import { trunkRoutes } from './trunk-routes.ts';
import { uriRoutes } from './uri-routes.ts';
import { authenticateZentrunk } from './zentrunk-auth.ts';
import { installZentrunkErrors, TooManyRequestsError } from './zentrunk-errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** UUID that every answer of Zentrunk carries. */
    apiId: string;
    /** Set where the answer goes somewhere else. */
    asyncCallback: AsyncCallback | null;
  }
}

/** Zentrunk's API, in a scope of its own: `app` is the instance of a plugin with the prefix `/v1/Account`. */
export function zentrunkRoutes(app: Api, context: ApiContext, routes: RouteList): void {
  const scope: FastifyInstance = app;
  const rate = new RequestRate(context.clock);
  scope.decorateRequest('caller', null as unknown as Caller);
  scope.decorateRequest('apiId', '');
  scope.decorateRequest('asyncCallback', null);
  installZentrunkErrors(scope, { logger: context.logger, routes });
  scope.addHook('onRequest', async (request) => {
    request.apiId = randomUUID();
    request.caller = await authenticateZentrunk(request, context.auth);
    if (!rate.take(request.caller.workspaceId, context.carrier.requestsPer5s))
      throw new TooManyRequestsError();
    requireScope(request, request.caller);
    const { auth_id: asked } = request.params as { auth_id?: string };
    // Somebody else's account looks like one that does not exist.
    if (asked !== undefined && asked !== request.caller.workspaceId) {
      throw new ApiError('not_found', `there is no account ${asked.slice(0, 100)} for this token`);
    }
  });
  installAsyncCallbacks(scope, context);
  scope.addHook('preValidation', async ({ params, query, body }) => {
    refuseLongIds(params);
    refuseUnstorable({ ...asObject(params), ...asObject(query) });
    refuseUnstorable(body);
  });
  const store = createZentrunkStore({ db: context.database, secrets: context.secrets });
  trunkRoutes(app, context, store);
  credentialRoutes(app, context, store);
  ipAclRoutes(app, context, store);
  uriRoutes(app, context, store);
  numberRoutes(app, context);
  callRoutes(app, context);
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
