import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { CallEvent } from '../../events/call-event.ts';
import type { FeedSubscription } from '../../events/live-feed.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { requiredCall } from './call-routes.ts';
import { idParams } from '../schemas/common.ts';
import { FINAL_STATUSES, type CallStatus } from '../../calls/call-status.ts';

/** A reader that takes nothing while this much waits is cut off. */
const MAX_BUFFERED_BYTES = 1 << 20;
const GOING_AWAY = 1001;
const NORMAL = 1000;
const TOO_SLOW = 1013;

const callEventsQuery = z.strictObject({
  after: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Sequence number of the last event that is known.'),
});

/** The live feed over WebSocket: `/v1/events`, `/v1/calls/{id}/events`. */
export function liveRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/calls/:id/events',
    {
      websocket: true,
      schema: {
        tags: ['calls'],
        summary: 'Events of a call over WebSocket: the past first, then live, until it is final',
        params: idParams,
        querystring: callEventsQuery,
      },
      preValidation: async (request) => {
        const { id } = request.params as { id: string };
        await requiredCall(context, request.caller.workspaceId, id);
      },
    },
    (socket, request) => {
      const subscription = context.feed.replay(
        { workspaceId: request.caller.workspaceId, callId: request.params.id },
        request.query.after,
      );
      void forward(socket, subscription, context, true);
    },
  );

  api.get(
    '/events',
    {
      websocket: true,
      schema: { tags: ['calls'], summary: 'Events of every call of the workspace over WebSocket' },
    },
    (socket, request) => {
      const { workspaceId } = request.caller;
      void forward(socket, context.feed.subscribe({ workspaceId }), context, false);
    },
  );
}

async function forward(
  socket: WebSocket,
  subscription: FeedSubscription,
  context: ApiContext,
  untilFinal: boolean,
): Promise<void> {
  socket.on('close', () => subscription.close());
  socket.on('error', (err) => context.logger.debug({ err }, 'a live feed was cut'));
  try {
    for await (const event of subscription) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
        socket.close(TOO_SLOW, 'too slow: reconnect with ?after=<last sequence>');
        return;
      }
      socket.send(JSON.stringify(eventView(event)));
      if (untilFinal && isFinal(event)) {
        socket.close(NORMAL, 'the call is over');
        return;
      }
    }
    socket.close(GOING_AWAY, 'the server is stopping');
  } catch (error) {
    context.logger.error({ err: error }, 'the live feed failed');
    socket.close(1011, 'the feed failed; reconnect');
  } finally {
    subscription.close();
  }
}

function isFinal(event: CallEvent): boolean {
  return event.type === 'call.status' && FINAL_STATUSES.has(event.data.status as CallStatus);
}

function eventView(event: CallEvent): Record<string, unknown> {
  return {
    sequence: event.sequence,
    call_id: event.callId,
    type: event.type,
    at: new Date(event.atMs).toISOString(),
    data: event.data,
  };
}
