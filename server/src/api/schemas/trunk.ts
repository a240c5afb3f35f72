import { z } from 'zod';
import type { NumberRow } from '../../db/queries/numbers.ts';
import type { Trunk, TrunkInput } from '../../trunks/trunk-store.ts';

const gatewaySchema = z.strictObject({
  host: z.string().min(1).max(253).describe('Address or host name.'),
  port: z.number().int().min(1).max(65_535).default(5_060),
  transport: z.enum(['udp', 'tcp']).default('udp'),
});

const timeoutsSchema = z.strictObject({
  first_packet_ms: z.number().int().min(1_000).max(600_000).default(30_000),
  lost_ms: z.number().int().min(1_000).max(3_600_000).default(60_000),
  hold_ms: z.number().int().min(1_000).max(14_400_000).default(1_800_000),
});

const fields = {
  name: z.string().trim().min(1).max(200),
  active: z.boolean(),
  gateways: z
    .array(gatewaySchema)
    .max(20)
    .describe('Where INVITEs go, in the order in which they are tried.'),
  auth_username: z.string().min(1).max(200).nullable(),
  auth_password: z.string().min(1).max(200).nullable().describe('Write-only; sealed when stored.'),
  from_domain: z.string().min(1).max(253).nullable().describe('Domain of the From header.'),
  codecs: z.array(z.enum(['PCMU', 'PCMA'])).min(1),
  headers: z.record(z.string(), z.string().max(500)).describe('Added to every INVITE.'),
  ring_timeout_ms: z.number().int().min(1_000).max(600_000),
  media_timeouts: timeoutsSchema,
  allowed_sources: z
    .array(z.string().max(100))
    .max(200)
    .describe('Addresses and CIDRs, besides the gateways, that inbound calls come from.'),
};

export const trunkCreateSchema = z.strictObject(fields).partial().required({ name: true });
export const trunkPatchSchema = z.strictObject(fields).partial();

const { auth_password: _writeOnly, ...shownFields } = fields;

export const trunkViewSchema = z
  .object({
    id: z.string(),
    ...shownFields,
    codecs: z.array(z.string()),
    has_password: z.boolean(),
    sandbox: z.boolean(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Trunk' });

export function trunkView(trunk: Trunk): z.output<typeof trunkViewSchema> {
  return {
    id: trunk.id,
    name: trunk.name,
    active: trunk.active,
    sandbox: trunk.sandbox,
    gateways: trunk.gateways.map(({ host, port, transport }) => ({ host, port, transport })),
    auth_username: trunk.authUsername,
    has_password: trunk.hasPassword,
    from_domain: trunk.fromDomain,
    codecs: trunk.codecs,
    headers: trunk.headers,
    ring_timeout_ms: trunk.ringTimeoutMs,
    media_timeouts: trunk.mediaTimeouts,
    allowed_sources: trunk.allowedSources,
    created_at: trunk.createdAt.toISOString(),
    updated_at: trunk.updatedAt.toISOString(),
  };
}

export function trunkInput(body: z.output<typeof trunkPatchSchema>): TrunkInput {
  return {
    name: body.name,
    active: body.active,
    gateways: body.gateways,
    authUsername: body.auth_username,
    authPassword: body.auth_password,
    fromDomain: body.from_domain,
    codecs: body.codecs,
    headers: body.headers,
    ringTimeoutMs: body.ring_timeout_ms,
    mediaTimeouts: body.media_timeouts,
    allowedSources: body.allowed_sources,
  };
}

export const numberCreateSchema = z.strictObject({
  number: z.string().max(40).describe('E.164, such as +14155550123.'),
  trunk_id: z.string().min(1).max(100),
  agent_id: z
    .string()
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .describe('Who answers; null: nobody.'),
});

export const numberPatchSchema = z.strictObject({ agent_id: z.string().max(100).nullable() });

export const numberViewSchema = z
  .object({
    id: z.string(),
    number: z.string(),
    trunk_id: z.string(),
    agent_id: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Number' });

export function numberView(row: NumberRow): z.output<typeof numberViewSchema> {
  return {
    id: row.id,
    number: row.e164,
    trunk_id: row.trunkId,
    agent_id: row.agentId,
    created_at: row.createdAt.toISOString(),
  };
}
