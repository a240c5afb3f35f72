import type { SeatState } from '../../voice/worker-protocol.ts';
import { ROOM_LEG } from '../room-leg-config.ts';
import type { RoomCore } from '../rooms/room-context.ts';

/** An agent that comes to an answered line may speak by then, whatever the line brings. */
const READY_MS = 1_100;
const OPEN: SeatState = { muted: false, deaf: false, unheard: [] };

export interface Briefing {
  /** Lets the caller hear nothing of the target, from before it answers. */
  hide(): void;
  /** Tells the target, alone. Resolves when it was heard, or cannot be. */
  tell(): Promise<void>;
  /** Lets both hear each other. */
  reveal(): void;
}

/**
 * What the target of a transfer is told before it is connected: by a voice like that of the caller's
 * agent, on the target's line. Meanwhile neither of the two hears the other.
 */
export function briefTarget(
  ctx: RoomCore,
  {
    callerCallId,
    targetCallId,
    text,
  }: { callerCallId: string; targetCallId: string; text: string },
): Briefing {
  const unheardBy = (callId: string): SeatState => ({
    ...OPEN,
    unheard: [callId, `agent:${callId}`],
  });
  return {
    hide() {
      const caller = ctx.calls.voiceOf(callerCallId);
      caller?.seat('caller', unheardBy(targetCallId));
      caller?.seat('agent', unheardBy(targetCallId));
    },
    async tell() {
      const caller = ctx.calls.liveOf(callerCallId);
      const target = ctx.calls.voiceOf(targetCallId);
      if (!caller || !target) return;
      target.seat('caller', unheardBy(callerCallId));
      const { agent, providerSecrets } = caller.plan;
      try {
        await target.attachAgent({
          agent: { ...ROOM_LEG, tts: agent.tts, name: 'briefing' },
          variables: {},
          secrets: providerSecrets,
        });
        await ctx.clock.sleep(READY_MS);
        await target.finish(text);
        await target.dismissAgent();
      } catch (error) {
        // The two are connected all the same: the caller is waiting.
        ctx.logger.warn({ err: error, callId: targetCallId }, 'the target was not briefed');
      }
    },
    reveal() {
      const caller = ctx.calls.voiceOf(callerCallId);
      caller?.seat('caller', OPEN);
      caller?.seat('agent', OPEN);
      ctx.calls.voiceOf(targetCallId)?.seat('caller', OPEN);
    },
  };
}
