import { hot } from '../hot-statements.ts';
import type { AgentRow } from './agents.ts';
import type { NumberRoute, NumberRow } from './numbers.ts';
import type { Queryable } from './queryable.ts';
import { jsonRow } from './row.ts';
import { WITH_GATEWAYS, type TrunkWithGateways } from './trunks.ts';
import type { WorkspaceRow } from './workspaces.ts';

/** What a call is made of, as far as the request names it. */
export interface CallParts {
  workspace: WorkspaceRow | null;
  /** The agent that was asked for. */
  agent: AgentRow | null;
  /** Of the from-number, whosever it is. */
  route: NumberRoute | null;
}

type JsonRow = Record<string, unknown>;

const TIMES = ['createdAt', 'updatedAt', 'deletedAt'];

/** In one round trip what would be four: whoever places a call waits for each of them. */
export async function load(
  client: Queryable,
  key: { workspaceId: string; agentId: string | null; e164: string | null },
): Promise<CallParts> {
  const { rows } = await client.query(
    hot(`select
       (select to_json(w) from workspaces w where w.id = $1 and w.deleted_at is null) as workspace,
       (select to_json(a) from agents a
         where a.workspace_id = $1 and a.id = $2 and a.deleted_at is null) as agent,
       (select json_build_object('number', to_json(n),
           'trunk', (select to_json(whole) from (select ${WITH_GATEWAYS}) whole),
           'agent', case when n.agent_id is distinct from $2 then (select to_json(a) from agents a
             where a.workspace_id = n.workspace_id and a.id = n.agent_id
               and a.deleted_at is null) end)
         from numbers n join trunks on trunks.id = n.trunk_id
           and trunks.workspace_id = n.workspace_id and trunks.deleted_at is null
         where n.e164 = $3) as route`),
    [key.workspaceId, key.agentId, key.e164],
  );
  const { workspace, agent, route } = rows[0] as {
    workspace: JsonRow | null;
    agent: JsonRow | null;
    route: { number: JsonRow; trunk: JsonRow; agent: JsonRow | null } | null;
  };
  const named = agent && (jsonRow(agent, TIMES) as AgentRow);
  return {
    workspace: workspace && (jsonRow(workspace, TIMES) as WorkspaceRow),
    agent: named,
    route: route && {
      number: jsonRow(route.number, TIMES) as NumberRow,
      trunk: jsonRow(route.trunk, TIMES) as TrunkWithGateways,
      agent: route.agent
        ? (jsonRow(route.agent, TIMES) as AgentRow)
        : named?.id === route.number['agent_id']
          ? named
          : null,
    },
  };
}
