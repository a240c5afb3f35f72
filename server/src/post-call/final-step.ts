import { statusAfterAnswer } from '../calls/call-end.ts';
import { isEndReason } from '../calls/end-reasons.ts';
import { recordStatus } from '../calls/record-status.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { PostCallStep } from './post-call-step.ts';

/** Gives the call its final status; everything that is told of it is there now. */
export const finalStep: PostCallStep<null> = {
  name: 'final',
  async prepare(ctx, call) {
    // The copy in the bucket is the recording from here on.
    if (call.recordingKey !== null && call.recordingStore === 's3') {
      await ctx.recordings.forgetFile(call.recordingKey);
    }
    return null;
  },
  async commit(ctx, client, call) {
    // The call of a node that was lost has its final status already.
    if (call.status !== 'call-disconnected') return {};
    const recorded = await recordStatus(client, call.id, finalStatusOf(call), {
      endedAt: new Date(ctx.clock.now()),
    });
    return { events: recorded?.events ?? [] };
  },
};

function finalStatusOf(call: CallRow): ReturnType<typeof statusAfterAnswer> {
  return call.endReason !== null && isEndReason(call.endReason)
    ? statusAfterAnswer(call.endReason)
    : 'error';
}
