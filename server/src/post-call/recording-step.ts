import * as calls from '../db/queries/calls.ts';
import type { RecordingPlace } from '../storage/recording-library.ts';
import { findLeftBehind, type FoundRecording } from './left-recording.ts';
import type { PostCallStep } from './post-call-step.ts';

type Archived =
  | { outcome: 'none' }
  | { outcome: 'missing' }
  | {
      outcome: 'stored';
      place: RecordingPlace;
      error: string | null;
      found: FoundRecording | null;
    };

const RETRY_PAUSES_MS = [500, 2_000];

/** Brings the recording to where it belongs. A store that is away does not hold the call up. */
export const recordingStep: PostCallStep<Archived> = {
  name: 'recording',
  async prepare(ctx, call, { signal, mayComeAgain }) {
    const found = call.recordingKey === null ? await findLeftBehind(ctx, call) : null;
    const recordingKey = call.recordingKey ?? found?.recordingKey ?? null;
    if (recordingKey === null) return { outcome: 'none' };
    for (let attempt = 0; ; attempt++) {
      try {
        const place = await ctx.recordings.archive(recordingKey);
        if (place !== 'missing') return { outcome: 'stored', place, error: null, found };
        // Written on another machine, which is asked when the job comes again.
        if (mayComeAgain) throw new MissingRecordingError(call.id);
        return { outcome: 'missing' };
      } catch (error) {
        if (error instanceof MissingRecordingError) throw error;
        const pauseMs = RETRY_PAUSES_MS[attempt];
        if (pauseMs === undefined) {
          ctx.logger.warn(
            { err: error, callId: call.id },
            'the recording stays on the disk until the store takes it',
          );
          return { outcome: 'stored', place: 'disk', error: (error as Error).message, found };
        }
        await ctx.clock.sleep(pauseMs, signal);
      }
    }
  },
  async commit(_ctx, client, call, archived) {
    // On the disk of another machine: its own sweep sends it.
    if (archived.outcome === 'missing') return { detail: { missing: true } };
    if (archived.outcome === 'none') return {};
    const { place, error, found } = archived;
    await calls.update(client, call.id, { recordingStore: place, ...found });
    return { detail: { place, ...(error !== null && { error }) } };
  },
};

class MissingRecordingError extends Error {
  constructor(callId: string) {
    super(`the recording of call ${callId} is not on this machine`);
    this.name = 'MissingRecordingError';
  }
}
