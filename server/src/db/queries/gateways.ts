import type { Queryable } from './queryable.ts';
import { selectRows } from './row.ts';

/**
 * `address`: A and AAAA records and the port; `srv`: SRV records of the transport; `naptr`: NAPTR
 * records, which choose the transport too. Each falls back to the one before.
 */
export type GatewayLookup = 'address' | 'srv' | 'naptr';

export interface GatewayRow {
  id: number;
  trunkId: string;
  host: string;
  port: number;
  transport: 'udp' | 'tcp' | 'tls';
  /** How its addresses are found (RFC 3263 §4). */
  lookup: GatewayLookup;
  /** 1 is tried first. */
  priority: number;
}

export type NewGateway = Pick<GatewayRow, 'host' | 'port' | 'transport'> & {
  /** Default `address`. */
  lookup?: GatewayLookup | undefined;
};

/** Replaces the gateways of a trunk; their order is their priority. Run it in a transaction. */
export async function replace(
  client: Queryable,
  trunkId: string,
  gateways: readonly NewGateway[],
): Promise<GatewayRow[]> {
  await client.query('delete from gateways where trunk_id = $1', [trunkId]);
  const rows = await selectRows<GatewayRow>(
    client,
    `insert into gateways (trunk_id, host, port, transport, lookup, priority)
     select $1, host, port, transport, lookup, priority
     from unnest($2::text[], $3::int[], $4::text[], $5::text[]) with ordinality
       as given (host, port, transport, lookup, priority)
     returning *`,
    [
      trunkId,
      gateways.map((gateway) => gateway.host),
      gateways.map((gateway) => gateway.port),
      gateways.map((gateway) => gateway.transport),
      gateways.map((gateway) => gateway.lookup ?? 'address'),
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
