import type { Queryable } from './queryable.ts';
import { requireOne } from './row.ts';

export interface GuardrailFactRow {
  /** As stored; null: nothing was set. */
  settings: unknown;
  fromIsOnTrunk: boolean;
  /** One number of each range of the trunk. */
  trunkNumbers: string[];
}

/** What rules judge by that no other call changes. */
export async function loadFacts(
  client: Queryable,
  key: { workspaceId: string; trunk: { id: string }; from: string },
): Promise<GuardrailFactRow> {
  return requireOne(
    client,
    `select
       (select settings from guardrail_settings where workspace_id = $1) as settings,
       exists (select from numbers
         where workspace_id = $1 and trunk_id = $2 and e164 = $3) as from_is_on_trunk,
       array(select distinct on (left(e164, 6)) e164 from
         (select e164 from numbers where workspace_id = $1 and trunk_id = $2 limit 500) own
       ) as trunk_numbers`,
    [key.workspaceId, key.trunk.id, key.from],
  );
}
