import { z } from 'zod';
import type { NumberRow } from '../../db/queries/numbers.ts';
import type { Trunk, TrunkInput } from '../../trunks/trunk-store.ts';
import { bolnaHexId, bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import { trunkInput, trunkPatchSchema } from '../schemas/trunk.ts';
import { unprocessable } from './bolna-errors.ts';
import { entryOf } from './translation.ts';

const gatewaySchema = z.strictObject({
  gateway_address: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535).default(5_060),
  priority: z.number().int().min(0).max(10_000).default(1).describe('The lower is tried first.'),
});
const identifierSchema = z.strictObject({
  ip_address: z.string().min(1).max(100).describe('An address or a CIDR.'),
});

export const numberBody = z
  .strictObject({
    phone_number: z.string().min(1).max(40),
    name: z.string().max(200).nullish(),
    e164_check_enabled: z.boolean().default(false),
  })
  .meta({ examples: [{ phone_number: '+14155550124', name: 'Sales line' }] });

const transports = z.enum(['transport-udp', 'transport-tcp', 'transport-tls']);
const encryptions = z.enum(['no', 'sdes']);

const changeable = {
  name: z.string().trim().min(1).max(200),
  description: z.string().max(2_000).nullable(),
  auth_username: z.string().min(1).max(200).nullable(),
  auth_password: z.string().min(1).max(200).nullable(),
  gateways: z.array(gatewaySchema).min(1).max(20),
  ip_identifiers: z.array(identifierSchema).max(200),
  allow: z.string().max(200).describe('Codecs in order: ulaw, alaw, g722, opus.'),
  disallow: z.string().max(200),
  inbound_enabled: z.boolean(),
  outbound_leading_plus_enabled: z.boolean(),
  qualify_frequency: z.number().int().min(0).max(3_600),
  transport: transports,
  media_encryption: encryptions,
  media_encryption_optimistic: z.boolean(),
};

export const trunkCreateBody = z
  .strictObject({
    ...z.object(changeable).partial().shape,
    name: changeable.name,
    gateways: changeable.gateways,
    provider: z.string().min(1).max(100),
    auth_type: z.enum(['userpass', 'ip-based']),
    direct_media: z.boolean().default(false),
    rtp_symmetric: z.boolean().default(true),
    force_rport: z.boolean().default(true),
    phone_numbers: z.array(numberBody).max(200).default([]),
  })
  .meta({
    examples: [
      {
        name: 'Plivo',
        provider: 'plivo',
        auth_type: 'userpass',
        auth_username: 'user',
        auth_password: 'secret',
        gateways: [{ gateway_address: 'XXXX.zt.plivo.com' }],
        phone_numbers: [{ phone_number: '+14155550123', name: 'Support line' }],
      },
    ],
  });

export const trunkUpdateBody = z
  .strictObject({
    ...z.object(changeable).partial().shape,
    is_active: z.boolean().optional(),
  })
  .meta({
    examples: [
      {
        gateways: [
          { gateway_address: 'sip1.example.com', port: 5_061, priority: 1 },
          { gateway_address: 'sip2.example.com', port: 5_061, priority: 2 },
        ],
        transport: 'transport-tls',
        media_encryption: 'sdes',
        inbound_enabled: true,
      },
    ],
  });

export const numberSchema = z
  .object({
    id: z.string(),
    phone_number: z.string(),
    name: z.string(),
    byot_trunk_id: z.string(),
    telephony_provider: z.literal('sip-trunk'),
    agent_id: z.string().nullable(),
    deleted: z.boolean(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'BolnaTrunkNumber' });

export const trunkSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    provider: z.string(),
    description: z.string().nullable(),
    auth_type: z.enum(['userpass', 'ip-based']),
    auth_username: z.string().nullable(),
    gateways: z.array(gatewaySchema),
    ip_identifiers: z.array(identifierSchema),
    phone_numbers: z.array(numberSchema),
    allow: z.string(),
    disallow: z.string(),
    transport: transports,
    direct_media: z.boolean(),
    rtp_symmetric: z.boolean(),
    force_rport: z.boolean(),
    media_encryption: encryptions,
    media_encryption_optimistic: z.boolean(),
    qualify_frequency: z.number().int(),
    inbound_enabled: z.boolean(),
    outbound_leading_plus_enabled: z.boolean(),
    is_active: z.boolean(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'BolnaTrunk' });

type Create = z.output<typeof trunkCreateBody>;
type Update = z.output<typeof trunkUpdateBody>;
type Transport = z.output<typeof transports>;

const CODECS: Record<string, string> = { ulaw: 'PCMU', alaw: 'PCMA', g722: 'G722', opus: 'OPUS' };
const NAMES: Record<string, string> = { PCMU: 'ulaw', PCMA: 'alaw' };

/** A new trunk as one of ours; Bolna's defaults where nothing is said. @throws BolnaError 422 */
export function newTrunk(body: Create): TrunkInput & { name: string } {
  const { auth_type: authType, auth_username: user, auth_password: password } = body;
  if (authType === 'userpass') {
    require(user, 'auth_username', 'is required with auth_type userpass');
    require(password, 'auth_password', 'is required with auth_type userpass');
  } else {
    require(body.ip_identifiers?.[0], 'ip_identifiers', 'is required with auth_type ip-based');
  }
  const complete = {
    ...body,
    allow: body.allow ?? 'ulaw,alaw',
    transport: body.transport ?? 'transport-udp',
    media_encryption: body.media_encryption ?? 'no',
    inbound_enabled: body.inbound_enabled ?? false,
    outbound_leading_plus_enabled: body.outbound_leading_plus_enabled ?? true,
    qualify_frequency: body.qualify_frequency ?? 60,
  };
  return {
    ...changed(complete, null),
    name: body.name,
    provider: body.provider,
    authType,
    directMedia: body.direct_media,
    rtpSymmetric: body.rtp_symmetric,
    forceRport: body.force_rport,
    door: 'bolna',
  };
}

/** The change of a trunk. `before`: as it is, for what depends on several fields. @throws BolnaError 422 */
export function changedTrunk(body: Update, before: Trunk): TrunkInput {
  if (before.authType === 'ip-based' && body.ip_identifiers?.length === 0) {
    throw unprocessable([
      { field: 'ip_identifiers', problem: 'is required with auth_type ip-based' },
    ]);
  }
  return { ...changed(body, before), active: body.is_active };
}

function changed(body: Omit<Update, 'is_active'>, before: Trunk | null): TrunkInput {
  const transport = body.transport ?? (before ? transportOf(before) : 'transport-udp');
  const encryption = encryptionOf(body, before, transport);
  const gateways = gatewaysOf(body, before, transport);
  if (body.disallow !== undefined && body.disallow.trim() !== 'all') {
    throw unprocessable([
      { field: 'disallow', problem: "expected 'all'; allow names what is used" },
    ]);
  }
  const native = trunkPatchSchema.safeParse({
    name: body.name,
    description: body.description === null ? '' : body.description,
    auth_username: body.auth_username,
    auth_password: body.auth_password,
    gateways: gateways?.map(({ host, port }) => ({ host, port, transport: wire(transport) })),
    allowed_sources: body.ip_identifiers?.map(({ ip_address: address }) => address),
    codecs: body.allow === undefined ? undefined : codecsOf(body.allow),
    inbound_enabled: body.inbound_enabled,
    leading_plus: body.outbound_leading_plus_enabled,
    qualify_frequency_s: body.qualify_frequency,
    media_encryption: encryption,
  });
  if (!native.success) {
    throw unprocessable(
      native.error.issues.map(({ path, message }) => ({
        field: bolnaField(path.map(String)),
        problem: message,
      })),
    );
  }
  return {
    ...trunkInput(native.data),
    ...(gateways && { doorData: { priorities: gateways.map(({ priority }) => priority) } }),
  };
}

/** Their name for a field of ours. */
function bolnaField(path: readonly string[]): string {
  if (path.at(-1) === 'transport') return 'transport';
  const [first = ''] = path;
  return { codecs: 'allow', allowed_sources: 'ip_identifiers' }[first] ?? path.join('.');
}

/** SDES keys travel in the signalling: RFC 4568 §7 wants it encrypted. */
function encryptionOf(
  body: Omit<Update, 'is_active'>,
  before: Trunk | null,
  transport: Transport,
): Trunk['mediaEncryption'] | undefined {
  const wasOn = before !== null && before.mediaEncryption !== 'none';
  const on = body.media_encryption === undefined ? wasOn : body.media_encryption === 'sdes';
  if (on && transport !== 'transport-tls') {
    throw unprocessable([
      { field: 'media_encryption', problem: 'sdes requires transport transport-tls' },
    ]);
  }
  if (body.media_encryption === undefined && body.media_encryption_optimistic === undefined) {
    return undefined;
  }
  const optimistic =
    body.media_encryption_optimistic ?? (before?.mediaEncryption === 'optional' || false);
  if (!on) return 'none';
  return optimistic ? 'optional' : 'required';
}

function gatewaysOf(
  body: Omit<Update, 'is_active'>,
  before: Trunk | null,
  transport: Transport,
): { host: string; port: number; priority: number }[] | undefined {
  if (body.gateways) {
    return body.gateways
      .map(({ gateway_address: host, port, priority }) => ({ host, port, priority }))
      .sort((a, b) => a.priority - b.priority);
  }
  if (!before || body.transport === undefined || transport === transportOf(before))
    return undefined;
  return before.gateways.map(({ host, port }, index) => ({
    host,
    port,
    priority: priorityOf(before, index),
  }));
}

function codecsOf(allow: string): string[] {
  return allow
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
    .map((name) => entryOf(CODECS, name) ?? name);
}

function wire(transport: Transport): string {
  return transport.slice('transport-'.length);
}

function transportOf(trunk: Trunk): Transport {
  return `transport-${trunk.gateways[0]?.transport ?? 'udp'}`;
}

function priorityOf(trunk: Trunk, index: number): number {
  const { priorities } = trunk.doorData;
  const kept: unknown = Array.isArray(priorities) ? priorities[index] : undefined;
  return typeof kept === 'number' ? kept : index + 1;
}

function require(value: unknown, field: string, problem: string): void {
  if (value === undefined || value === null) throw unprocessable([{ field, problem }]);
}

export function trunkView(
  trunk: Trunk,
  numbers: readonly NumberRow[],
): z.output<typeof trunkSchema> {
  return {
    id: trunk.id,
    name: trunk.name,
    provider: trunk.provider,
    description: trunk.description === '' ? null : trunk.description,
    auth_type: trunk.authType === 'ip-based' || !trunk.hasPassword ? 'ip-based' : 'userpass',
    auth_username: trunk.authUsername,
    gateways: trunk.gateways.map(({ host, port }, index) => ({
      gateway_address: host,
      port,
      priority: priorityOf(trunk, index),
    })),
    ip_identifiers: trunk.allowedSources.map((address) => ({ ip_address: address })),
    phone_numbers: numbers.map(numberView),
    allow: trunk.codecs.map((codec) => NAMES[codec] ?? codec.toLowerCase()).join(','),
    disallow: 'all',
    transport: transportOf(trunk),
    direct_media: trunk.directMedia,
    rtp_symmetric: trunk.rtpSymmetric,
    force_rport: trunk.forceRport,
    media_encryption: trunk.mediaEncryption === 'none' ? 'no' : 'sdes',
    media_encryption_optimistic: trunk.mediaEncryption === 'optional',
    qualify_frequency: trunk.qualifyFrequencyS,
    inbound_enabled: trunk.inboundEnabled,
    outbound_leading_plus_enabled: trunk.leadingPlus,
    is_active: trunk.active,
    created_at: trunk.createdAt.toISOString(),
    updated_at: trunk.updatedAt.toISOString(),
  };
}

export function numberView(row: NumberRow): z.output<typeof numberSchema> {
  return {
    id: bolnaHexId(row.id),
    phone_number: row.e164,
    name: row.name,
    byot_trunk_id: row.trunkId,
    telephony_provider: 'sip-trunk',
    agent_id: row.agentId === null ? null : bolnaId(row.agentId),
    deleted: false,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
