import type { FastifyInstance } from 'fastify';
import { dispatchMethods } from './dispatch-methods.ts';
import { dispatchRuleMethods } from './dispatch-rule-methods.ts';
import { egressMethods } from './egress-methods.ts';
import { createLiveKitAuth, type FindLiveKitSecret } from './livekit-auth.ts';
import type { LiveKitContext } from './livekit-context.ts';
import { participantMethods } from './participant-methods.ts';
import { roomMethods } from './room-methods.ts';
import { sipParticipantMethods } from './sip-participants.ts';
import { sipTrunkMethods } from './sip-trunks.ts';
import { twirpRoutes } from './twirp-routes.ts';

/** LiveKit's server API, below `/twirp` at the root: its clients know no other place. */
export async function registerLiveKit(
  app: FastifyInstance,
  ctx: LiveKitContext & { findLiveKitSecret: FindLiveKitSecret },
): Promise<void> {
  const methods = {
    ...sipTrunkMethods(ctx),
    ...dispatchRuleMethods(ctx),
    ...sipParticipantMethods(ctx),
    ...roomMethods(ctx),
    ...participantMethods(ctx),
    ...dispatchMethods(ctx),
    ...egressMethods(ctx),
  };
  const auth = createLiveKitAuth({ findSecret: ctx.findLiveKitSecret, clock: ctx.clock });
  await app.register(
    async (scope) => {
      twirpRoutes(scope, { methods, auth, logger: ctx.logger });
      await Promise.resolve();
    },
    { prefix: '/twirp' },
  );
}
