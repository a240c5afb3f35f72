import { z } from 'zod';
import type { Queryable } from '../../db/queries/queryable.ts';
import * as health from '../../db/queries/trunk-health.ts';
import type { Trunk } from '../../trunks/trunk-store.ts';

const sipSchema = z.object({ code: z.number().int().nullable(), reason: z.string().nullable() });

export const trunkHealthSchema = z
  .object({
    registration: z
      .object({
        state: z.enum(['registering', 'registered', 'waiting', 'rejected', 'stopped']),
        sip: sipSchema.describe('The registrar’s last answer.'),
        expires_at: z.iso.datetime().nullable(),
        changed_at: z.iso.datetime(),
      })
      .nullable()
      .describe('Null: the trunk does not register, or has not yet.'),
    gateways: z
      .array(
        z.object({
          gateway: z.string(),
          state: z
            .enum(['up', 'degraded', 'down'])
            .describe('`degraded`: an answer to OPTIONS was missed; `down`: three in a row.'),
          sip: sipSchema,
          round_trip_ms: z.number().int().nullable(),
          misses: z.number().int(),
          checked_at: z.iso.datetime(),
        }),
      )
      .describe('Empty: qualify_frequency_s is 0, or nobody has asked yet.'),
  })
  .meta({ id: 'TrunkHealth' });

/** What the watcher noted about a trunk. */
export async function trunkHealthView(
  client: Queryable,
  trunk: Trunk,
): Promise<z.output<typeof trunkHealthSchema>> {
  const registration = await health.registrationOf(client, trunk.workspaceId, trunk.id);
  const gateways = await health.gatewaysOf(client, trunk.workspaceId, trunk.id);
  const present = new Set(
    trunk.gateways.map(({ host, port, transport }) => `${bracketed(host)}:${port};${transport}`),
  );
  return {
    registration:
      registration && trunk.authType === 'registration'
        ? {
            state: registration.state,
            sip: { code: registration.sipCode, reason: registration.sipReason },
            expires_at: registration.expiresAt?.toISOString() ?? null,
            changed_at: registration.changedAt.toISOString(),
          }
        : null,
    gateways: gateways
      .filter(({ gateway }) => present.has(gateway))
      .map((row) => ({
        gateway: row.gateway,
        state: row.state,
        sip: { code: row.sipCode, reason: row.sipReason },
        round_trip_ms: row.roundTripMs,
        misses: row.misses,
        checked_at: row.checkedAt.toISOString(),
      })),
  };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
