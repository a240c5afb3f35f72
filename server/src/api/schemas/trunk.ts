import { z } from 'zod';
import type { NewGateway } from '../../db/queries/gateways.ts';
import { CARRIER_PROFILES } from '../../trunks/carrier-profiles.ts';
import { sourceWarnings } from '../../trunks/source-width.ts';
import type { Trunk, TrunkInput } from '../../trunks/trunk-store.ts';

const gatewaySchema = z.strictObject({
  host: z.string().min(1).max(253).describe('Address or host name.'),
  port: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('Default: 5061 for tls, else 5060.'),
  transport: z.enum(['udp', 'tcp', 'tls']).default('udp'),
  lookup: z
    .enum(['address', 'srv', 'naptr'])
    .default('address')
    .describe(
      'How a host name is looked up (RFC 3263): its addresses with this port; its SRV records for this transport; or its NAPTR records, which choose the transport too. Each falls back to the one before.',
    ),
});

/** RFC 3261 §19.1.2. */
function gatewayInput({
  host,
  port,
  transport,
  lookup,
}: z.output<typeof gatewaySchema>): NewGateway {
  return { host, port: port ?? (transport === 'tls' ? 5_061 : 5_060), transport, lookup };
}

const timeoutsSchema = z.strictObject({
  first_packet_ms: z.number().int().min(1_000).max(600_000).default(30_000),
  lost_ms: z.number().int().min(1_000).max(3_600_000).default(60_000),
  hold_ms: z.number().int().min(1_000).max(14_400_000).default(1_800_000),
});

const headerMap = z.record(z.string(), z.string().max(500));

const fields = {
  name: z.string().trim().min(1).max(200),
  description: z.string().max(2_000),
  provider: z
    .string()
    .min(1)
    .max(100)
    .describe(
      `Carrier: ${Object.keys(CARRIER_PROFILES).join(', ')} bring what that carrier expects; any other text is a name.`,
    ),
  metadata: z.string().max(10_000).describe('Yours; we do not read it.'),
  active: z.boolean(),
  inbound_enabled: z.boolean().describe('Whether calls may come in.'),
  outbound_enabled: z.boolean().describe('Whether calls may go out.'),
  auth_type: z
    .enum(['none', 'userpass', 'ip-based', 'registration'])
    .describe('How the carrier knows that it is us.'),
  gateways: z
    .array(gatewaySchema)
    .max(20)
    .describe('Where INVITEs go, in the order in which they are tried.'),
  auth_username: z.string().min(1).max(200).nullable(),
  auth_password: z.string().min(1).max(200).nullable().describe('Write-only; sealed when stored.'),
  inbound_auth_username: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .describe('What callers must prove by digest; null: their address is enough.'),
  inbound_auth_password: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .describe('Write-only; sealed when stored.'),
  inbound_auth_realm: z.string().min(1).max(200).nullable(),
  leading_plus: z.boolean().describe('Whether numbers are sent as +49... or as 49....'),
  caller_id_header: z
    .enum(['from', 'from-and-pai', 'pai'])
    .describe('Where the caller’s number goes: From, P-Asserted-Identity (RFC 3325) or both.'),
  from_domain: z.string().min(1).max(253).nullable().describe('Domain of the From header.'),
  codecs: z
    .array(z.enum(['PCMU', 'PCMA', 'G722', 'OPUS']))
    .min(1)
    .describe(
      'What is offered and taken, in the order of the offer. G722 and OPUS only where they are named here; the agent hears and speaks with 8 kHz in any case.',
    ),
  headers: z.record(z.string(), z.string().max(500)).describe('Added to every INVITE.'),
  ring_timeout_ms: z.number().int().min(1_000).max(600_000),
  media_timeouts: timeoutsSchema,
  allowed_sources: z
    .array(z.string().max(100))
    .max(200)
    .describe('Addresses and CIDRs, besides the gateways, that inbound calls come from.'),
  allowed_callers: z
    .array(z.string().max(40))
    .max(1_000)
    .describe('Numbers that may call in; empty: all.'),
  redirect_hosts: z
    .array(z.string().min(1).max(253))
    .max(50)
    .describe(
      'Where a 3xx answer may send a call: host names, `*.example.com`, addresses and CIDRs; empty: redirections are not followed. At most 5 contacts, best first; another number is judged by the guardrails anew; a private address is taken only where it stands here itself.',
    ),
  media_encryption: z
    .enum(['none', 'optional', 'required'])
    .describe('SDES-SRTP (RFC 4568): never, when the far end can, or the call fails.'),
  rtp_symmetric: z
    .boolean()
    .describe(
      'Whether audio goes to where audio comes from, whatever the far end’s SDP says; false: to the address of the SDP alone, and only audio of its host is heard.',
    ),
  transfer_by_refer: z
    .boolean()
    .describe(
      'Whether transfers go by REFER: the carrier connects the far end with the target and our line is free. Where it does not take it, the target is called and both are in one room.',
    ),
  accepts_refer: z
    .boolean()
    .describe(
      'Whether a REFER of the far end makes the agent of the call call the number that it names, under every rule of a call; else it is answered 603.',
    ),
  force_rport: z
    .boolean()
    .describe(
      'Whether replies over UDP go to the port that a request came from (RFC 3581) unasked; false: to the port of its Via.',
    ),
  direct_media: z.boolean().describe('Must be false: the agent needs the audio.'),
  qualify_frequency_s: z
    .number()
    .int()
    .min(0)
    .max(3_600)
    .describe(
      'Seconds between OPTIONS to each gateway; 0: none. One that missed three is tried last.',
    ),
  max_concurrent_calls: z.number().int().min(1).max(100_000).nullable(),
  calls_per_second: z.number().min(0.01).max(1_000).nullable().describe('New calls a second.'),
  max_call_duration_s: z.number().int().min(10).max(14_400).nullable(),
  destination_country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .nullable()
    .describe(
      'ISO 3166-1 alpha-2, of LiveKit’s clients; kept for them, calls are not routed by it.',
    ),
  headers_to_attributes: headerMap.describe('SIP header of the far end to participant attribute.'),
  attributes_to_headers: headerMap.describe(
    'Of LiveKit’s clients; kept for them, nothing is sent by it.',
  ),
  include_headers: z
    .enum(['none', 'x', 'all'])
    .describe('Which headers of the far end become attributes `sip.h.*`.'),
};

/** What LiveKit's clients may have stored is shown; here it would be accepted and do nothing. */
const givenFields = {
  ...fields,
  attributes_to_headers: headerMap.refine((map) => Object.keys(map).length === 0, {
    error: 'must be empty: attributes are not sent as headers; use headers',
  }),
  destination_country: fields.destination_country.refine((country) => country === null, {
    error: 'must be null: calls are not routed by country; use trunks of their own',
  }),
};

/** What a request can say beyond what a trunk is. */
const bodyFields = {
  ...givenFields,
  force: z
    .boolean()
    .describe(
      'Takes `allowed_sources` that are refused otherwise: IPv4 wider than /8, IPv6 wider than /16.',
    ),
};

export const trunkCreateSchema = z
  .strictObject(bodyFields)
  .partial()
  .required({ name: true })
  .meta({
    examples: [
      {
        name: 'Main carrier',
        auth_type: 'userpass',
        auth_username: 'agents',
        auth_password: 'change-me',
        gateways: [{ host: 'sip.example.com', transport: 'tls' }],
        media_encryption: 'required',
        max_concurrent_calls: 10,
      },
      {
        name: 'Office exchange',
        auth_type: 'ip-based',
        gateways: [{ host: '203.0.113.7' }],
        inbound_enabled: true,
        allowed_sources: ['203.0.113.0/28'],
        leading_plus: false,
      },
    ],
  });
export const trunkPatchSchema = z
  .strictObject(bodyFields)
  .partial()
  .meta({
    examples: [
      {
        gateways: [{ host: 'sip1.example.com' }, { host: 'sip2.example.com' }],
        ring_timeout_ms: 45_000,
        qualify_frequency_s: 60,
      },
    ],
  });

const { auth_password: _outbound, inbound_auth_password: _inbound, ...shownFields } = fields;

export const trunkViewSchema = z
  .object({
    id: z.string(),
    ...shownFields,
    codecs: z.array(z.string()),
    has_password: z.boolean(),
    has_inbound_password: z.boolean(),
    warnings: z
      .array(z.string())
      .describe('What is worth a second look, such as sources wider than one network.'),
    sandbox: z.boolean(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Trunk' });

export function trunkView(trunk: Trunk): z.output<typeof trunkViewSchema> {
  return {
    id: trunk.id,
    name: trunk.name,
    description: trunk.description,
    provider: trunk.provider,
    metadata: trunk.metadata,
    active: trunk.active,
    inbound_enabled: trunk.inboundEnabled,
    outbound_enabled: trunk.outboundEnabled,
    auth_type: trunk.authType,
    sandbox: trunk.sandbox,
    gateways: trunk.gateways.map(({ host, port, transport, lookup }) => ({
      host,
      port,
      transport,
      lookup,
    })),
    auth_username: trunk.authUsername,
    has_password: trunk.hasPassword,
    inbound_auth_username: trunk.inboundAuthUsername,
    has_inbound_password: trunk.hasInboundPassword,
    warnings: sourceWarnings(trunk.allowedSources),
    inbound_auth_realm: trunk.inboundAuthRealm,
    leading_plus: trunk.leadingPlus,
    caller_id_header: trunk.callerIdHeader,
    from_domain: trunk.fromDomain,
    codecs: trunk.codecs,
    headers: trunk.headers,
    ring_timeout_ms: trunk.ringTimeoutMs,
    media_timeouts: trunk.mediaTimeouts,
    allowed_sources: trunk.allowedSources,
    allowed_callers: trunk.allowedCallers,
    redirect_hosts: trunk.redirectHosts,
    media_encryption: trunk.mediaEncryption,
    rtp_symmetric: trunk.rtpSymmetric,
    force_rport: trunk.forceRport,
    transfer_by_refer: trunk.transferByRefer,
    accepts_refer: trunk.acceptsRefer,
    direct_media: trunk.directMedia,
    qualify_frequency_s: trunk.qualifyFrequencyS,
    max_concurrent_calls: trunk.maxConcurrentCalls,
    calls_per_second: trunk.callsPerSecond,
    max_call_duration_s: trunk.maxCallDurationS,
    destination_country: trunk.destinationCountry,
    headers_to_attributes: trunk.headersToAttributes,
    attributes_to_headers: trunk.attributesToHeaders,
    include_headers: trunk.includeHeaders,
    created_at: trunk.createdAt.toISOString(),
    updated_at: trunk.updatedAt.toISOString(),
  };
}

export function trunkInput(body: z.output<typeof trunkPatchSchema>): TrunkInput {
  return {
    name: body.name,
    description: body.description,
    provider: body.provider,
    metadata: body.metadata,
    active: body.active,
    inboundEnabled: body.inbound_enabled,
    outboundEnabled: body.outbound_enabled,
    authType: body.auth_type,
    gateways: body.gateways?.map(gatewayInput),
    authUsername: body.auth_username,
    authPassword: body.auth_password,
    inboundAuthUsername: body.inbound_auth_username,
    inboundAuthPassword: body.inbound_auth_password,
    inboundAuthRealm: body.inbound_auth_realm,
    leadingPlus: body.leading_plus,
    callerIdHeader: body.caller_id_header,
    fromDomain: body.from_domain,
    codecs: body.codecs,
    headers: body.headers,
    ringTimeoutMs: body.ring_timeout_ms,
    mediaTimeouts: body.media_timeouts,
    allowedSources: body.allowed_sources,
    force: body.force,
    allowedCallers: body.allowed_callers,
    redirectHosts: body.redirect_hosts,
    mediaEncryption: body.media_encryption,
    rtpSymmetric: body.rtp_symmetric,
    forceRport: body.force_rport,
    transferByRefer: body.transfer_by_refer,
    acceptsRefer: body.accepts_refer,
    directMedia: body.direct_media,
    qualifyFrequencyS: body.qualify_frequency_s,
    maxConcurrentCalls: body.max_concurrent_calls,
    callsPerSecond: body.calls_per_second,
    maxCallDurationS: body.max_call_duration_s,
    destinationCountry: body.destination_country,
    headersToAttributes: body.headers_to_attributes,
    attributesToHeaders: body.attributes_to_headers,
    includeHeaders: body.include_headers,
  };
}
