import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { authenticate, requireScope, type Caller } from '../auth.ts';
import { refuseLongIds, refuseUnstorable } from '../safe-input.ts';
import { bolnaAccountRoutes } from './account-routes.ts';
import { bolnaAgentRoutes } from './agent-routes.ts';
import { installBolnaErrors } from './bolna-errors.ts';
import { bolnaCallRoutes } from './call-routes.ts';
import { bolnaDispositionRoutes } from './disposition-routes.ts';
import { bolnaExecutionRoutes } from './execution-routes.ts';
import { bolnaExtractionRoutes } from './extraction-routes.ts';
import { bolnaNumberRoutes } from './number-routes.ts';
import { bolnaRefusedRoutes } from './refused-routes.ts';
import { bolnaSubAccountRoutes } from './sub-account-routes.ts';
import { bolnaTrunkRoutes } from './trunk-routes.ts';

/** Bolna's API at the root, in a scope of its own: `app` is a plugin's instance. */
export function bolnaRoutes(app: Api, context: ApiContext): void {
  const scope: FastifyInstance = app;
  scope.decorateRequest('caller', null as unknown as Caller);
  installBolnaErrors(scope, context.logger);
  // Forms with files are refused by their routes, in words; nobody reads them.
  scope.addContentTypeParser(
    ['multipart/form-data', 'text/csv'],
    { bodyLimit: 50 << 20 },
    (_request, payload, done) => {
      payload.resume();
      payload.once('end', () => done(null, undefined));
      payload.once('error', (error) => done(error, undefined));
    },
  );
  scope.addHook('onRequest', async (request) => {
    request.caller = await authenticate(request, context.auth);
    requireScope(request, request.caller);
  });
  scope.addHook('preValidation', async ({ params, query, body }) => {
    refuseLongIds(params);
    refuseUnstorable({ ...asObject(params), ...asObject(query) });
    refuseUnstorable(body);
  });
  bolnaAgentRoutes(app, context);
  bolnaCallRoutes(app, context);
  bolnaExecutionRoutes(app, context);
  bolnaTrunkRoutes(app, context);
  bolnaNumberRoutes(app, context);
  bolnaAccountRoutes(app, context);
  bolnaSubAccountRoutes(app, context);
  bolnaDispositionRoutes(app, context);
  bolnaExtractionRoutes(app, context);
  bolnaRefusedRoutes(app);
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
