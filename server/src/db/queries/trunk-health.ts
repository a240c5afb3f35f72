import type { Queryable } from './queryable.ts';
import { selectOne, selectRows } from './row.ts';
import { storableText } from './storable-text.ts';

export type RegistrationState = 'registering' | 'registered' | 'waiting' | 'rejected' | 'stopped';

export interface RegistrationRow {
  trunkId: string;
  workspaceId: string;
  state: RegistrationState;
  /** Of the last answer; null: none came. */
  sipCode: number | null;
  sipReason: string | null;
  expiresAt: Date | null;
  changedAt: Date;
}

/** `degraded`: an answer was missed, not yet three. */
export type GatewayState = 'up' | 'degraded' | 'down';

export interface GatewayHealthRow {
  trunkId: string;
  workspaceId: string;
  /** `host:port;transport`. */
  gateway: string;
  state: GatewayState;
  /** Of the last answer to OPTIONS; null: none came. */
  sipCode: number | null;
  sipReason: string | null;
  roundTripMs: number | null;
  /** Answers missed in a row. */
  misses: number;
  checkedAt: Date;
}

export async function storeRegistration(client: Queryable, row: RegistrationRow): Promise<void> {
  await client.query(
    `insert into trunk_registrations
       (trunk_id, workspace_id, state, sip_code, sip_reason, expires_at, changed_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (trunk_id) do update set state = excluded.state, sip_code = excluded.sip_code,
       sip_reason = excluded.sip_reason, expires_at = excluded.expires_at,
       changed_at = excluded.changed_at`,
    [
      row.trunkId,
      row.workspaceId,
      row.state,
      row.sipCode,
      row.sipReason && storableText(row.sipReason),
      row.expiresAt,
      row.changedAt,
    ],
  );
}

export async function storeGateway(client: Queryable, row: GatewayHealthRow): Promise<void> {
  await client.query(
    `insert into gateway_health
       (trunk_id, workspace_id, gateway, state, sip_code, sip_reason, round_trip_ms, misses, checked_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (trunk_id, gateway) do update set state = excluded.state,
       sip_code = excluded.sip_code, sip_reason = excluded.sip_reason,
       round_trip_ms = excluded.round_trip_ms, misses = excluded.misses,
       checked_at = excluded.checked_at`,
    [
      row.trunkId,
      row.workspaceId,
      row.gateway,
      row.state,
      row.sipCode,
      row.sipReason && storableText(row.sipReason),
      row.roundTripMs,
      row.misses,
      row.checkedAt,
    ],
  );
}

export async function registrationOf(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<RegistrationRow | null> {
  return selectOne(
    client,
    'select * from trunk_registrations where workspace_id = $1 and trunk_id = $2',
    [workspaceId, trunkId],
  );
}

/** Of the gateways that the trunk was last asked about. */
export async function gatewaysOf(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
): Promise<GatewayHealthRow[]> {
  return selectRows(
    client,
    'select * from gateway_health where workspace_id = $1 and trunk_id = $2 order by gateway',
    [workspaceId, trunkId],
  );
}

/** Gateways that did not answer when they were last asked, which was after `since`. */
export async function downGateways(
  client: Queryable,
  workspaceId: string,
  trunkId: string,
  since: Date,
): Promise<Set<string>> {
  const rows = await selectRows<{ gateway: string }>(
    client,
    `select gateway from gateway_health
      where workspace_id = $1 and trunk_id = $2 and state = 'down' and checked_at > $3`,
    [workspaceId, trunkId, since],
  );
  return new Set(rows.map(({ gateway }) => gateway));
}
