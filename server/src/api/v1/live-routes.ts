import type { FastifyReply } from 'fastify';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { FINAL_STATUSES, type CallStatus } from '../../calls/call-status.ts';
import * as apiKeys from '../../db/queries/api-keys.ts';
import type { CallEvent } from '../../events/call-event.ts';
import type { FeedSubscription } from '../../events/live-feed.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import type { Caller } from '../auth.ts';
import { ApiError } from '../errors.ts';
import { callEventSchema } from '../schemas/call.ts';
import { errorResponses, idParams } from '../schemas/common.ts';
import { requiredCall } from './call-routes.ts';
import { keepAlive } from './keep-alive.ts';

/** What may wait for a slow reader; the feed's own bound holds for the rest. */
const MAX_BUFFERED_BYTES = 1 << 20;
const NORMAL = 1000;
const GOING_AWAY = 1001;
const FAILED = 1011;
const MAX_SEQUENCE = 2_147_483_647;

const callEventsQuery = z.strictObject({
  after: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_SEQUENCE)
    .default(0)
    .describe('Sequence number of the last event that is known.'),
});

const response = {
  101: callEventSchema.describe('The WebSocket is open; each message is one event as JSON text.'),
  ...errorResponses(400, 401, 403, 404, 426, 500, 503),
};

/** The live feed over WebSocket: `/v1/events`, `/v1/calls/{id}/events`. */
export function liveRoutes(api: Api, context: ApiContext): void {
  api.route({
    method: 'GET',
    url: '/calls/:id/events',
    schema: {
      tags: ['calls'],
      operationId: 'followCall',
      summary: 'Events of a call over WebSocket: the past first, then live, until it is final',
      description:
        'Closes with 1000 when the call is over, with 1001 when the server stops: connect again ' +
        'with `after`; with 1008 when the key was revoked.',
      params: idParams,
      querystring: callEventsQuery,
      response,
    },
    preHandler: async (request) => {
      await requiredCall(context, request.caller.workspaceId, request.params.id);
    },
    handler: (_request, reply) => refuseHttp(reply),
    wsHandler: async (socket, request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const { after } = request.query;
      const subscription = context.feed.replay({ workspaceId, callId: id }, after);
      // Read after subscribing: a call that ends in between is seen either here or in the feed.
      const call = await requiredCall(context, workspaceId, id).catch(() => null);
      const last = call && FINAL_STATUSES.has(call.status) ? call.lastEventSequence : null;
      if (last !== null && last <= after) {
        subscription.close();
        socket.close(NORMAL, 'the call is over');
        return;
      }
      await forward(socket, subscription, mayRead(request.caller), (event) =>
        last === null ? isFinal(event) : (event.sequence ?? 0) >= last,
      );
    },
  });

  api.route({
    method: 'GET',
    url: '/events',
    schema: {
      tags: ['calls'],
      operationId: 'followWorkspace',
      summary: 'Events of every call of the workspace over WebSocket',
      description: 'Live only. A gap in a call’s `sequence` says that this reader was too slow.',
      response,
    },
    handler: (_request, reply) => refuseHttp(reply),
    wsHandler: (socket, request) => {
      const { caller } = request;
      const subscription = context.feed.subscribe({ workspaceId: caller.workspaceId });
      return forward(socket, subscription, mayRead(caller), () => false);
    },
  });

  /** A connection must not outlive the key that opened it. */
  function mayRead({ workspaceId, keyId }: Caller): () => Promise<boolean> {
    if (keyId === null) return () => Promise.resolve(true);
    return () => apiKeys.isUsable(context.database.tenant(workspaceId), keyId);
  }

  async function forward(
    socket: WebSocket,
    subscription: FeedSubscription,
    allowed: () => Promise<boolean>,
    isLast: (event: CallEvent) => boolean,
  ): Promise<void> {
    const alive = keepAlive(socket, context.clock, allowed);
    socket.on('close', () => subscription.close());
    try {
      for await (const event of subscription) {
        if (socket.readyState !== socket.OPEN) return;
        await send(socket, JSON.stringify(eventView(event)));
        if (isLast(event)) {
          socket.close(NORMAL, 'the call is over');
          return;
        }
      }
      socket.close(GOING_AWAY, 'the server is stopping');
    } catch (error) {
      context.logger.error({ err: error }, 'the live feed failed');
      socket.close(FAILED, 'the feed failed; connect again');
    } finally {
      alive.close();
      subscription.close();
    }
  }
}

/** RFC 9110 §15.5.22: a 426 names the protocol that is needed. */
function refuseHttp(reply: FastifyReply): never {
  void reply.header('upgrade', 'websocket');
  throw new ApiError('upgrade_required', 'this path is a WebSocket: connect with ws://');
}

/** Resolves at once while the reader keeps up, else when it has taken the message or is gone. */
function send(socket: WebSocket, message: string): Promise<void> {
  if (socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
    socket.send(message);
    return Promise.resolve();
  }
  // A socket that breaks meanwhile is closed, which ends the subscription.
  return new Promise((resolve) => socket.send(message, () => resolve()));
}

function isFinal(event: CallEvent): boolean {
  return event.type === 'call.status' && FINAL_STATUSES.has(event.data.status as CallStatus);
}

function eventView(event: CallEvent): z.output<typeof callEventSchema> {
  return {
    sequence: event.sequence,
    call_id: event.callId,
    type: event.type,
    at: new Date(event.atMs).toISOString(),
    data: { ...event.data },
  };
}
