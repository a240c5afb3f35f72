import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { authenticate, requireScope, type Caller } from '../auth.ts';
import { ApiError } from '../errors.ts';
import { refuseLongIds, refuseUnstorable } from '../safe-input.ts';
import { acceptUuids } from '../uuid-ids.ts';
import { boltiAgentRoutes } from './agent-routes.ts';
import { installBoltiErrors } from './bolti-errors.ts';
import { boltiCallRoutes } from './call-routes.ts';
import { boltiConversationRoutes } from './conversation-routes.ts';
import { boltiNumberRoutes } from './number-routes.ts';
import { boltiWebhookRoutes } from './webhook-routes.ts';
import { boltiWorkspaceRoutes } from './workspace-routes.ts';

/** Bolti's API under `/workspaces`, in a scope of its own: `app` is a plugin's instance. */
export function boltiRoutes(app: Api, context: ApiContext): void {
  const scope: FastifyInstance = app;
  scope.decorateRequest('caller', null as unknown as Caller);
  installBoltiErrors(scope, context.logger);
  scope.addHook('onRequest', async (request) => {
    request.caller = await authenticate(request, context.auth);
    requireScope(request, request.caller);
    const { workspace_id: asked } = request.params as { workspace_id?: string };
    // Somebody else's workspace looks like one that does not exist.
    if (asked !== undefined && asked !== request.caller.workspaceId) {
      throw new ApiError(
        'not_found',
        `there is no workspace ${asked.slice(0, 100)} for this key; GET /workspaces shows yours`,
      );
    }
  });
  scope.addHook('preValidation', async (request) => {
    const { params, query, body } = request;
    refuseLongIds(params);
    refuseUnstorable({ ...asObject(params), ...asObject(query) });
    refuseUnstorable(body);
    acceptUuids(request);
  });
  boltiWorkspaceRoutes(app, context);
  boltiAgentRoutes(app, context);
  boltiCallRoutes(app, context);
  boltiConversationRoutes(app, context);
  boltiNumberRoutes(app, context);
  boltiWebhookRoutes(app, context);
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
