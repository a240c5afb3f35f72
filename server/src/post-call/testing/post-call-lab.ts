import { openCallLab, FROM, TO, type CallLab } from '../../calls/testing/call-lab.ts';
import type { CallStatus } from '../../calls/call-status.ts';
import { createWallet } from '../../wallet/wallet.ts';
import * as calls from '../../db/queries/calls.ts';
import * as turns from '../../db/queries/turns.ts';
import type { CallEvent } from '../../events/call-event.ts';
import { DEFAULT_OPENAI_BASE_URL } from '../../providers/openai/openai-llm.ts';
import { systemClock as clock } from '../../shared/clock.ts';
import { newId } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import { createRecordingLibrary } from '../../storage/recording-library.ts';
import { createRecordingStore } from '../../storage/recordings.ts';
import type { PostCallContext } from '../post-call-context.ts';

/** A call that is over: `Is the appointment confirmed?` - `Yes, that is right.` */
export async function storeOverCall(
  lab: CallLab,
  fields: Partial<calls.NewCall> & { status: CallStatus },
  said: readonly string[] = ['Is the appointment confirmed?', 'Yes, that is right.'],
): Promise<string> {
  const id = newId('call', clock.now());
  await calls.insert(lab.db.pool, {
    id,
    workspaceId: lab.workspaceId,
    direction: 'outbound',
    agentId: lab.agentId,
    fromNumber: FROM,
    toNumber: TO,
    endReason: 'callee-hangup',
    endedBy: 'callee',
    answeredAt: new Date(1_000_000),
    disconnectedAt: new Date(1_010_000),
    ...fields,
  });
  await turns.insertMany(
    lab.db.pool,
    said.map((text, index) => ({
      id: newId('turn', clock.now()),
      workspaceId: lab.workspaceId,
      callId: id,
      sequence: index + 1,
      speaker: index % 2 === 0 ? 'agent' : 'caller',
      text,
      startedMs: index * 1_000,
      endedMs: index * 1_000 + 900,
      interrupted: false,
      confidence: null,
      latency: null,
    })),
  );
  return id;
}

/** The context of a test, on the lab's database; what is published is kept in `published`. */
export function postCallContext(
  lab: Pick<CallLab, 'db' | 'secrets'>,
  recordingDir: string,
  overrides: Partial<PostCallContext> = {},
): PostCallContext & { published: CallEvent[] } {
  const published: CallEvent[] = [];
  return {
    db: lab.db,
    feed: { publish: (event) => void published.push(event) },
    clock,
    logger: silentLogger,
    wallet: createWallet({ db: lab.db }),
    recordings: createRecordingLibrary(createRecordingStore(recordingDir), null),
    secrets: lab.secrets,
    llm: { openaiBaseUrl: DEFAULT_OPENAI_BASE_URL, openaiApiKey: null },
    published,
    ...overrides,
  };
}

export { openCallLab, type CallLab };
