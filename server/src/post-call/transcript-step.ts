import * as calls from '../db/queries/calls.ts';
import * as turns from '../db/queries/turns.ts';
import type { PostCallStep } from './post-call-step.ts';
import { mergeTurns, transcriptText } from './transcript-text.ts';

/** Puts the turns of a call together to its transcript. */
export const transcriptStep: PostCallStep<null> = {
  name: 'transcript',
  prepare: () => Promise.resolve(null),
  async commit(_ctx, client, call) {
    const rows = await turns.listByCall(client, call.id);
    const utterances = mergeTurns(rows);
    await calls.update(client, call.id, { transcript: transcriptText(utterances) });
    return { detail: { turns: rows.length, utterances: utterances.length } };
  },
};
