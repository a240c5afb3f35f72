import type { Queryable } from './queryable.ts';
import { countTouched, selectRows } from './row.ts';
import { storableJson } from './storable-text.ts';

export const POST_CALL_STEPS = ['transcript', 'analysis', 'cost', 'recording', 'final'] as const;
export type PostCallStepName = (typeof POST_CALL_STEPS)[number];

/** Notes that a step is done, in the transaction that does it. False: it was done before. */
export async function begin(
  client: Queryable,
  call: { id: string; workspaceId: string },
  step: PostCallStepName,
): Promise<boolean> {
  const touched = await countTouched(
    client,
    `insert into post_call_steps (call_id, workspace_id, step) values ($1, $2, $3)
     on conflict (call_id, step) do nothing`,
    [call.id, call.workspaceId, step],
  );
  return touched > 0;
}

/** What is worth knowing about a step. */
export async function setDetail(
  client: Queryable,
  callId: string,
  step: PostCallStepName,
  detail: Record<string, unknown>,
): Promise<void> {
  await client.query(
    'update post_call_steps set detail = $3::jsonb where call_id = $1 and step = $2',
    [callId, step, storableJson(detail)],
  );
}

/** The steps of a call that are done. */
export async function doneSteps(
  client: Queryable,
  callId: string,
): Promise<ReadonlySet<PostCallStepName>> {
  const rows = await selectRows<{ step: PostCallStepName }>(
    client,
    'select step from post_call_steps where call_id = $1',
    [callId],
  );
  return new Set(rows.map(({ step }) => step));
}
