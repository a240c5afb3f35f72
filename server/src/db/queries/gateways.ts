import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

export interface GatewayRow {
  id: number;
  trunkId: string;
  host: string;
  port: number;
  transport: 'udp' | 'tcp' | 'tls';
  /** 1 is tried first. */
  priority: number;
}

export type NewGateway = Pick<GatewayRow, 'host' | 'port' | 'transport'>;

/** Replaces the gateways of a trunk; their order is their priority. Run it in a transaction. */
export async function replace(
  client: Queryable,
  trunkId: string,
  gateways: readonly NewGateway[],
): Promise<GatewayRow[]> {
  await client.query('delete from gateways where trunk_id = $1', [trunkId]);
  const rows = await selectRows<GatewayRow>(
    client,
    `insert into gateways (trunk_id, host, port, transport, priority)
     select $1, host, port, transport, priority
     from unnest($2::text[], $3::int[], $4::text[]) with ordinality
       as given (host, port, transport, priority)
     returning *`,
    [
      trunkId,
      gateways.map((gateway) => gateway.host),
      gateways.map((gateway) => gateway.port),
      gateways.map((gateway) => gateway.transport),
    ],
  );
  return rows.sort((a, b) => a.priority - b.priority);
}

/** In the order in which they are tried. */
export async function listByTrunk(client: Queryable, trunkId: string): Promise<GatewayRow[]> {
  return selectRows(client, 'select * from gateways where trunk_id = $1 order by priority', [
    trunkId,
  ]);
}
